import { crc32c } from '@node-rs/crc32';
import { encodeCrc32c } from './tally.ts';

/** What was read is not what was stored: a bit changed on the way, or in store. */
class ContentMismatch extends Error {
  override readonly name = 'ContentMismatch';
}

/**
 * Hands a whole content on while it is read, but its last piece only once the CRC32C of all of it is the expected
 * one: who takes it in never gets a whole that is wrong. Nothing is copied, one piece is held back.
 * @param expected base64 of the big-endian CRC32C
 * @throws {ContentMismatch} in place of the last piece
 */
export async function* verified(
  bytes: AsyncIterable<Uint8Array>,
  expected: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  let checksum = 0;
  let held: Uint8Array | undefined;
  for await (const piece of bytes) {
    if (piece.length === 0) continue;
    checksum = crc32c(piece, checksum);
    if (held) yield held;
    held = piece;
  }
  const actual = encodeCrc32c(checksum);
  if (actual !== expected) throw new ContentMismatch(`CRC32C is ${actual} and should be ${expected}`);
  if (held) yield held;
}
