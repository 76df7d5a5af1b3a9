import { createHash } from 'node:crypto';
import { crc32c } from '@node-rs/crc32';

/** What is known of bytes once all of them went by. */
export interface Digests {
  /** Bytes. */
  readonly size: number;
  /** Lower-case hex. */
  readonly sha256: string;
  /** Base64 of the big-endian CRC32C, as Cloud Storage writes it. */
  readonly crc32c: string;
}

/** Counts and digests a stream in one pass, without keeping any of it. */
export class Tally {
  readonly #sha256 = createHash('sha256');
  #crc32c = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  update(bytes: Uint8Array): void {
    this.#size += bytes.length;
    this.#sha256.update(bytes);
    this.#crc32c = crc32c(bytes, this.#crc32c);
  }

  /** Ends the tally; it cannot be updated afterwards. */
  digests(): Digests {
    return { size: this.#size, sha256: this.#sha256.digest('hex'), crc32c: encodeCrc32c(this.#crc32c) };
  }
}

/** A CRC32C as Cloud Storage writes it: big-endian, in base64. */
export function encodeCrc32c(checksum: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(checksum);
  return bytes.toString('base64');
}
