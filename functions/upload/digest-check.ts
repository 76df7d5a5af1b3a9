import { createHash, type Hash } from 'node:crypto';
import type { BorrowedBytes } from '../../shared/runtime/memory.ts';
import { type ClaimedDigest, requireDigest } from './headers/digest-fields.ts';

/**
 * Compares bytes that go by with the digests that their client announced. Their SHA-256 is worked out anyway and is
 * only compared; SHA-512 is worked out where somebody announced one.
 */
export class DigestCheck {
  readonly #claims: readonly ClaimedDigest[];
  readonly #sha512: Hash | undefined;

  constructor(claims: readonly ClaimedDigest[]) {
    this.#claims = claims;
    const wanted = claims.some(({ algorithm }) => algorithm === 'sha-512');
    this.#sha512 = wanted ? createHash('sha512') : undefined;
  }

  /** Passes bytes on, once; returns the source unchanged if it need not read them. */
  through(bytes: AsyncIterable<BorrowedBytes>): AsyncIterable<BorrowedBytes> {
    return this.#sha512 ? digested(bytes, this.#sha512) : bytes;
  }

  /**
   * Called once, after the last byte.
   * @param sha256 digest of all bytes, in hex
   * @throws {Problem} `digest-mismatch`
   */
  verify(sha256: string): void {
    const actual = { 'sha-256': Buffer.from(sha256, 'hex'), 'sha-512': this.#sha512?.digest() };
    for (const claim of this.#claims) requireDigest(claim, actual[claim.algorithm] ?? Buffer.alloc(0));
  }
}

async function* digested(bytes: AsyncIterable<BorrowedBytes>, hash: Hash): AsyncGenerator<BorrowedBytes> {
  for await (const piece of bytes) {
    hash.update(piece);
    yield piece;
  }
}

/** Passes bytes on, and compares all of them with their digests. @throws {Problem} `digest-mismatch`, after the last byte */
export async function* verified(
  bytes: AsyncIterable<BorrowedBytes>,
  claims: readonly ClaimedDigest[],
): AsyncGenerator<BorrowedBytes> {
  const checks = claims.map((claim) => ({ claim, hash: createHash(claim.algorithm.replace('-', '')) }));
  for await (const piece of bytes) {
    for (const { hash } of checks) hash.update(piece);
    yield piece;
  }
  for (const { claim, hash } of checks) requireDigest(claim, hash.digest());
}
