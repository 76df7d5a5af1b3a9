import type { BorrowedBytes } from '../../../shared/runtime/memory.ts';
import type { Verdict } from '../../../shared/scanning/verdict.ts';
import { isTarHeader, TarCheck } from './tar-check.ts';
import { ZipCheck } from './zip-check.ts';
import type { Budget, NestedCheck } from './zip-members.ts';

const HEAD_BYTES = 512;
/** ClamAV looks for no zip in what begins so: gzip, cpio of old, and what it takes for a tar. */
const NO_ZIP_WITHIN = ['\x1f\x8b', '\xc7\x71', '\x71\xc7', '[aliases]'].map((magic) =>
  Buffer.from(magic, 'latin1'),
);

/** Archives in archives that are checked; each may take some 12 MiB. */
const MAX_DEPTH = 4;
/** Bytes that are unpacked of a file and of all archives in it; ClamAV stops before, and says that a limit is exceeded. */
const MAX_UNPACKED = 2 ** 31;
const TOO_DEEP: NestedCheck = { update: () => undefined, end: () => 'archives too deep' };

/**
 * Checks something that no signature can express: whether an archive is put together so that ClamAV and unpackers find the same in it.
 * It sees the bytes that ClamAV is given, in one pass, and never throws. Of the members of a zip, zips and tars are unpacked
 * as they go by, and checked as well.
 */
export class StructureCheck {
  readonly #zip: ZipCheck;
  #tar: TarCheck | undefined;
  #head: Buffer = Buffer.alloc(0);
  #begun = false;
  #failed = false;

  /** @param depth in how many archives it is */
  constructor(depth = 0, budget: Budget = { left: MAX_UNPACKED }) {
    this.#zip = new ZipCheck((head) => {
      if (!isArchive(head)) return undefined;
      return depth < MAX_DEPTH ? new StructureCheck(depth + 1, budget) : TOO_DEEP;
    }, budget);
  }

  /** @returns a promise where it has to be waited for before the next piece */
  update(piece: BorrowedBytes): Promise<void> | undefined {
    if (this.#failed) return undefined;
    try {
      if (this.#begun) this.#tar?.update(piece);
      else this.#begin(piece);
      return this.#zip.update(piece)?.catch(() => {
        this.#failed = true;
      });
    } catch {
      this.#failed = true;
      return undefined;
    }
  }

  /** @returns what is wrong, in a few words */
  end(): string | undefined {
    if (this.#failed) return 'cannot be read';
    try {
      // The members of a tar are looked into one by one.
      return this.#tar ? this.#tar.end() : (this.#zip.end() ?? this.#hidden());
    } catch {
      return 'cannot be read';
    }
  }

  #begin(piece: BorrowedBytes): void {
    const missing = HEAD_BYTES - this.#head.length;
    this.#head = Buffer.concat([this.#head, piece.subarray(0, missing)]);
    if (this.#head.length < HEAD_BYTES) return;
    this.#begun = true;
    if (!isTarHeader(this.#head)) return;
    this.#tar = new TarCheck();
    this.#tar.update(this.#head);
    this.#tar.update(piece.subarray(missing));
  }

  #hidden(): string | undefined {
    if (!this.#zip.isBehind) return undefined;
    const starts = NO_ZIP_WITHIN.some((magic) => magic.equals(this.#head.subarray(0, magic.length)));
    return starts || this.#head.includes('ustar', 257) ? 'zip behind an archive' : undefined;
  }
}

function isArchive(head: Buffer): boolean {
  return head.includes('PK\x03\x04') || isTarHeader(head.subarray(0, HEAD_BYTES));
}

/** A check can only make a verdict stricter: `clean` to `unscannable`, and no other. */
export function stricter(verdict: Verdict, check: StructureCheck): Verdict {
  if (verdict.kind !== 'clean') return verdict;
  const detail = check.end();
  return detail === undefined ? verdict : { kind: 'unscannable', reason: 'malformed', detail };
}
