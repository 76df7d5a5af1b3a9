import { createHash, type Hash } from 'node:crypto';
import { crc32c } from '@node-rs/crc32';
import { invalidRequest } from '../../shared/http/problems.ts';

/** Names as in tus; it asks for sha1. */
export const CHECKSUM_ALGORITHMS = ['sha1', 'sha256', 'md5', 'crc32c'] as const;

/** Characters: more than any of these and its digest have. */
const MAX_LENGTH = 128;

export interface Checksum {
  readonly algorithm: (typeof CHECKSUM_ALGORITHMS)[number] | 'sha512';
  readonly digest: Buffer;
}

/**
 * Upload-Checksum: an algorithm and a digest in base64. https://tus.io/protocols/resumable-upload#checksum
 * @throws {Problem}
 */
export function parseChecksum(header: string | undefined): Checksum | undefined {
  if (header === undefined) return undefined;
  const text = header.length > MAX_LENGTH ? '' : header;
  const [, name, encoded = ''] = /^(\S+) ([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? [];
  const algorithm = CHECKSUM_ALGORITHMS.find((known) => known === name);
  if (algorithm) return { algorithm, digest: Buffer.from(encoded, 'base64') };
  throw invalidRequest(
    `Upload-Checksum should be one of ${CHECKSUM_ALGORITHMS.join(', ')}, a space, and a digest in base64.`,
  );
}

/** Hashes bytes to compare them with the checksum from the client. */
export class ChecksumCheck {
  readonly #checksum: Checksum;
  readonly #hash: Hash | undefined;
  #crc32c = 0;

  constructor(checksum: Checksum) {
    this.#checksum = checksum;
    this.#hash = checksum.algorithm === 'crc32c' ? undefined : createHash(checksum.algorithm);
  }

  update(bytes: Uint8Array): void {
    if (this.#hash) this.#hash.update(bytes);
    else this.#crc32c = crc32c(bytes, this.#crc32c);
  }

  /** Ends it. */
  holds(): boolean {
    const crc = Buffer.alloc(4);
    crc.writeUInt32BE(this.#crc32c);
    return this.#checksum.digest.equals(this.#hash?.digest() ?? crc);
  }
}
