import type { BorrowedBytes } from '../../shared/runtime/memory.ts';
import { type Checksums, ChecksumTally } from '../../shared/storage/tally.ts';

/** The bytes that were read differ from those that were stored: a bit changed on the way, or in store. */
class ContentMismatch extends Error {
  override readonly name = 'ContentMismatch';
}

/**
 * Hands a whole content on while it is read, but its last piece only once the CRC32C of all of it is the expected
 * one: who takes it in never gets a whole that is wrong. Nothing is copied or kept.
 * @param expected bytes, and base64 of the big-endian CRC32C
 * @throws {ContentMismatch} in place of the last piece
 */
export async function* verified(
  bytes: AsyncIterable<BorrowedBytes>,
  expected: Checksums,
): AsyncGenerator<BorrowedBytes, void, undefined> {
  const tally = new ChecksumTally();
  const requireExpected = (): void => {
    const actual = tally.digests();
    if (actual.size === expected.size && actual.crc32c === expected.crc32c) return;
    const said = ({ size, crc32c }: Checksums): string => `${size} bytes, CRC32C ${crc32c}`;
    throw new ContentMismatch(`read ${said(actual)}, expected ${said(expected)}`);
  };
  for await (const piece of bytes) {
    tally.update(piece);
    if (tally.size >= expected.size) requireExpected();
    yield piece;
  }
  requireExpected();
}
