import type { BorrowedBytes } from '../../shared/runtime/memory.ts';
import type { Scanner } from '../../shared/scanning/clamd.ts';
import { ScanFault, type Verdict } from '../../shared/scanning/verdict.ts';

/** How a file that is too large for the engine is divided, in bytes. */
interface Cut {
  readonly size: number;
  /** Size of one window, including the overlap. */
  readonly windowBytes: number;
  /** Overlap of consecutive windows; at most half a window. */
  readonly overlapBytes: number;
}

/**
 * Scans a file in overlapping windows in one pass: the overlap is kept in memory, so no byte is read twice. Reads the
 * whole source, whatever is found.
 * @returns the first infected result, otherwise the first that is not clean
 * @throws {ScanFault} if a window gets no verdict
 */
export async function scanInWindows(
  scanner: Scanner,
  bytes: AsyncIterable<BorrowedBytes>,
  { size, windowBytes, overlapBytes }: Cut,
  signal: AbortSignal,
): Promise<Verdict> {
  if (2 * overlapBytes > windowBytes) throw new RangeError('windows may overlap by half of one at most');
  const source = new Source(bytes);
  // Used alternately: the bytes of one are not overwritten before its window is done.
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
  /** Remaining bytes of the source. */
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

  /** Drains what the scanner did not read. */
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

/** Passes on chunks as they come, up to the requested number of bytes. */
class Source {
  readonly #iterator: AsyncIterator<BorrowedBytes>;
  #rest: BorrowedBytes = new Uint8Array();

  constructor(bytes: AsyncIterable<BorrowedBytes>) {
    this.#iterator = bytes[Symbol.asyncIterator]();
  }

  /** @returns an empty chunk at the end */
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
