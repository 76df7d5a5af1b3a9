import type { SlotUse } from './slot-use.ts';
import type { TempSpace } from './temp-space.ts';
import { Turns } from './turns.ts';

interface AdmissionOptions {
  /** Scans at once: about one a processor of clamd's, more do not make it faster (docs/platform-facts.md#scans-at-once). */
  readonly slots: number;
  /** How many may wait for a slot; see {@link Turns} for whose give way. */
  readonly maxWaiting: number;
  /** Milliseconds they wait at most. */
  readonly maxWaitMs: number;
  readonly tempSpace: TempSpace;
  /** Measures the slots; absent where nobody asks. */
  readonly slotUse?: SlotUse;
}

/** Bytes: a larger file takes a second or more of a slot. */
const LONG_BYTES = 16 * 1024 * 1024;

export type Refused = { readonly refused: 'slots' | 'tempSpace' };

/**
 * Admits scans. clamd has no busy answer: a flood past its queue is reset, and a full temporary directory
 * makes malware clean (docs/platform-facts.md#floods, #a-full-temporary-directory). So the admission is ours, before a byte is read.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #turns: Turns;

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#turns = new Turns(options);
  }

  /**
   * Runs `work` in a slot, with temporary space set aside for a file of `size` bytes.
   * @param owner of the file: owners take turns, so that one with many files delays another's by one scan at most, and large
   *   files do not hold every slot while small ones come
   * @param work its signal aborts when temporary space runs low; what it returns is void then
   * @throws what `work` throws; {ScanFault} `outOfTempSpace` where space ran low meanwhile
   */
  async run<T>(
    owner: string,
    size: number,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<{ result: T } | Refused> {
    const isLong = size > LONG_BYTES;
    const { maxWaitMs, tempSpace, slotUse } = this.#options;
    if (!(await this.#turns.take(owner, maxWaitMs, isLong))) return { refused: 'slots' };
    slotUse?.change(1);
    try {
      return (await tempSpace.during(size, work)) ?? { refused: 'tempSpace' };
    } finally {
      slotUse?.change(-1);
      this.#turns.endTurn(owner, isLong);
    }
  }
}
