import { ScanFault } from './verdict.ts';

/**
 * The one way to end an exchange with clamd before it ends: the first fault wins, be it a deadline, a
 * failing source or the caller's AbortSignal. Disposing it takes back every timer and listener.
 */
export class Cutoff implements Disposable {
  readonly #controller = new AbortController();
  readonly #caller: AbortSignal | undefined;
  readonly #timers: NodeJS.Timeout[] = [];

  constructor(caller?: AbortSignal) {
    this.#caller = caller;
    caller?.addEventListener('abort', this.#abort, { once: true });
    if (caller?.aborted) this.#abort();
  }

  /** Aborts with a `ScanFault` as its reason. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  cut(fault: ScanFault): void {
    this.#controller.abort(fault);
  }

  /** Cuts after `ms` milliseconds, unless the returned timer is cleared; `refresh()` on it starts them anew. */
  cutAfter(ms: number, fault: () => ScanFault): NodeJS.Timeout {
    const timer = setTimeout(() => this.cut(fault()), ms);
    this.#timers.push(timer);
    return timer;
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#caller?.removeEventListener('abort', this.#abort);
  }

  readonly #abort = (): void => {
    this.cut(new ScanFault('aborted', 'the scan was aborted', { cause: this.#caller?.reason }));
  };
}
