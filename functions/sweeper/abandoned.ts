import { announceFailure, markFailed } from '../../shared/events/complete-scan.ts';
import { assemble, isWhole, objectOf, readChain, removeParts } from '../../shared/files/parts.ts';
import type { FileRecord, UploadingRecord } from '../../shared/files/record.ts';
import type { RecordObjects, Versioned } from '../../shared/files/records.ts';
import { type EndOutcome, reconcileEnds } from './ends.ts';
import { isLeased, type SweeperDeps } from './sweeper.ts';

export type RecordOutcome =
  /** Nothing is to be done. */
  | 'unchanged'
  | 'young'
  /** The upload has not expired yet. */
  | 'uploading'
  | 'scanning'
  /** Its object waits in the unscanned bucket. */
  | 'waiting'
  /** The upload was never completed and is now expired. */
  | 'expired'
  /** Its object existed and is gone: the file is now failed. */
  | 'sourceGone'
  /** The file had failed, and the event is now published. */
  | 'announced'
  | EndOutcome
  | 'foreign'
  | 'conflict';

/**
 * Handles one record as it was listed; if it has been written since, the write is a conflict.
 * @throws {StorageError}, {CorruptRecord} and what publishing throws: a later sweep retries
 */
export async function reconcileRecord(deps: SweeperDeps, objects: RecordObjects): Promise<RecordOutcome> {
  const current = deps.records.parse(objects);
  if (!current) return 'foreign';
  const { record } = current;
  // The next sweep does the rest.
  const ended = await reconcileEnds(deps, current);
  if (ended) return ended;
  if (record.state === 'failed' && !record.announced) {
    await announceFailure(deps, { ...current, record });
    return 'announced';
  }
  if (record.state === 'uploading') return reconcileUploading(deps, { ...current, record });
  if (record.state !== 'pending') return 'unchanged';
  if (deps.now().getTime() - record.createdAt.getTime() < deps.abandonedAfterMs) return 'young';
  if (isLeased(record, deps.now())) return 'scanning';
  if (await deps.unscanned.stat(record.id)) return 'waiting';
  // A lease means that a scan had bytes to read.
  if (record.redriven || record.lease)
    return (await markFailed(deps, { ...current, record }, 'sourceGone')) ? 'sourceGone' : 'conflict';
  return expire(deps, current, { ...record, state: 'expired' });
}

/**
 * The scanner deletes an object after it has written the verdict, which is no write of the record: so the verdict is looked for after the
 * object, and an upload that has one is not expired, however old the listing is.
 */
async function expire(
  { records }: SweeperDeps,
  current: Versioned,
  expired: FileRecord,
): Promise<'expired' | 'conflict'> {
  const latest = await records.get(current.record.id);
  if (latest?.verdict?.metageneration !== current.verdict?.metageneration) return 'conflict';
  return (await records.replace(current, expired)) ? 'expired' : 'conflict';
}

/**
 * Its object cannot become final between the look for it and the record: a direct session is ended first, and a request
 * of tus that began in time is over, because the least of `abandonedAfterMs` is twice as long as any may take.
 */
async function reconcileUploading(
  deps: SweeperDeps,
  current: Versioned<UploadingRecord>,
): Promise<'uploading' | 'waiting' | 'expired' | 'conflict'> {
  const { upload, content: _, ...stored } = current.record;
  const grace = upload.kind === 'tus' ? deps.abandonedAfterMs : 0;
  if (deps.now().getTime() < upload.expiresAt.getTime() + grace) return 'uploading';
  if (upload.kind === 'direct') await deps.unscanned.cancelSession(upload.session);
  else {
    const chain = await readChain(deps.unscanned, stored.id);
    if (isWhole(upload, chain)) await assemble(deps.unscanned, stored.id, chain);
  }
  if (await objectOf(deps.unscanned, stored.id)) return 'waiting';
  if ((await expire(deps, current, { ...stored, state: 'expired' })) === 'conflict') return 'conflict';
  // After a crash, the next sweep finds what is left among the parts.
  await removeParts(deps.unscanned, stored.id);
  return 'expired';
}
