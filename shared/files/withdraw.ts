import type { Bucket } from '../storage/bucket.ts';
import type { StoredObject } from '../storage/object.ts';
import type { FileId } from './fileId.ts';
import type { DeletedRecord, FileRecord } from './record.ts';
import type { Records, Versioned } from './records.ts';

/** What the names of all references begin with, followed by the file id, a slash and a digest of the URI. */
export const REFERENCES_PREFIX = 'references/';

const PAGE_SIZE = 1000;

export function referencesOf(id: FileId): string {
  return `${REFERENCES_PREFIX}${id}/`;
}

/** One that was removed stays, marked, where retention forbids its deletion. */
export function isLiveReference({ metadata }: StoredObject): boolean {
  return metadata['removedAt'] === undefined;
}

export interface Withdrawer {
  readonly permanent: Bucket;
  readonly records: Records;
  readonly now: () => Date;
}

/** Whether a resource refers to the file now. A page of references at a time. @throws {StorageError} */
async function isReferenced({ permanent }: Pick<Withdrawer, 'permanent'>, id: FileId): Promise<boolean> {
  for (let pageToken: string | undefined; ; ) {
    const page = await permanent.list({ prefix: referencesOf(id), pageToken, maxResults: PAGE_SIZE });
    if (page.objects.some(isLiveReference)) return true;
    pageToken = page.nextPageToken;
    if (!pageToken) return false;
  }
}

/**
 * Takes one step towards deleting a file that no resource refers to. Who adds a reference writes it first and then
 * makes sure that the record says `referenced` and is not deleted; here the references are listed after the record
 * was read. So either the new reference is seen, or the record is not the one that was read any more.
 * @param read before this call, not `deleted`
 * @returns the record where it is deleted now; 'unreferenced' where it had said `referenced` and no longer does:
 *   only then, read again, can it be deleted
 * @throws {StorageError}
 */
export async function withdraw(
  withdrawer: Withdrawer,
  read: Versioned,
): Promise<Versioned<DeletedRecord> | 'referenced' | 'unreferenced' | 'lostRace'> {
  const { records, now } = withdrawer;
  const { referenced, ...unreferenced } = read.record;
  if (await isReferenced(withdrawer, read.record.id)) {
    if (referenced) return 'referenced';
    return (await records.replace(read, { ...read.record, referenced: true })) ? 'referenced' : 'lostRace';
  }
  if (referenced) {
    const written = await records.replace(read, { ...unreferenced, unreferencedSince: now() } as FileRecord);
    return written ? 'unreferenced' : 'lostRace';
  }
  return (await records.replace(read, deleted(read.record, now()))) ?? 'lostRace';
}

/** What is left of a file: whose it was, not what it was called. */
function deleted(record: FileRecord, deletedAt: Date): DeletedRecord {
  const { id, owner, viewers, createdAt, contentType, content, unreferencedSince } = record;
  return {
    id,
    owner,
    viewers,
    createdAt,
    contentType,
    ...(unreferencedSince && { unreferencedSince }),
    ...(content && { content }),
    state: 'deleted',
    deletedAt,
  };
}
