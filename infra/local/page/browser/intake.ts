import { complain } from './announce.ts';
import { byId } from './element.ts';
import { saying } from './words.ts';

/** The ways in for files: dropped anywhere on the page, chosen, or a sample of the platform. */
export function takeFiles(take: (file: File) => void): void {
  const picker = byId('picker', HTMLInputElement);
  picker.addEventListener('change', () => {
    for (const file of picker.files ?? []) take(file);
    // So that choosing the same file again is a change.
    picker.value = '';
  });
  takeDropped(take);
  for (const sample of document.querySelectorAll<HTMLButtonElement>('[data-sample]')) {
    sample.addEventListener('click', () => void takeSample(sample, take));
  }
}

function takeDropped(take: (file: File) => void): void {
  const { classList } = byId('drop', HTMLElement);
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
    for (const file of event.dataTransfer?.files ?? []) take(file);
  });
}

async function takeSample(sample: HTMLButtonElement, take: (file: File) => void): Promise<void> {
  const { sample: name = '', type = '' } = sample.dataset;
  sample.setAttribute('aria-busy', 'true');
  try {
    const response = await fetch(`/local/samples/${name}`);
    if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
    take(new File([await response.blob()], name, { type, lastModified: 0 }));
    complain('');
  } catch (error) {
    complain(`The sample ${name} could not be made. ${saying(error)}`);
  } finally {
    sample.removeAttribute('aria-busy');
  }
}
