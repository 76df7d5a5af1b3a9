/** Keeps the last bytes of a stream, in memory that grows with it up to a bound. */
export class Tail {
  #ring = Buffer.allocUnsafe(4096);
  #most: number;
  /** Bytes that were pushed since the ring grew, and those it had then. */
  #seen = 0;

  /** @param most how many bytes are kept */
  constructor(most: number) {
    this.#most = most;
  }

  /** Keeps at least so many from now on. */
  keep(most: number): void {
    this.#most = Math.max(this.#most, most);
  }

  push(bytes: Uint8Array): void {
    if (this.#seen + bytes.length > this.#ring.length && this.#ring.length < this.#most) {
      this.#grow(Math.min(this.#most, Math.max(2 * this.#ring.length, this.#seen + bytes.length)));
    }
    const capacity = this.#ring.length;
    const kept = bytes.subarray(Math.max(0, bytes.length - capacity));
    const at = (this.#seen + bytes.length - kept.length) % capacity;
    const first = kept.subarray(0, capacity - at);
    this.#ring.set(first, at);
    this.#ring.set(kept.subarray(first.length), 0);
    this.#seen += bytes.length;
  }

  /** A copy of what is kept, oldest first. */
  bytes(): Buffer {
    const capacity = this.#ring.length;
    if (this.#seen <= capacity) return Buffer.from(this.#ring.subarray(0, this.#seen));
    const at = this.#seen % capacity;
    return Buffer.concat([this.#ring.subarray(at), this.#ring.subarray(0, at)]);
  }

  #grow(capacity: number): void {
    const kept = this.bytes();
    this.#ring = Buffer.allocUnsafe(capacity);
    this.#ring.set(kept);
    this.#seen = kept.length;
  }
}
