import { byId } from './element.ts';
import { Operator } from './operator.ts';
import type { Session } from './session.ts';
import { saying } from './words.ts';

interface Answer {
  readonly intake: { readonly state: 'open' | 'paused'; readonly reason?: string; readonly by?: string };
  readonly notice?: { readonly text: string; readonly by: string; readonly shown: boolean };
}

/** The part of the tab of operators by which they pause and resume the intake, and tell users something. */
export class IntakeSwitch {
  readonly #form = byId('intake', HTMLFormElement);
  readonly #reason = byId('intake-reason', HTMLInputElement);
  readonly #pause = byId('intake-pause', HTMLButtonElement);
  readonly #resume = byId('intake-resume', HTMLButtonElement);
  readonly #note = byId('intake-note', HTMLElement);
  readonly #text = byId('notice-text', HTMLInputElement);
  readonly #warning = byId('notice-warning', HTMLInputElement);
  readonly #remove = byId('notice-remove', HTMLButtonElement);
  readonly #told = byId('notice-note', HTMLElement);
  #operator: Operator | undefined;
  #asked = 0;

  constructor() {
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      const order = { reason: this.#reason.value.trim() };
      void this.#tell(this.#note, (operator) => operator.order('/intake/pause', order));
    });
    this.#resume.addEventListener(
      'click',
      () => void this.#tell(this.#note, (operator) => operator.order('/intake/resume')),
    );
    byId('notice-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      const order = { text: this.#text.value.trim(), level: this.#warning.checked ? 'warning' : 'info' };
      void this.#tell(this.#told, (operator) => operator.order('/notice', order, 'PUT'));
    });
    this.#remove.addEventListener(
      'click',
      () => void this.#tell(this.#told, (operator) => operator.order('/notice', {}, 'DELETE')),
    );
  }

  /** Forgets what another identity was shown. */
  actAs(session: Session): void {
    this.#operator = Operator.of(session);
    for (const note of [this.#note, this.#told]) note.textContent = '';
    for (const input of [this.#reason, this.#text]) input.value = '';
    this.#warning.checked = false;
  }

  load(): Promise<void> {
    return this.#tell(this.#note, (operator) => operator.intake());
  }

  /** @param note has the reason where the order is refused */
  async #tell(note: HTMLElement, ask: (operator: Operator) => Promise<Answer>): Promise<void> {
    const operator = this.#operator;
    if (!operator) return;
    const turn = ++this.#asked;
    const answer = await ask(operator).catch((error: unknown) => saying(error));
    // An answer that another has overtaken would replace what is known by what was.
    if (operator !== this.#operator || turn !== this.#asked) return;
    if (typeof answer === 'string') {
      note.textContent = `Refused. ${answer}`;
      return;
    }
    this.#show(answer);
  }

  #show({ intake: { state, reason, by }, notice }: Answer): void {
    const isPaused = state === 'paused';
    this.#note.textContent = isPaused
      ? `New uploads are paused by ${by}: ${reason}`
      : 'New uploads are taken.';
    this.#resume.hidden = !isPaused;
    this.#pause.textContent = isPaused ? 'Change the reason' : 'Pause intake';
    const when = notice?.shown ? 'Shown' : 'Not shown now';
    this.#told.textContent = notice ? `${when}, by ${notice.by}: ${notice.text}` : 'There is no notice.';
    this.#remove.hidden = !notice;
  }
}
