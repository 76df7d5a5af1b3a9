import { complain } from './announce.ts';
import { droppedFiles } from './dropped.ts';
import { byId, whileBusy } from './element.ts';
import { saying } from './words.ts';

type Take = (files: readonly File[]) => void;

/**
 * The ways in for files: dropped anywhere on the page, chosen, or a sample of the platform.
 * @param begin is called at once: files that take time to be read are taken for the one who brought them
 */
export function takeFiles(begin: () => Take): void {
  for (const id of ['picker', 'folder-picker']) {
    const picker = byId(id, HTMLInputElement);
    picker.addEventListener('change', () => {
      begin()([...(picker.files ?? [])]);
      // So that choosing the same file again is a change.
      picker.value = '';
    });
  }
  takeDropped(begin);
  for (const sample of document.querySelectorAll<HTMLButtonElement>('[data-sample]')) {
    sample.addEventListener('click', () => void whileBusy(sample, () => takeSample(sample, begin())));
  }
}

function takeDropped(begin: () => Take): void {
  const { classList } = document.body;
  const bringsFiles = ({ dataTransfer }: DragEvent) => dataTransfer?.types.includes('Files') ?? false;
  document.addEventListener('dragover', (event) => {
    if (!bringsFiles(event)) return;
    // Without it, the browser leaves the page for the file.
    event.preventDefault();
    classList.add('over');
  });
  document.addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) classList.remove('over');
  });
  document.addEventListener('drop', (event) => {
    classList.remove('over');
    if (!bringsFiles(event)) return;
    event.preventDefault();
    if (!event.dataTransfer) return;
    const take = begin();
    droppedFiles(event.dataTransfer).then(
      (files) => (files.length > 0 ? take(files) : complain('There is no file in the dropped folder.')),
      (error: unknown) => complain(`The dropped files could not be read. ${saying(error)}`),
    );
  });
}

async function takeSample(sample: HTMLButtonElement, take: Take): Promise<void> {
  const { sample: name = '', type = '' } = sample.dataset;
  try {
    const response = await fetch(`/local/samples/${name}`);
    if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
    take([new File([await response.blob()], name, { type, lastModified: 0 })]);
    complain('');
  } catch (error) {
    complain(`The sample ${name} could not be made. ${saying(error)}`);
  }
}
