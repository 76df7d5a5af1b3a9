import { toDeleted } from './ends.ts';
import type { DeletedRecord, FileRecord } from './record.ts';
import type { Records, Versioned } from './records.ts';
import type { References } from './references.ts';

interface WithdrawDeps {
  readonly references: Pick<References, 'count'>;
  readonly records: Records;
  readonly now: () => Date;
}

/**
 * Takes one step towards deleting a file that no resource refers to. A request that adds a reference writes it first
 * and then ensures that the record says `referenced` and is not deleted; here the references are listed after the
 * record was read. So either the new reference is seen, or the record is not the one that was read any more.
 * @param current before this call, not `deleted`
 * @returns the record where it is deleted now; 'unreferenced' where it had said `referenced` and no longer does:
 *   only then, read again, can it be deleted
 * @throws {StorageError}
 */
export async function withdraw(
  { references, records, now }: WithdrawDeps,
  current: Versioned,
): Promise<Versioned<DeletedRecord> | 'referenced' | 'unreferenced' | 'conflict'> {
  const record = withdrawn(current.record, await references.count(current.record.id, 1), now());
  const written = record === current.record ? current : await records.replace(current, record);
  if (!written) return 'conflict';
  if (record.state === 'deleted') return { ...written, record };
  return record.referenced ? 'referenced' : 'unreferenced';
}

/**
 * The record as the next step makes it, where so many resources refer to its file.
 * @param last the record once it is certain that none does
 * @returns the very same record where it already says that some do
 */
export function withdrawn(
  record: FileRecord,
  references: number,
  now: Date,
  last: (record: FileRecord, now: Date) => FileRecord = toDeleted,
): FileRecord {
  if (references > 0) return markReferenced(record);
  return record.referenced ? markUnreferenced(record, now) : last(record, now);
}

/** @returns the very same record where it says so already */
export function markReferenced(record: FileRecord): FileRecord {
  if (record.referenced) return record;
  const { unreferencedSince: _, ...stored } = record;
  return { ...stored, referenced: true };
}

export function markUnreferenced(record: FileRecord, since: Date): FileRecord {
  const { referenced: _, ...stored } = record;
  return { ...stored, unreferencedSince: since };
}
