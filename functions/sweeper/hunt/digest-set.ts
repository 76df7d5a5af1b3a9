/** Most entries for each 100 slots: beyond that, probes take long. */
const FULL = 70;
const FIRST_SLOTS = 1024;

/**
 * Digests of one length in about twice their bytes, outside of the heap: a `Set` of a million texts takes 100 MB of it.
 * Digests are spread evenly, so their first bytes are their hash.
 */
export class DigestSet {
  readonly #bytes: number;
  #entries: Buffer;
  /** Index of an entry and one; 0 is free. */
  #slots = new Uint32Array(FIRST_SLOTS);
  #size = 0;

  /** @param bytes of each digest, 4 at least */
  constructor(bytes: number) {
    this.#bytes = bytes;
    this.#entries = Buffer.alloc(bytes * FIRST_SLOTS);
  }

  get size(): number {
    return this.#size;
  }

  /** @returns whether it is new */
  add(digest: Uint8Array): boolean {
    const slot = this.#find(digest);
    if (this.#slots[slot] !== 0) return false;
    if (this.#size * this.#bytes === this.#entries.length) {
      this.#entries = Buffer.concat([this.#entries, Buffer.alloc(this.#entries.length)]);
    }
    this.#entries.set(digest, this.#size * this.#bytes);
    this.#slots[slot] = ++this.#size;
    if (this.#size * 100 > this.#slots.length * FULL) this.#grow();
    return true;
  }

  has(digest: Uint8Array): boolean {
    return this.#size > 0 && this.#slots[this.#find(digest)] !== 0;
  }

  /** The slot that the digest has, or would have. */
  #find(digest: Uint8Array): number {
    const mask = this.#slots.length - 1;
    const [a = 0, b = 0, c = 0, d = 0] = digest;
    for (let slot = (a | (b << 8) | (c << 16) | (d << 24)) & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot] ?? 0;
      if (entry === 0) return slot;
      const start = (entry - 1) * this.#bytes;
      if (this.#entries.compare(digest, 0, this.#bytes, start, start + this.#bytes) === 0) return slot;
    }
  }

  #grow(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2);
    for (let at = 0; at < this.#size; at++) {
      const start = at * this.#bytes;
      this.#slots[this.#find(this.#entries.subarray(start, start + this.#bytes))] = at + 1;
    }
  }
}
