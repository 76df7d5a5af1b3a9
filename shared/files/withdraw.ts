import type { DeletedRecord, FileRecord } from './record.ts';
import type { Records, Versioned } from './records.ts';
import type { References } from './references.ts';

export interface Withdrawer {
  readonly references: Pick<References, 'count'>;
  readonly records: Records;
  readonly now: () => Date;
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
  const { references, records, now } = withdrawer;
  const { referenced, ...unreferenced } = read.record;
  if ((await references.count(read.record.id, 1)) > 0) {
    if (referenced) return 'referenced';
    return (await records.replace(read, { ...read.record, referenced: true })) ? 'referenced' : 'lostRace';
  }
  if (referenced) {
    const written = await records.replace(read, { ...unreferenced, unreferencedSince: now() } as FileRecord);
    return written ? 'unreferenced' : 'lostRace';
  }
  return (await records.replace(read, toDeleted(read.record, now()))) ?? 'lostRace';
}

/**
 * The record of a file that is taken back: whose it was and who could see it, not what it was called, because a
 * retention policy may keep it for years. Its content stays named, for who releases it.
 */
export function toDeleted(record: FileRecord, deletedAt: Date): DeletedRecord {
  const { id, owner, viewers, createdAt, contentType, content, unreferencedSince } = record;
  return {
    id,
    owner,
    viewers,
    createdAt,
    contentType,
    ...(content && { content }),
    ...(unreferencedSince && { unreferencedSince }),
    state: 'deleted',
    deletedAt,
  };
}
