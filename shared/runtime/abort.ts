/**
 * Calls `abort` when one of `signals` aborts, until what it returns is called. From then on nothing of `abort` is held:
 * Node's list of the listeners of a signal leaves a listener that was removed linked to its neighbours, which keeps
 * whatever it reaches from being collected young, one file after the other, where the signal is the process's own
 * (docs/performance.md). `AbortSignal.any`, which holds by weak references, does the same.
 */
export function onAbort(signals: readonly AbortSignal[], abort: (reason: unknown) => void): () => void {
  let told: typeof abort | undefined = abort;
  const listener = ({ target }: Event): void => told?.((target as AbortSignal).reason);
  for (const signal of signals) signal.addEventListener('abort', listener, { once: true });
  return () => {
    told = undefined;
    for (const signal of signals) signal.removeEventListener('abort', listener);
  };
}

/** Aborts when one of `signals` does, or when it is told to, and lets go of them when it is disposed. */
export class EitherSignal implements Disposable {
  readonly #controller = new AbortController();
  readonly #letGo: () => void;

  constructor(...signals: readonly AbortSignal[]) {
    this.#letGo = onAbort(signals, (reason) => this.abort(reason));
    const aborted = signals.find((signal) => signal.aborted);
    if (aborted) this.abort(aborted.reason);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  [Symbol.dispose](): void {
    this.#letGo();
  }
}
