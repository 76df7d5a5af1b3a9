import { BlobMismatch } from '../../../shared/files/blob.ts';
import type { Blobs } from '../../../shared/files/blobs.ts';
import type { ReadableRecord } from '../../../shared/files/readable.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';
import { retryOnConflict } from '../../../shared/storage/retry-on-conflict.ts';

/**
 * The stored bytes of a file that may be read, if they are those of its record.
 * @param use whether the file is about to rely on them, so that no collection may delete them: docs/adr/0009-collection.md
 * @throws {StorageError}
 */
export async function storedContent(
  blobs: Blobs,
  record: ReadableRecord,
  { use, signal = new AbortController().signal }: { readonly use: boolean; readonly signal?: AbortSignal },
): Promise<StoredObject | undefined> {
  const { size, crc32c, sha256 } = record.content;
  const ours = (object: StoredObject | undefined) =>
    object?.size === size && object.crc32c === crc32c ? object : undefined;
  if (record.state !== 'clean') return ours(await blobs.findAccepted(record.id, signal));
  try {
    const stored = await retryOnConflict(async () => {
      const blob = await blobs.find(record, signal);
      if (!blob || 'signature' in blob || !ours(blob.object)) return undefined;
      return !use || (await blobs.use(blob)) ? blob.object : 'conflict';
    });
    if (stored !== 'conflict') return stored;
  } catch (error) {
    if (error instanceof BlobMismatch) return undefined;
    throw error;
  }
  throw new Error(`blob ${sha256} keeps changing`);
}
