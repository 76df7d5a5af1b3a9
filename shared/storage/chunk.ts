import { type BorrowedBytes, detach } from '../runtime/memory.ts';

const FIRST_BYTES = 64 * 1024;

/** Buffers kept for the next upload: V8 runs a garbage collection for about each one that is allocated. */
const free: Buffer[] = [];
const MOST_FREE = 2;

/**
 * Collects the bytes of a stream into chunks. Copying frees the network's buffers at once; keeping a list of them for a
 * whole chunk would need many times the memory. Two buffers alternate: one is filled while the other is sent.
 */
export class ChunkBuffer {
  /** Bytes of a buffer that is kept for the next upload. */
  readonly #kept: number;
  #capacity: number;
  #filling: Buffer;
  #away: Buffer | undefined;
  #length = 0;

  /**
   * @param capacity bytes of a chunk; memory grows with the bytes held
   * @param expected bytes that will not be moved when more come
   */
  constructor(capacity: number, expected = FIRST_BYTES) {
    this.#kept = capacity;
    this.#capacity = capacity;
    this.#filling = expected < capacity ? Buffer.allocUnsafeSlow(expected) : wholeBuffer(capacity);
  }

  get full(): boolean {
    return this.#length === this.#capacity;
  }

  /** The current bytes; overwritten after the next but one {@link turn}. */
  get bytes(): Uint8Array {
    return this.#filling.subarray(0, this.#length);
  }

  /** Copies as much as fits. @returns the number of bytes copied */
  fill(piece: BorrowedBytes): number {
    const taken = Math.min(piece.length, this.#capacity - this.#length);
    this.#grow(this.#length + taken);
    this.#filling.set(taken === piece.length ? piece : piece.subarray(0, taken), this.#length);
    this.#length += taken;
    return taken;
  }

  /**
   * Starts the next chunk in the other buffer.
   * @param capacity bytes of this chunk and of those after it
   */
  turn(capacity = this.#capacity): void {
    this.#capacity = capacity;
    const spare = this.#away;
    const next = spare?.length === capacity ? spare : wholeBuffer(capacity);
    if (next !== spare) this.#release(spare);
    this.#away = this.#filling;
    this.#filling = next;
    this.#length = 0;
  }

  /** Releases both buffers. Nothing may still be in flight. */
  free(): void {
    for (const buffer of [this.#filling, this.#away]) this.#release(buffer);
    this.#filling = Buffer.alloc(0);
    this.#away = undefined;
    this.#length = 0;
  }

  #release(buffer: Buffer | undefined): void {
    if (buffer?.length === this.#kept && free.length < MOST_FREE) free.push(buffer);
    else if (buffer) detach(buffer);
  }

  #grow(needed: number): void {
    if (needed <= this.#filling.length) return;
    const length = Math.max(needed, this.#filling.length * 4);
    const grown = length < this.#capacity ? Buffer.allocUnsafeSlow(length) : wholeBuffer(this.#capacity);
    grown.set(this.bytes);
    detach(this.#filling);
    this.#filling = grown;
  }
}

function wholeBuffer(capacity: number): Buffer {
  const at = free.findIndex((buffer) => buffer.length === capacity);
  const [buffer = Buffer.allocUnsafeSlow(capacity)] = at < 0 ? [] : free.splice(at, 1);
  return buffer;
}
