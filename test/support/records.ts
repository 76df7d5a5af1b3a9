import type { FileRecord, JudgedRecord, UnjudgedRecord } from '../../shared/files/record.ts';
import { RECORDS_PREFIX, type Records, VERDICTS_PREFIX, type Versioned } from '../../shared/files/records.ts';
import type { Viewer } from '../../shared/identity/caller.ts';
import type { Principal } from '../../shared/identity/principal.ts';
import type { StoredObject } from '../../shared/storage/object.ts';

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
  const { expiresAt } = record;
  const claims = record.state === 'pending' || record.state === 'failed' ? record.claims : undefined;
  const inserted = await records.insert({
    ...{ id, owner, viewers, createdAt, contentType, state: 'pending' },
    ...(fileName !== undefined && { fileName }),
    ...(referenced && { referenced }),
    ...(unreferencedSince && { unreferencedSince }),
    ...(expiresAt && { expiresAt }),
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

/** All that is known of each file, by its id, of a listing of the permanent bucket. */
export function metadataByFile(objects: readonly StoredObject[]): Map<string, StoredObject['metadata']> {
  const named = new Map(objects.map(({ name, metadata }) => [name, metadata]));
  const files = objects.filter(({ name }) => name.startsWith(RECORDS_PREFIX));
  return new Map(
    files.map(({ name, metadata }) => {
      const id = name.slice(RECORDS_PREFIX.length);
      const isOver = metadata['state'] === 'deleted' || metadata['state'] === 'expired';
      const verdict = isOver ? undefined : named.get(VERDICTS_PREFIX + id);
      return [id, { ...metadata, ...verdict }];
    }),
  );
}

/** Viewers whose grants have no end. */
export function viewersNamed(...names: readonly string[]): Viewer[] {
  return names.map((name) => ({ principal: name as Principal }));
}

/** The principals that may see a file. */
export function namesOf({ viewers }: Pick<FileRecord, 'viewers'>): Principal[] {
  return viewers.map(({ principal }) => principal);
}
