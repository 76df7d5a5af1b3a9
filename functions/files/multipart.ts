import { randomUUID } from 'node:crypto';
import type { BorrowedBytes } from '../../shared/runtime/memory.ts';
import type { ByteRange } from '../../shared/storage/read.ts';

/** A `multipart/byteranges` body (RFC 9110 section 14.6), whose length is known before a byte of it is read. */
interface Multipart {
  readonly contentType: string;
  /** Bytes, boundaries and heads included. */
  readonly length: number;
  /**
   * The body, one part after the other.
   * @param open reads one range, when its turn has come
   */
  body(open: (range: ByteRange) => Promise<AsyncIterable<BorrowedBytes>>): AsyncGenerator<BorrowedBytes>;
}

/**
 * @param part what the parts have in common: their media type, and the size of the whole in bytes
 */
export function multipart(
  ranges: readonly ByteRange[],
  part: { readonly contentType: string; readonly size: number },
): Multipart {
  const boundary = randomUUID();
  const parts = ranges.map((range, at) => {
    const { start, end } = range;
    const fields = `Content-Type: ${part.contentType}\r\nContent-Range: bytes ${start}-${end}/${part.size}\r\n`;
    return { range, head: Buffer.from(`${at > 0 ? '\r\n' : ''}--${boundary}\r\n${fields}\r\n`) };
  });
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  const lengths = parts.map(({ range, head }) => head.length + range.end - range.start + 1);
  return {
    contentType: `multipart/byteranges; boundary=${boundary}`,
    length: lengths.reduce((sum, length) => sum + length, tail.length),
    async *body(open) {
      for (const { range, head } of parts) {
        const bytes = await open(range);
        yield head;
        yield* bytes;
      }
      yield tail;
    },
  };
}
