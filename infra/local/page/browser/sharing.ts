import { button, element, whileBusy } from './element.ts';
import type { TrackedFile } from './tracked-file.ts';
import { moment } from './words.ts';

let numbered = 0;

/** Viewers of a file, for its owner to change. */
export class Sharing {
  readonly element: HTMLElement;
  readonly #file: TrackedFile;
  readonly #list = element('ul', { class: 'viewers' });
  readonly #input: HTMLInputElement;
  readonly #until: HTMLInputElement;
  #shown = '';

  constructor(file: TrackedFile) {
    this.#file = file;
    const id = `share-${++numbered}`;
    this.#input = element('input', {
      id,
      list: 'principals',
      required: '',
      placeholder: 'org:974760673',
      autocapitalize: 'none',
      spellcheck: 'false',
    });
    this.#until = element('input', { id: `${id}-until`, type: 'datetime-local', step: 'any' });
    const form = element(
      'form',
      { class: 'share', autocomplete: 'off' },
      element('label', { for: id }, 'Share with'),
      this.#input,
      element('label', { for: `${id}-until` }, 'until'),
      this.#until,
      element('button', { type: 'submit' }, 'Share'),
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void whileBusy(form, () => this.#share());
    });
    const heading = element('h3', {}, 'Viewers');
    this.element = element('section', { class: 'sharing' }, heading, this.#list, form);
  }

  show(): void {
    const { viewers } = this.#file;
    this.element.hidden = viewers === undefined;
    const shown = JSON.stringify(viewers);
    if (!viewers || shown === this.#shown) return;
    this.#shown = shown;
    const lost = this.#list.contains(document.activeElement);
    const owner = element(
      'li',
      {},
      element('span', {}, viewers.owner),
      element('span', { class: 'hint' }, 'owner'),
    );
    const { until = {} } = viewers;
    this.#list.replaceChildren(
      owner,
      ...viewers.viewers.map((viewer) => this.#viewer(viewer, until[viewer])),
    );
    if (lost) this.#input.focus();
  }

  #viewer(principal: string, until: string | undefined): HTMLElement {
    const revoke = button('Revoke', () => void this.#file.unshare(principal), {
      class: 'small',
      'aria-label': `Revoke ${principal}`,
    });
    const end = until === undefined ? [] : [element('span', { class: 'hint' }, `until ${moment(until)}`)];
    return element('li', {}, element('span', {}, principal), ...end, revoke);
  }

  async #share(): Promise<void> {
    const [principal, until] = [this.#input.value, this.#until.value];
    const end = until === '' ? undefined : new Date(until);
    // Words that were refused stay, to be corrected, and so does what was typed meanwhile.
    if (!(await this.#file.share(principal.trim(), end)) || this.#input.value !== principal) return;
    this.#input.value = '';
    this.#until.value = '';
  }
}
