import { createHash } from 'node:crypto';
import { crc32c } from '@node-rs/crc32';
import type { BorrowedBytes } from '../runtime/memory.ts';
import { encodeCrc32c } from './crc32c.ts';

/** Size and checksum of all bytes, which Cloud Storage also reports. */
export interface Checksums {
  /** Bytes. */
  readonly size: number;
  /** Base64 of the big-endian CRC32C, as Cloud Storage writes it. */
  readonly crc32c: string;
}

/** Size, checksum and digest of all bytes. */
export interface Digests extends Checksums {
  /** Lower-case hex. */
  readonly sha256: string;
}

/** Observes a stream, and returns facts about it at the end. */
export interface RunningDigests<Known extends Checksums> {
  /** Bytes so far. */
  readonly size: number;
  update(bytes: BorrowedBytes): void;
  digests(): Known;
}

/** Computes size and CRC32C of a stream in one pass. */
export class ChecksumTally implements RunningDigests<Checksums> {
  #crc32c = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  update(bytes: BorrowedBytes): void {
    this.#size += bytes.length;
    this.#crc32c = crc32c(bytes, this.#crc32c);
  }

  digests(): Checksums {
    return { size: this.#size, crc32c: encodeCrc32c(this.#crc32c) };
  }
}

/** Also computes the SHA-256. */
export class Tally extends ChecksumTally {
  readonly #sha256 = createHash('sha256');

  override update(bytes: BorrowedBytes): void {
    super.update(bytes);
    this.#sha256.update(bytes);
  }

  /** Ends the tally; it cannot be updated afterwards. */
  override digests(): Digests {
    return { ...super.digests(), sha256: this.#sha256.digest('hex') };
  }
}
