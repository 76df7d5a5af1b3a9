import type { BorrowedBytes } from '../../../shared/runtime/memory.ts';

const NOTHING = Buffer.alloc(0);

/** Splits a stream at delimiters. Nothing is copied but the end of a piece that may be the beginning of a delimiter. */
export class Delimited {
  readonly #pieces: AsyncIterator<BorrowedBytes>;
  #rest: Buffer;

  /** @param seed is read before the first piece */
  constructor(pieces: AsyncIterable<BorrowedBytes>, seed: string) {
    this.#pieces = pieces[Symbol.asyncIterator]();
    this.#rest = Buffer.from(seed);
  }

  /**
   * The bytes before the next delimiter, which is taken too.
   * @returns whether the delimiter was found; false where the stream ended before
   */
  async *until(delimiter: Buffer): AsyncGenerator<BorrowedBytes, boolean, undefined> {
    for (;;) {
      const rest = this.#rest;
      const at = rest.indexOf(delimiter);
      const end = at >= 0 ? at : rest.length - possibleStart(rest, delimiter);
      if (end > 0) yield rest.subarray(0, end);
      this.#rest = rest.subarray(at >= 0 ? at + delimiter.length : end);
      if (at >= 0) return true;
      if (!(await this.#pull())) return false;
    }
  }

  /** The next bytes; fewer where the stream ends. */
  async take(count: number): Promise<Buffer> {
    let more = true;
    while (more && this.#rest.length < count) more = await this.#pull();
    const taken = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(taken.length);
    return taken;
  }

  /** Reads the rest and drops it. */
  async drain(): Promise<void> {
    do {
      this.#rest = NOTHING;
    } while (await this.#pull());
  }

  async #pull(): Promise<boolean> {
    // The source takes its piece back when it is asked for the next.
    const kept = Buffer.from(this.#rest);
    const { done, value } = await this.#pieces.next();
    if (done) this.#rest = kept;
    else if (kept.length > 0) this.#rest = Buffer.concat([kept, value]);
    else this.#rest = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return !done;
  }
}

/** How many bytes at the end may be the first ones of a delimiter. */
function possibleStart(bytes: Buffer, delimiter: Buffer): number {
  let length = Math.min(bytes.length, delimiter.length - 1);
  while (length > 0 && !bytes.subarray(-length).equals(delimiter.subarray(0, length))) length -= 1;
  return length;
}
