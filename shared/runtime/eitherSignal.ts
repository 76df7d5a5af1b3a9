/**
 * Aborts when one of `signals` does, or when it is told to, and lets go of them when it is disposed.
 *
 * `AbortSignal.any` needs no letting go, because it holds by weak references. A young generation is collected as if
 * those were strong, so whatever listens to such a signal, a request and its connection among it, would stay until V8
 * marks the whole heap, and make it do so (docs/performance.md).
 */
export class EitherSignal implements Disposable {
  readonly #controller = new AbortController();
  readonly #signals: readonly AbortSignal[];

  constructor(...signals: readonly AbortSignal[]) {
    this.#signals = signals;
    for (const signal of signals) {
      signal.addEventListener('abort', this.#follow, { once: true });
      if (signal.aborted) this.abort(signal.reason);
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  [Symbol.dispose](): void {
    for (const signal of this.#signals) signal.removeEventListener('abort', this.#follow);
  }

  readonly #follow = ({ target }: Event): void => this.abort((target as AbortSignal).reason);
}
