import type { BorrowedBytes } from '../../shared/runtime/memory.ts';
import type { Scanner } from '../../shared/scanning/clamd.ts';
import { ScanFault, type Verdict } from '../../shared/scanning/verdict.ts';

/** How a file is cut that is larger than the engine can scan. In bytes. */
interface Cut {
  readonly size: number;
  /** Size of one window, the overlap included. */
  readonly windowBytes: number;
  /** Bytes by which each window begins before the end of the one before it; at most half of a window. */
  readonly overlapBytes: number;
}

/**
 * Scans one file in windows that overlap, in one pass: the overlap is kept in memory, so that the engine is given
 * exactly the bytes that went by, and none is read twice. All of the source is read, whatever is found in it.
 * @returns infected by the first window that is; else what the first window says that is not clean
 * @throws {ScanFault} if there is no verdict on one of the windows
 */
export async function scanInWindows(
  scanner: Scanner,
  bytes: AsyncIterable<BorrowedBytes>,
  { size, windowBytes, overlapBytes }: Cut,
  signal: AbortSignal,
): Promise<Verdict> {
  if (2 * overlapBytes > windowBytes) throw new RangeError('windows may overlap by half of one at most');
  const source = new Source(bytes);
  // They take turns: what is sent from the one is not overwritten before its window is done.
  let [kept, spare] = [Buffer.allocUnsafe(overlapBytes), Buffer.allocUnsafe(overlapBytes)];
  let [carried, verdict]: [Uint8Array, Verdict] = [new Uint8Array(), { kind: 'clean' }];
  try {
    for (let end = 0; end < size; [carried, kept, spare] = [kept, spare, kept]) {
      const fresh = Math.min(windowBytes - carried.length, size - end);
      end += fresh;
      const window = new Window(source, carried, fresh, end < size ? kept : undefined);
      if (verdict.kind !== 'infected') verdict = graver(verdict, await window.scan(scanner, signal));
      await window.skip();
    }
  } finally {
    await source.close();
  }
  return verdict;
}

function graver(before: Verdict, found: Verdict): Verdict {
  return before.kind === 'clean' || found.kind === 'infected' ? found : before;
}

class Window {
  readonly #source: Source;
  readonly #carried: Uint8Array;
  readonly #tail: Buffer | undefined;
  readonly #size: number;
  /** Bytes of the source that are still to come. */
  #left: number;

  /** @param tail takes the last bytes, for the next window to begin with */
  constructor(source: Source, carried: Uint8Array, fresh: number, tail: Buffer | undefined) {
    this.#source = source;
    this.#carried = carried;
    this.#size = carried.length + fresh;
    this.#left = fresh;
    this.#tail = tail;
  }

  async scan(scanner: Scanner, signal: AbortSignal): Promise<Verdict> {
    const bytes = this.#bytes();
    try {
      return await scanner.scan(bytes, { size: this.#size, signal });
    } finally {
      // Behind a read that the scanner left under way.
      await bytes.return();
    }
  }

  /** Reads what the scanner did not want. */
  async skip(): Promise<void> {
    while (this.#left > 0) await this.#next();
  }

  async *#bytes(): AsyncGenerator<BorrowedBytes, void, undefined> {
    yield this.#carried;
    while (this.#left > 0) yield await this.#next();
  }

  async #next(): Promise<BorrowedBytes> {
    const piece = await this.#source.take(this.#left);
    if (piece.length === 0) throw new ScanFault('shortStream', 'there were fewer bytes than the file has');
    const [before, tail] = [this.#left, this.#tail];
    this.#left -= piece.length;
    // The last `tail.length` bytes, each at its own place.
    if (tail) tail.set(piece.subarray(Math.max(0, before - tail.length)), Math.max(0, tail.length - before));
    return piece;
  }
}

/** Hands out bytes in whatever pieces they come, but no more of them than asked for. */
class Source {
  readonly #iterator: AsyncIterator<BorrowedBytes>;
  #rest: BorrowedBytes = new Uint8Array();

  constructor(bytes: AsyncIterable<BorrowedBytes>) {
    this.#iterator = bytes[Symbol.asyncIterator]();
  }

  /** @returns no byte where there are none left */
  async take(most: number): Promise<BorrowedBytes> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#iterator.next();
      if (done) return this.#rest;
      this.#rest = value;
    }
    const piece = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(most);
    return piece;
  }

  async close(): Promise<void> {
    await this.#iterator.return?.();
  }
}
