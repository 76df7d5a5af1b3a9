import type { BorrowedBytes } from '../../../shared/runtime/memory.ts';

const BLOCK = 512;
const ZEROS = Buffer.alloc(BLOCK);
/** Blocks with more of the map of a sparse file follow its header. */
const [SPARSE, EXTENDED_AT, MORE_EXTENDED_AT] = [0x53, 482, 504];

/**
 * Whether nothing follows the end of a tar, which is where ClamAV ends (libclamav/untar.c): `tar -i` and unzip go on.
 * Walks from header to header. Constant memory; looks at headers, and at all bytes behind the end.
 */
export class TarCheck {
  readonly #block = Buffer.alloc(BLOCK);
  #filled = 0;
  #skip = 0;
  #extended = false;
  #ended = false;
  #wrong: string | undefined;

  update(piece: BorrowedBytes): void {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    for (let at = 0; at < bytes.length && this.#wrong === undefined; ) {
      if (this.#ended) {
        if (bytes.subarray(at).some((byte) => byte !== 0)) this.#wrong = 'data behind the end of a tar';
        return;
      }
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, bytes.length - at);
        this.#skip -= skipped;
        at += skipped;
        continue;
      }
      const taken = bytes.copy(this.#block, this.#filled, at, at + BLOCK - this.#filled);
      this.#filled += taken;
      at += taken;
      if (this.#filled === BLOCK) this.#header();
    }
  }

  /** @returns what is wrong, in a few words */
  end(): string | undefined {
    return this.#wrong;
  }

  #header(): void {
    const block = this.#block;
    this.#filled = 0;
    if (this.#extended) {
      this.#extended = block[MORE_EXTENDED_AT] === 1;
      if (!this.#extended) [this.#skip, this.#pending] = [this.#pending, 0];
      return;
    }
    if (block.equals(ZEROS)) {
      this.#ended = true;
      return;
    }
    if (!isTarHeader(block)) {
      this.#wrong = 'no header in a tar';
      return;
    }
    const size = sizeIn(block);
    const blocks = Math.ceil(size / BLOCK) * BLOCK;
    this.#extended = block[156] === SPARSE && block[EXTENDED_AT] === 1;
    if (this.#extended) this.#pending = blocks;
    else this.#skip = blocks;
  }

  /** Bytes to skip behind extended headers. */
  #pending = 0;
}

/** Whether its checksum is right (POSIX.1-1988, ustar), with bytes as they should be or with signs. */
export function isTarHeader(block: Uint8Array): boolean {
  if (block.length < BLOCK) return false;
  const said = octal(block, 148, 8);
  let [unsigned, signed] = [0, 0];
  for (let at = 0; at < BLOCK; at++) {
    const byte = at >= 148 && at < 156 ? 0x20 : (block[at] ?? 0);
    unsigned += byte;
    signed += byte > 127 ? byte - 256 : byte;
  }
  return said !== undefined && (said === unsigned || said === signed) && unsigned > 8 * 0x20;
}

/** Size in octal digits, or in binary where the first bit is set (GNU). */
function sizeIn(block: Buffer): number {
  if (((block[124] ?? 0) & 0x80) === 0) return octal(block, 124, 12) ?? 0;
  return Number(block.readBigUInt64BE(128));
}

function octal(block: Uint8Array, at: number, length: number): number | undefined {
  const text = Buffer.from(block.subarray(at, at + length)).toString('latin1');
  const digits = /^[ \0]*([0-7]+)(?:[ \0]|$)/.exec(text)?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 8);
}
