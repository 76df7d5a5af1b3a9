import type { DecidedRecord, FileRecord, PendingRecord } from '../../shared/files/record.ts';
import type { Records, Versioned } from '../../shared/files/records.ts';
import { arrived } from '../../shared/files/uploading.ts';

/**
 * The record as it is now, where somebody wrote it since it was read who has no say in its scan: an owner who
 * grants a viewer or names a reference. What was learned of the bytes still holds, and is not learned again.
 * @returns undefined where it is decided or deleted, or waits for another scan than it did
 */
export async function followed(
  records: Records,
  { record: before }: Versioned<PendingRecord>,
): Promise<Versioned<PendingRecord> | undefined> {
  const found = await records.get(before.id);
  const record = found && arrived(found.record, before);
  return record && waitsAsBefore(before, record) ? { ...found, record } : undefined;
}

function waitsAsBefore(before: PendingRecord, now: FileRecord): now is PendingRecord {
  return (
    now.state === 'pending' &&
    now.lease?.holder === before.lease?.holder &&
    now.redriven?.times === before.redriven?.times &&
    now.redriven?.at.getTime() === before.redriven?.at.getTime()
  );
}

/**
 * Writes a verdict over the record that was read, or over what {@link followed} it.
 * @returns the record that stands; undefined where it moved on in another way: read it again
 */
export async function writeVerdict(
  records: Records,
  read: Versioned<PendingRecord>,
  decided: DecidedRecord,
): Promise<DecidedRecord | undefined> {
  let record = decided;
  for (let current: Versioned<PendingRecord> | undefined = read; current; ) {
    if (await records.replace(current, record)) return record;
    current = await followed(records, current);
    if (current) record = withSharing(decided, current.record);
  }
  return undefined;
}

/** What an owner may write at any time is as it is now. */
function withSharing(decided: DecidedRecord, { viewers, referenced, unreferencedSince }: PendingRecord) {
  const { referenced: _, unreferencedSince: __, ...verdict } = decided;
  return {
    ...verdict,
    viewers,
    ...(referenced && { referenced }),
    ...(unreferencedSince && { unreferencedSince }),
  };
}
