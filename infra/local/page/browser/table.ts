import type { CardActions } from './card.ts';
import { byId } from './element.ts';
import { Row } from './row.ts';
import type { TrackedFile } from './tracked-file.ts';

/** The rows of one page of files: no others are in the document. */
export class Table {
  readonly #table = byId('table', HTMLTableElement);
  readonly #actions: CardActions;
  #rows = new Map<TrackedFile, Row>();

  constructor(actions: CardActions) {
    this.#actions = actions;
  }

  /**
   * Shows these alone. Rows that stay keep their elements, so that nobody's focus gets lost.
   * @param changed which of them have something new to show
   */
  show(files: readonly TrackedFile[], changed: ReadonlySet<TrackedFile>): void {
    const hadFocus = this.#table.contains(document.activeElement);
    const before = this.#rows;
    this.#rows = new Map();
    for (const file of files) {
      const row = before.get(file) ?? new Row(file, this.#actions);
      if (changed.has(file) || !before.delete(file)) row.show();
      before.delete(file);
      this.#rows.set(file, row);
    }
    for (const row of before.values()) row.element.remove();
    let at = this.#table.tHead?.nextElementSibling ?? null;
    for (const row of this.#rows.values()) {
      if (row.element === at) at = at.nextElementSibling;
      else this.#table.insertBefore(row.element, at);
    }
    if (hadFocus && !this.#table.contains(document.activeElement)) byId('files', HTMLElement).focus();
    this.#table.hidden = files.length === 0;
  }

  focus(file: TrackedFile): void {
    this.#rows.get(file)?.focus();
  }
}
