import type { Chain } from '../../shared/files/parts.ts';
import type { BorrowedBytes } from '../../shared/runtime/memory.ts';
import type { Bucket } from '../../shared/storage/bucket.ts';

/** The first bytes of an upload, from its parts. One that is gone is as none. @throws {StorageError} */
export async function* firstBytes(
  unscanned: Bucket,
  { parts, end }: Chain,
  atMost: number,
): AsyncGenerator<BorrowedBytes> {
  for (const [at, { name, generation, offset }] of parts.entries()) {
    const until = Math.min(parts[at + 1]?.offset ?? end, atMost);
    if (offset >= until) return;
    const range = { start: 0, end: until - offset - 1 };
    yield* (await unscanned.read(name, { generation, range })) ?? [];
  }
}
