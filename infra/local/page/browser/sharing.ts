import { button, element } from './element.ts';
import type { TrackedFile } from './tracked-file.ts';

let numbered = 0;

/** Viewers of a file, for its owner to change. */
export class Sharing {
  readonly element: HTMLElement;
  readonly #file: TrackedFile;
  readonly #list = element('ul', { class: 'viewers' });
  readonly #input: HTMLInputElement;
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
    const form = element(
      'form',
      { class: 'share', autocomplete: 'off' },
      element('label', { for: id }, 'Share with'),
      this.#input,
      element('button', { type: 'submit' }, 'Share'),
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#share();
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
    this.#list.replaceChildren(owner, ...viewers.viewers.map((viewer) => this.#viewer(viewer)));
    if (lost) this.#input.focus();
  }

  #viewer(principal: string): HTMLElement {
    const revoke = button('Revoke', () => void this.#file.unshare(principal), {
      class: 'small',
      'aria-label': `Revoke ${principal}`,
    });
    return element('li', {}, element('span', {}, principal), revoke);
  }

  async #share(): Promise<void> {
    await this.#file.share(this.#input.value.trim());
    this.#input.value = '';
  }
}
