import { statfsSync } from 'node:fs';
import type { Sizes } from '../../../shared/scanning/sizes.ts';
import { ScanFault } from '../../../shared/scanning/verdict.ts';

const SAMPLE_MS = 100;
/** Bytes. Below this a write may already have failed between two samples. */
const LOW_WATER = 32 * 1024 * 1024;

/**
 * clamd's temporary directory. With it full, clamd calls malware clean
 * (docs/platform-facts.md#a-full-temporary-directory), so no scan begins that might fill
 * it together with those that run, and a verdict is void where space ran low.
 */
export class TempSpace {
  readonly #free: () => number;
  readonly #sizes: Sizes;
  #reserved = 0;
  /** Free bytes when no scan ran: what the running ones have written meanwhile is part of their reservations. */
  #capacity = 0;

  constructor(free: () => number, sizes: Sizes) {
    this.#free = free;
    this.#sizes = sizes;
  }

  /**
   * Runs `work` with space for a file of `size` bytes set aside.
   * @returns undefined where there is not enough now
   * @throws {ScanFault} `outOfTempSpace` where space ran low meanwhile, whatever `work` found
   */
  async during<T>(
    size: number,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<{ result: T } | undefined> {
    // clamd writes the stream, unpacks at most maxScan of it, and may be in the middle of one more member.
    const needed = size + this.#sizes.maxScan + this.#sizes.maxMember;
    if (this.#reserved === 0) this.#capacity = this.#free();
    if (this.#reserved + needed + LOW_WATER > this.#capacity) return undefined;
    this.#reserved += needed;
    const low = new AbortController();
    const sample = (): void => {
      if (this.#isLow()) low.abort(ranLow());
    };
    const timer = setInterval(sample, SAMPLE_MS);
    try {
      const result = await work(low.signal);
      sample();
      if (low.signal.aborted) throw ranLow();
      return { result };
    } finally {
      clearInterval(timer);
      this.#reserved -= needed;
    }
  }

  /** Assumes the worst of a directory that cannot be asked: a timer that threw would end the process. */
  #isLow(): boolean {
    try {
      return this.#free() < LOW_WATER;
    } catch {
      return true;
    }
  }
}

function ranLow(): ScanFault {
  return new ScanFault(
    'outOfTempSpace',
    `less than ${LOW_WATER} bytes were free in clamd's temporary directory`,
  );
}

/** Free bytes of a folder's file system for who is not root. @throws where the folder is not there */
export function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}
