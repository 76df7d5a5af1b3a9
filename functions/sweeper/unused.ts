import { acceptedName } from '../../shared/files/blobs.ts';
import { receiptsOf } from '../../shared/files/receipts.ts';
import type { DeletedRecord, FileRecord } from '../../shared/files/record.ts';
import { isWrittenOver, type RecordObjects, type Versioned } from '../../shared/files/records.ts';
import { referencesOf } from '../../shared/files/references.ts';
import { sharedName } from '../../shared/files/shared-files.ts';
import { withdraw } from '../../shared/files/withdraw.ts';
import type { Bucket } from '../../shared/storage/bucket.ts';
import { deleteUnlessHeld, isKept } from '../../shared/storage/delete-unless-held.ts';
import { allObjects } from '../../shared/storage/page.ts';
import type { CollectorDeps } from './collector.ts';
import { fileDeleted } from './file-deleted.ts';

export type CollectOutcome =
  /** Nothing is to be done. */
  | 'unchanged'
  /** It has a reference, and its record now says so. */
  | 'referenced'
  /** The last reference was found gone: its grace begins. */
  | 'unreferenced'
  /** It had no references for too long and is now deleted. */
  | 'collected'
  /** Its deletion was published, and its content released. */
  | 'announced'
  /** Its tombstone remains visible for a while. */
  | 'tombstone'
  /** Completely removed. */
  | 'purged'
  /** A retention policy or a hold keeps it. */
  | 'kept'
  | 'foreign'
  | 'conflict';

/**
 * Handles one record as it was listed; if it has been written since, the write is a conflict.
 * @param hasReference as of the listing of the page: only a hint
 * @throws {StorageError}, {CorruptRecord} and what publishing throws: the next collection finds it again
 */
export async function reconcileUnused(
  deps: CollectorDeps,
  objects: RecordObjects,
  hasReference: boolean,
): Promise<CollectOutcome> {
  const current = deps.records.parse(objects);
  if (!current) return 'foreign';
  const { record } = current;
  switch (record.state) {
    case 'pending':
    case 'uploading':
      return 'unchanged';
    case 'deleted':
      if (!record.announced) return finishDeletion(deps, { ...current, record });
      return isOver(deps, record.deletedAt) ? purge(deps, current) : 'tombstone';
    case 'expired':
      return isOver(deps, record.createdAt) ? purge(deps, current) : 'tombstone';
    default:
      return reconcileKept(deps, current, hasReference);
  }
}

async function reconcileKept(
  deps: CollectorDeps,
  current: Versioned,
  hasReference: boolean,
): Promise<CollectOutcome> {
  const { record } = current;
  // Its owner has said until when it is needed. Nothing refers to it, or did before its client was told so.
  if (record.expiresAt) return 'unchanged';
  if (hasReference) {
    if (record.referenced) return 'unchanged';
    const repaired = await deps.records.replace(current, { ...record, referenced: true });
    return repaired ? 'referenced' : 'conflict';
  }
  if (!record.referenced && !isUnreferencedForLong(deps, current)) return 'unchanged';
  const step = await withdraw(deps, current);
  if (typeof step === 'string') return step;
  const announced = await announce(deps, step);
  return announced === 'announced' ? 'collected' : announced;
}

/**
 * Counts from the last write to the record where nothing ever referred to the file: nobody may have known it before it
 * was decided, however long its upload or an outage took, and an earlier scan that answers for it may be older than both.
 */
function isUnreferencedForLong(
  { unreferencedAfterMs, now }: CollectorDeps,
  { record, object, verdict }: Versioned,
): boolean {
  if (unreferencedAfterMs === undefined) return false;
  const written = verdict && verdict.updated > object.updated ? verdict.updated : object.updated;
  const since = record.unreferencedSince ?? written;
  return now().getTime() - since.getTime() >= unreferencedAfterMs;
}

/** Nobody writes that a file has reached its end before: then its owner can no longer move it. */
async function finishDeletion(
  deps: CollectorDeps,
  current: Versioned<DeletedRecord>,
): Promise<CollectOutcome> {
  const written = isWrittenOver(current) ? current : await deps.records.replace(current, current.record);
  return written ? announce(deps, written) : 'conflict';
}

/**
 * Says that a file is deleted and lets go of what it had, then notes that this was done: a process that ends before
 * that publishes it again by the same event id.
 */
async function announce(deps: CollectorDeps, current: Versioned<DeletedRecord>): Promise<CollectOutcome> {
  const { permanent, unscanned, publish, records, log } = deps;
  const { record } = current;
  await publish(fileDeleted(record));
  await suspectContent(deps, record);
  await releaseNamed(unscanned, record.id);
  // Where it is kept, the record stays until it can go too.
  await releaseNamed(permanent, acceptedName(record.id));
  const announced = await records.replace(current, { ...record, announced: true });
  log.info({ fileId: record.id }, 'file deleted');
  return announced ? 'announced' : 'conflict';
}

/** The record goes last: until then the next collection resumes. */
async function purge(deps: CollectorDeps, current: Versioned): Promise<CollectOutcome> {
  const { permanent, now } = deps;
  const { object, verdict, record } = current;
  if (isKept(object, now()) || (verdict && isKept(verdict, now()))) return 'kept';
  // An upload that has expired may have been promoted before anybody knew.
  if (record.state === 'expired') await suspectContent(deps, record);
  if ((await releaseNamed(permanent, acceptedName(record.id))) === 'kept') return 'kept';
  let kept = false;
  for (const prefix of [referencesOf(record.id), receiptsOf(record.id)]) {
    for await (const beside of allObjects(permanent, { prefix })) {
      const released = isKept(beside, now()) ? 'kept' : await deleteUnlessHeld(permanent, beside);
      if (released === 'changed') return 'conflict';
      kept ||= released === 'kept';
    }
  }
  for (const { principal } of record.viewers) {
    kept = (await releaseNamed(permanent, sharedName(principal, record.id))) === 'kept' || kept;
  }
  if (kept) return 'kept';
  for (const last of verdict ? [verdict, object] : [object]) {
    const released = await deleteUnlessHeld(permanent, last);
    if (released !== 'deleted') return released === 'kept' ? 'kept' : 'conflict';
  }
  return 'purged';
}

async function suspectContent({ candidates }: CollectorDeps, { owner, content }: FileRecord): Promise<void> {
  if (content) await candidates.addGcCandidate({ owner, sha256: content.sha256 });
}

async function releaseNamed(bucket: Bucket, name: string): Promise<'deleted' | 'kept' | 'changed'> {
  const object = await bucket.stat(name);
  return object ? deleteUnlessHeld(bucket, object) : 'deleted';
}

function isOver({ now, tombstoneMs }: CollectorDeps, since: Date): boolean {
  return now().getTime() - since.getTime() >= tombstoneMs;
}
