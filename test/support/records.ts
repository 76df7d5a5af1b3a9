import type { FileRecord, JudgedRecord, UnjudgedRecord } from '../../shared/files/record.ts';
import type { Records, Versioned } from '../../shared/files/records.ts';

/** Writes a record of any state as its writers do: what becomes of a file to its verdict, all else to the file. */
export async function writeRecord(
  records: Records,
  read: Versioned,
  record: FileRecord,
): Promise<Versioned | undefined> {
  return isJudged(record, read) ? records.judge(read, record) : records.replace(read, record);
}

/** Inserts a record of any state. */
export async function insertRecord(records: Records, record: FileRecord): Promise<Versioned> {
  if (!isJudged(record)) return records.insert(record as UnjudgedRecord);
  const { id, owner, viewers, createdAt, contentType, fileName, referenced, unreferencedSince } = record;
  const claims = record.state === 'pending' || record.state === 'failed' ? record.claims : undefined;
  const inserted = await records.insert({
    ...{ id, owner, viewers, createdAt, contentType, state: 'pending' },
    ...(fileName !== undefined && { fileName }),
    ...(referenced && { referenced }),
    ...(unreferencedSince && { unreferencedSince }),
    ...(claims && { claims }),
  });
  const judged = await records.judge(inserted, record);
  if (!judged) throw new Error(`a verdict on ${id} exists`);
  return judged;
}

function isJudged(record: FileRecord, read?: Versioned): record is JudgedRecord {
  if (record.state !== 'pending') return !['uploading', 'expired', 'deleted'].includes(record.state);
  return record.lease !== undefined || record.redriven !== undefined || read?.verdict !== undefined;
}
