import type { TempSpace } from './tempSpace.ts';

export interface AdmissionOptions {
  /** Scans at once: about one a processor of clamd's, more do not make it faster (FACTS). */
  readonly slots: number;
  /** How many may wait for a slot. */
  readonly maxWaiting: number;
  /** Milliseconds they wait at most. */
  readonly maxWaitMs: number;
  readonly tempSpace: TempSpace;
}

export type Refused = { readonly refused: 'slots' | 'tempSpace' };

/**
 * Who may scan now. clamd has no busy answer: a flood past its queue is reset, and a full temporary directory
 * makes malware clean (FACTS). So the admission is ours, before a byte is read.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #waiting = new Set<() => void>();
  #taken = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /**
   * Runs `work` in a slot, with temporary space set aside for a file of `size` bytes.
   * @param work its signal aborts when temporary space runs low; what it returns is void then
   * @throws what `work` throws; {ScanFault} `outOfTempSpace` where space ran low meanwhile
   */
  async run<T>(size: number, work: (signal: AbortSignal) => Promise<T>): Promise<{ result: T } | Refused> {
    if (!(await this.#take())) return { refused: 'slots' };
    try {
      return (await this.#options.tempSpace.during(size, work)) ?? { refused: 'tempSpace' };
    } finally {
      this.#giveBack();
    }
  }

  async #take(): Promise<boolean> {
    if (this.#taken < this.#options.slots) {
      this.#taken++;
      return true;
    }
    if (this.#waiting.size >= this.#options.maxWaiting) return false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const admit = (): void => resolve(true);
    this.#waiting.add(admit);
    const timer = setTimeout(() => {
      this.#waiting.delete(admit);
      resolve(false);
    }, this.#options.maxWaitMs);
    const admitted = await promise;
    clearTimeout(timer);
    return admitted;
  }

  /** A slot is handed over to who waits longest, not freed: nobody slips in between. */
  #giveBack(): void {
    const [next] = this.#waiting;
    if (!next) {
      this.#taken--;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
