import { acceptedName } from '../../shared/files/blobs.ts';
import type { DeletedRecord, FileRecord } from '../../shared/files/record.ts';
import type { RecordObjects, Versioned } from '../../shared/files/records.ts';
import { referencesOf } from '../../shared/files/references.ts';
import { withdraw } from '../../shared/files/withdraw.ts';
import type { Bucket } from '../../shared/storage/bucket.ts';
import { allObjects } from '../../shared/storage/page.ts';
import { isKept, release } from '../../shared/storage/release.ts';
import type { Collector } from './collector.ts';
import { fileDeleted } from './file-deleted.ts';

export type CollectOutcome =
  /** Nothing is to be done. */
  | 'settled'
  /** A resource refers to it, and its record says so now. */
  | 'referenced'
  /** The last reference was found gone: its grace begins. */
  | 'unreferenced'
  /** Nothing referred to it for too long: it is deleted now. */
  | 'collected'
  /** That it is deleted was said, and what it had is released. */
  | 'announced'
  /** It can be seen for a while yet that it was there. */
  | 'tombstone'
  /** Nothing is left of it. */
  | 'purged'
  /** A retention policy or a hold keeps it. */
  | 'kept'
  | 'foreign'
  | 'lostRace';

/**
 * The action for one record, as it was listed: any write since then makes ours a lost race.
 * @param hasReference as it was when the page was listed: a hint, no more
 * @throws {StorageError}, {CorruptRecord} and what publishing throws: the next collection finds it again
 */
export async function attendUnused(
  collector: Collector,
  objects: RecordObjects,
  hasReference: boolean,
): Promise<CollectOutcome> {
  const read = collector.records.parse(objects);
  if (!read) return 'foreign';
  const { record } = read;
  switch (record.state) {
    case 'pending':
    case 'uploading':
      return 'settled';
    case 'deleted':
      if (!record.announced) return announce(collector, { ...read, record });
      return isOver(collector, record.deletedAt) ? purge(collector, read) : 'tombstone';
    case 'expired':
      return isOver(collector, record.createdAt) ? purge(collector, read) : 'tombstone';
    default:
      return attendKept(collector, read, hasReference);
  }
}

async function attendKept(
  collector: Collector,
  read: Versioned,
  hasReference: boolean,
): Promise<CollectOutcome> {
  const { record } = read;
  if (hasReference) {
    if (record.referenced) return 'settled';
    const repaired = await collector.records.replace(read, { ...record, referenced: true });
    return repaired ? 'referenced' : 'lostRace';
  }
  if (!record.referenced && !isUnreferencedForLong(collector, read)) return 'settled';
  const step = await withdraw(collector, read);
  if (typeof step === 'string') return step;
  const announced = await announce(collector, step);
  return announced === 'announced' ? 'collected' : announced;
}

/**
 * Counts from the last write to the record where nothing ever referred to the file: nobody may have known it before it
 * was decided, however long its upload or an outage took, and an earlier scan that answers for it may be older than both.
 */
function isUnreferencedForLong(
  { unreferencedAfterMs, now }: Collector,
  { record, object, verdict }: Versioned,
): boolean {
  if (unreferencedAfterMs === undefined) return false;
  const written = verdict && verdict.updated > object.updated ? verdict.updated : object.updated;
  const since = record.unreferencedSince ?? written;
  return now().getTime() - since.getTime() >= unreferencedAfterMs;
}

/**
 * Says that a file is deleted and lets go of what it had, then notes that this was done: whoever ends before that
 * says it again by the same event id.
 */
async function announce(collector: Collector, read: Versioned<DeletedRecord>): Promise<CollectOutcome> {
  const { permanent, unscanned, publish, records, log } = collector;
  const { record } = read;
  await publish(fileDeleted(record));
  await suspectContent(collector, record);
  await releaseNamed(unscanned, record.id);
  // Where it is kept, the record stays until it can go too.
  await releaseNamed(permanent, acceptedName(record.id));
  const announced = await records.replace(read, { ...record, announced: true });
  log.info({ fileId: record.id }, 'file deleted');
  return announced ? 'announced' : 'lostRace';
}

/** The record goes last: until then the next collection resumes. */
async function purge(collector: Collector, read: Versioned): Promise<CollectOutcome> {
  const { permanent, now } = collector;
  const { object, verdict, record } = read;
  if (isKept(object, now()) || (verdict && isKept(verdict, now()))) return 'kept';
  // An upload that has expired may have been promoted before anybody knew.
  if (record.state === 'expired') await suspectContent(collector, record);
  if ((await releaseNamed(permanent, acceptedName(record.id))) === 'kept') return 'kept';
  for await (const reference of allObjects(permanent, { prefix: referencesOf(record.id) })) {
    const released = await release(permanent, reference);
    if (released !== 'deleted') return released === 'kept' ? 'kept' : 'lostRace';
  }
  for (const last of verdict ? [verdict, object] : [object]) {
    const released = await release(permanent, last);
    if (released !== 'deleted') return released === 'kept' ? 'kept' : 'lostRace';
  }
  return 'purged';
}

async function suspectContent({ candidates }: Collector, { owner, content }: FileRecord): Promise<void> {
  if (content) await candidates.suspect({ owner, sha256: content.sha256 });
}

async function releaseNamed(bucket: Bucket, name: string): Promise<'deleted' | 'kept' | 'changed'> {
  const object = await bucket.stat(name);
  return object ? release(bucket, object) : 'deleted';
}

function isOver({ now, tombstoneMs }: Collector, since: Date): boolean {
  return now().getTime() - since.getTime() >= tombstoneMs;
}
