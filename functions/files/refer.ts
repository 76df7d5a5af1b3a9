import type { FileId } from '../../shared/files/file-id.ts';
import type { FileRecord } from '../../shared/files/record.ts';
import type { ResourceUri } from '../../shared/files/references.ts';
import { markReferenced, markUnreferenced } from '../../shared/files/withdraw.ts';
import { Problem } from '../../shared/http/problems.ts';
import type { Principal } from '../../shared/identity/principal.ts';
import type { Logger } from '../../shared/runtime/log.ts';
import { StorageError } from '../../shared/storage/error.ts';
import type { Files } from './files.ts';

interface Reference {
  readonly id: FileId;
  readonly uri: ResourceUri;
  readonly by: Principal;
}

type Referring = Pick<Files, 'references' | 'writer' | 'now'>;

/**
 * Notes that a resource refers to a file. The reference first, then the record that says so: a request that deletes
 * the file finds either the one or the other changed (docs/adr/0008-ownership-and-references.md). A crash between the
 * two leaves a reference that counts though its client was not told so.
 * @throws {Problem} 410 where the file was deleted first, 409 where it has an end; {StorageError}
 */
export async function addReference(referring: Referring, { id, uri, by }: Reference): Promise<void> {
  const { references, writer, now } = referring;
  await references.add(id, uri, { by, at: now() });
  try {
    await writer.change(id, ({ record }) => referenced(record));
  } catch (error) {
    // Where it is not known what the record says, the reference counts.
    if (!(error instanceof StorageError)) await references.remove(id, uri, now());
    throw error;
  }
}

/**
 * Notes that a resource refers to it no more. Where it was the last one, the record says since when nothing does;
 * where that cannot be written now, the sweeper finds out.
 * @throws {StorageError}
 */
export async function removeReference(
  referring: Referring,
  { id, uri }: Pick<Reference, 'id' | 'uri'>,
  log: Logger,
): Promise<void> {
  await referring.references.remove(id, uri, referring.now());
  await noticeLastReference(referring, id).catch((error: unknown) =>
    log.warn({ err: error, fileId: id }, 'last reference not recorded, left to the sweeper'),
  );
}

async function noticeLastReference({ references, writer, now }: Referring, id: FileId): Promise<void> {
  const notice = async ({ record }: { record: FileRecord }): Promise<FileRecord> => {
    if (!record.referenced || (await references.count(id, 1)) > 0) return record;
    return markUnreferenced(record, now());
  };
  await writer.change(id, notice, { alone: true });
}

function referenced(record: FileRecord): FileRecord {
  requireReferable(record);
  return markReferenced(record);
}

/** @throws {Problem} where the file is deleted, or will be at its end */
export function requireReferable(record: FileRecord): void {
  if (record.state === 'deleted') throw new Problem('file-deleted');
  if (record.expiresAt)
    throw new Problem('file-expires', { detail: 'Remove its end first: DELETE /files/{id}/expiration.' });
}
