import type { Bucket } from '../storage/bucket.ts';
import type { StoredObject } from '../storage/object.ts';
import type { FileId } from './file-id.ts';
import { fileMetadata, fromMetadata } from './metadata.ts';
import { finalName, inBatches, partialName } from './parts.ts';
import { isTus, type TusRecord } from './uploading.ts';

/**
 * Partial uploads of tus. None is a file: what would be its record is `parts/<uploadId>/partial` in the unscanned bucket,
 * so that no listing of files has it, and nothing of it outlasts its bytes. `parts/<uploadId>/final` names the file that
 * it was made a part of: the name is the compare-and-swap, so it becomes a part of one file at most. docs/adr/0015
 */

/** Stands for no file: the client has cancelled the upload. */
const NONE = 'none';

/** @throws {StorageError} */
export async function insertPartial(unscanned: Bucket, record: TusRecord): Promise<void> {
  const object = await unscanned.insertEmpty(partialName(record.id), { metadata: fileMetadata(record) });
  if (!object) throw new Error(`partial upload ${record.id} exists`);
}

/** @throws {StorageError}, {CorruptRecord} */
export async function readPartial(unscanned: Bucket, id: FileId): Promise<TusRecord | undefined> {
  const object = await unscanned.stat(partialName(id));
  return object && partialOf(id, object);
}

/** @param object named {@link partialName} @throws {CorruptRecord} */
export function partialOf(id: FileId, { metadata }: StoredObject): TusRecord | undefined {
  const record = fromMetadata(id, metadata);
  return isTus(record) ? record : undefined;
}

/** The file that an object named {@link finalName} refers to; undefined if its upload was cancelled. */
export function finalOf({ metadata }: StoredObject): string | undefined {
  return metadata['file'] === NONE ? undefined : metadata['file'];
}

/**
 * Makes partial uploads parts of a file, all or none of them.
 * @param file undefined to cancel them
 * @returns whether they are parts of that file now, from this call or from an earlier one
 * @throws {StorageError}; a retry continues where this call stopped
 */
export async function claimPartials(
  unscanned: Bucket,
  uploads: readonly FileId[],
  file: FileId | undefined,
): Promise<boolean> {
  const metadata = { file: file ?? NONE };
  const claims = await inBatches(uploads, async (id) => {
    const inserted = await unscanned.insertEmpty(finalName(id), { metadata });
    const object = inserted ?? (await unscanned.stat(finalName(id)));
    return { inserted, isOurs: object?.metadata['file'] === metadata.file };
  });
  if (claims.every(({ isOurs }) => isOurs)) return true;
  await inBatches(claims, async ({ inserted }) => inserted && unscanned.delete(inserted.name, inserted));
  return false;
}
