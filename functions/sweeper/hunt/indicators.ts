import type { BorrowedBytes } from '../../../shared/runtime/memory.ts';
import { DigestSet } from './digest-set.ts';

/** Hex digits of the digests that a hunt knows, and of those that it does not. */
const SHA256_DIGITS = 64;
const MD5_DIGITS = 32;
const OTHER_DIGITS: ReadonlySet<number> = new Set([40, 96, 128]);
const NEWLINE = 10;

/** A list of digests is longer than a hunt takes. */
export class TooManyIndicators extends Error {
  override readonly name = 'TooManyIndicators';
}

/** Digests to hunt for, of a list in any format that writes them in hex. */
export interface Indicators {
  readonly sha256: DigestSet;
  readonly md5: DigestSet;
  /** Digests of other kinds, such as SHA-1: no listing has them. */
  readonly unsupported: number;
  /** Lines that name no digest at all. */
  readonly linesWithout: number;
}

/**
 * Reads digests from a list as it comes: plain lines, `sha256sum`, CSV, ClamAV's .hdb and .hsb, STIX. Each word of 64 hex
 * digits is a SHA-256, each of 32 an MD5. A word ends at anything but a letter or a digit of ASCII, a hyphen or an underscore, so that a
 * UUID is none, and that a byte order mark, a no-break space or a typographic quotation mark hides none.
 * @param most digests of both kinds together
 * @throws {TooManyIndicators} and what `source` throws
 */
export async function readIndicators(
  source: AsyncIterable<BorrowedBytes>,
  most: number,
): Promise<Indicators> {
  const [sha256, md5] = [new DigestSet(SHA256_DIGITS / 2), new DigestSet(MD5_DIGITS / 2)];
  const word = new Uint8Array(SHA256_DIGITS / 2);
  let [length, isHex, unsupported, linesWithout] = [0, true, 0, 0];
  let [hasText, hasDigest] = [false, false];
  const endWord = (): void => {
    if (length === 0) return;
    hasText = true;
    if (isHex) {
      if (length === SHA256_DIGITS) sha256.add(word);
      else if (length === MD5_DIGITS) md5.add(word.subarray(0, MD5_DIGITS / 2));
      else if (OTHER_DIGITS.has(length)) unsupported++;
      hasDigest ||= length === SHA256_DIGITS || length === MD5_DIGITS || OTHER_DIGITS.has(length);
      if (sha256.size + md5.size > most) throw new TooManyIndicators(`more than ${most} digests`);
    }
    [length, isHex] = [0, true];
  };
  const endLine = (): void => {
    if (hasText && !hasDigest) linesWithout++;
    [hasText, hasDigest] = [false, false];
  };
  for await (const piece of source) {
    for (const byte of piece) {
      const digit = digitOf(byte);
      if (digit < 0 && !isWordByte(byte)) {
        endWord();
        if (byte === NEWLINE) endLine();
        continue;
      }
      if (digit < 0) isHex = false;
      else if (length < SHA256_DIGITS) {
        const at = length >> 1;
        word[at] = length % 2 === 0 ? digit << 4 : (word[at] ?? 0) | digit;
      }
      length++;
    }
  }
  endWord();
  endLine();
  return { sha256, md5, unsupported, linesWithout };
}

/** The value of a hex digit in ASCII, or -1. */
function digitOf(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

function isWordByte(byte: number): boolean {
  const lower = byte | 32;
  return (lower >= 97 && lower <= 122) || byte === 45 || byte === 95;
}
