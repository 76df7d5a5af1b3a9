import { badgeOf } from './badge.ts';
import { Card, type CardActions } from './card.ts';
import { element } from './element.ts';
import type { TrackedFile } from './tracked-file.ts';
import { bytes, moment } from './words.ts';

let numbered = 0;

/** A file in the table: one line, and its card once it is opened. */
export class Row {
  readonly element: HTMLTableSectionElement;
  readonly #file: TrackedFile;
  readonly #actions: CardActions;
  readonly #name: HTMLButtonElement;
  readonly #badge = element('span', { class: 'badge' });
  readonly #size = element('td', { role: 'cell', class: 'size' });
  readonly #time = element('time');
  readonly #owner = element('td', { role: 'cell', class: 'owner' });
  readonly #opened: HTMLTableRowElement;
  readonly #cell = element('td', { role: 'cell', colspan: '5' });
  #card: Card | undefined;

  constructor(file: TrackedFile, actions: CardActions) {
    this.#file = file;
    this.#actions = actions;
    const id = `file-${++numbered}`;
    this.#name = element('button', { type: 'button', class: 'name', 'aria-controls': id });
    this.#opened = element('tr', { id, role: 'row', class: 'opened' }, this.#cell);
    const line = element(
      'tr',
      { role: 'row', class: 'line' },
      element('th', { scope: 'row', role: 'rowheader' }, this.#name),
      element('td', { role: 'cell', class: 'state' }, this.#badge),
      this.#size,
      element('td', { role: 'cell', class: 'date' }, this.#time),
      this.#owner,
    );
    line.addEventListener('click', () => file.setOpen(!file.isOpen));
    this.element = element('tbody', { role: 'rowgroup', class: 'file' }, line, this.#opened);
  }

  show(): void {
    const { handle, id, name, isOpen, transfer } = this.#file;
    const { kind, text } = badgeOf(this.#file);
    this.element.dataset['state'] = text;
    this.element.dataset['id'] = id ?? '';
    const { startedAt } = transfer?.uploaded ?? {};
    if (startedAt !== undefined) this.element.dataset['uploadedAt'] = String(startedAt);
    this.#name.textContent = name;
    this.#name.setAttribute('aria-expanded', String(isOpen));
    this.#badge.textContent = text;
    this.#badge.className = `badge ${kind}`;
    this.#size.textContent = sizeOf(this.#file);
    this.#time.dateTime = handle?.createdAt ?? '';
    this.#time.textContent = handle ? moment(handle.createdAt) : '';
    this.#owner.textContent = handle?.owner ?? '';
    this.#opened.hidden = !isOpen;
    if (!isOpen) return;
    if (!this.#card) {
      this.#card = new Card(this.#file, this.#actions, () => this.focus());
      this.#cell.append(this.#card.element);
    }
    this.#card.show();
  }

  focus(): void {
    this.#name.focus();
  }
}

function sizeOf({ transfer, handle }: TrackedFile): string {
  if (transfer && transfer.state.kind !== 'sent') {
    const { sent } = transfer.progress;
    const { size } = transfer.file;
    return sent > 0 && sent < size ? `${Math.floor((sent / size) * 100)} % of ${bytes(size)}` : bytes(size);
  }
  const size = handle?.size ?? handle?.upload?.length ?? transfer?.file.size;
  return size === undefined ? '' : bytes(size);
}
