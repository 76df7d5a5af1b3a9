/** Aborts its signal when nothing has happened for a while, or when the caller's signal does. */
export class Idle {
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  readonly #ms: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ended = false;

  constructor(ms: number, outer: AbortSignal | undefined) {
    outer?.throwIfAborted();
    const own = this.#controller.signal;
    this.signal = outer ? AbortSignal.any([own, outer]) : own;
    this.#ms = ms;
    this.reset();
  }

  /** Says that something happened; also too late, as a body that is still read after its answer does. */
  reset(): void {
    clearTimeout(this.#timer);
    if (this.#ended) return;
    const late = () => new Error(`nothing happened for ${this.#ms / 1000} s`);
    this.#timer = setTimeout(() => this.#controller.abort(late()), this.#ms);
  }

  /** Watches no longer; the signal still follows the caller's. */
  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }
}
