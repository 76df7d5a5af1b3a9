import { byId } from './element.ts';
import { Operator } from './operator.ts';
import type { Session } from './session.ts';
import { saying } from './words.ts';

interface Answer {
  readonly intake: { readonly state: 'open' | 'paused'; readonly reason?: string; readonly by?: string };
}

/** The part of the tab of operators by which they pause and resume the intake. */
export class IntakeSwitch {
  readonly #form = byId('intake', HTMLFormElement);
  readonly #reason = byId('intake-reason', HTMLInputElement);
  readonly #pause = byId('intake-pause', HTMLButtonElement);
  readonly #resume = byId('intake-resume', HTMLButtonElement);
  readonly #note = byId('intake-note', HTMLElement);
  #operator: Operator | undefined;
  #asked = 0;

  constructor() {
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#order('/intake/pause', { reason: this.#reason.value.trim() });
    });
    this.#resume.addEventListener('click', () => void this.#order('/intake/resume', {}));
  }

  /** Forgets what another identity was shown. */
  actAs(session: Session): void {
    this.#operator = Operator.of(session);
    this.#note.textContent = '';
    this.#reason.value = '';
  }

  load(): Promise<void> {
    return this.#tell((operator) => operator.intake<Answer>());
  }

  #order(path: string, body: object): Promise<void> {
    return this.#tell((operator) => operator.order<Answer>(path, body));
  }

  async #tell(ask: (operator: Operator) => Promise<Answer>): Promise<void> {
    const operator = this.#operator;
    if (!operator) return;
    const turn = ++this.#asked;
    const answer = await ask(operator).catch((error: unknown) => saying(error));
    // An answer that another has overtaken would replace what is known by what was.
    if (operator !== this.#operator || turn !== this.#asked) return;
    if (typeof answer === 'string') {
      this.#note.textContent = `Refused. ${answer}`;
      return;
    }
    const { state, reason, by } = answer.intake;
    const isPaused = state === 'paused';
    this.#note.textContent = isPaused
      ? `New uploads are paused by ${by}: ${reason}`
      : 'New uploads are taken.';
    this.#resume.hidden = !isPaused;
    this.#pause.textContent = isPaused ? 'Change the reason' : 'Pause intake';
  }
}
