import { button, byId, element } from '../element.ts';

/** How far a step is. */
export type Phase =
  | { readonly kind: 'ready' | 'busy' | 'done' }
  | { readonly kind: 'failed'; readonly why: string };

/** Words for one step. */
interface Shown {
  readonly title: string;
  readonly text: string;
  readonly action: string;
  readonly phase: Phase;
}

/** The strip below the page that leads through the tour. Its button stays, so that nobody's focus gets lost. */
export class Panel {
  readonly #title = element('h2', { id: 'tour-title' });
  readonly #text = element('p', { id: 'tour-text' });
  readonly #button: HTMLButtonElement;
  readonly #element: HTMLElement;
  /** Strips that cover the end of the page: this one, and that of the uploads. */
  readonly #dock = byId('dock', HTMLElement);
  readonly #size = new ResizeObserver(() => this.#follow());
  readonly #end = new AbortController();
  #target: Element | null = null;
  /** The target is kept in view until somebody looks elsewhere. */
  #isFollowed = true;

  constructor(go: () => void, leave: () => void) {
    this.#button = button('', () => this.#button.ariaDisabled !== 'true' && go(), {
      class: 'main',
      'aria-describedby': 'tour-text',
    });
    const left = button('Leave the tour', leave, { class: 'quiet' });
    this.#element = element(
      'section',
      { class: 'tour', 'aria-labelledby': 'tour-title' },
      element('div', { class: 'tour-words' }, this.#title, this.#text),
      element('div', { class: 'actions' }, this.#button, left),
    );
    this.#element.addEventListener('keydown', ({ key }) => key === 'Escape' && leave());
    this.#dock.prepend(this.#element);
    for (const each of [this.#dock, document.body]) this.#size.observe(each);
    for (const type of ['pointerdown', 'wheel', 'keydown']) {
      document.addEventListener(type, (event) => this.#used(event), {
        passive: true,
        signal: this.#end.signal,
      });
    }
  }

  get hasFocus(): boolean {
    return this.#element.contains(document.activeElement);
  }

  focus(): void {
    this.#button.focus();
  }

  show({ title, text, action, phase }: Shown): void {
    this.#element.dataset['phase'] = phase.kind;
    this.#title.textContent = title;
    this.#text.textContent = text;
    this.#button.textContent = action;
    this.#button.ariaDisabled = String(phase.kind === 'busy');
  }

  /** Outlines a part of the page, and brings it into view. */
  point(target: Element | null): void {
    if (target === this.#target) return;
    this.#target?.classList.remove('tour-target');
    this.#target = target;
    target?.classList.add('tour-target');
    this.#isFollowed = true;
    this.#follow();
  }

  remove(): void {
    this.point(null);
    this.#end.abort();
    this.#size.disconnect();
    this.#element.remove();
    document.documentElement.style.removeProperty('scroll-padding-bottom');
  }

  /** Keeps the strip from covering the target. */
  #follow(): void {
    const height = this.#dock.offsetHeight;
    document.documentElement.style.setProperty('scroll-padding-bottom', `${height + 24}px`);
    if (this.#isFollowed) this.#target?.scrollIntoView({ block: 'nearest' });
  }

  #used({ target }: Event): void {
    if (!(target instanceof Node && this.#element.contains(target))) this.#isFollowed = false;
  }
}
