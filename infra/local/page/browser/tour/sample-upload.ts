import { listingProblem, troubleIn } from './trouble.ts';
import { actAs, buttonIn, nameIn, sampleButton, termIn, uploadedSince } from './visitor.ts';

/** The upload of a sample, by the tour or by the visitor. */
export class SampleUpload {
  /** Empty until the service has decided. */
  id = '';
  sha256: string | undefined;
  readonly #name: string;
  readonly #state: string;
  readonly #owner: string;
  /** ms since 1970; the step was begun then. */
  #since = Date.now();

  /** @param state of the file that the step is to lead to */
  constructor(name: string, state: string, owner: string) {
    this.#name = name;
    this.#state = state;
    this.#owner = owner;
  }

  begin(): void {
    actAs(this.#owner);
    const resume = buttonIn(this.#row(), 'Resume');
    if (resume) {
      resume.click();
      return;
    }
    this.#since = Date.now();
    sampleButton(this.#name)?.click();
  }

  isDecided(): boolean {
    const row = this.#row();
    if (row?.dataset['state'] !== this.#state) return false;
    this.sha256 = termIn(row, 'SHA-256');
    this.id = row.dataset['id'] ?? '';
    return this.sha256 !== undefined;
  }

  problem(): string | undefined {
    const sample = sampleButton(this.#name);
    if (sample?.ariaBusy === 'true') return undefined;
    return listingProblem() ?? troubleIn(this.#row(), this.#state);
  }

  #row(): HTMLElement | null {
    return uploadedSince(this.#since).find((row) => nameIn(row)?.textContent === this.#name) ?? null;
  }
}
