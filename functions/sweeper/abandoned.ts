import { announceFailure, fail } from '../../shared/events/conclude.ts';
import { assemble, isWhole, objectOf, readChain, removeParts } from '../../shared/files/parts.ts';
import type { FileRecord, UploadingRecord } from '../../shared/files/record.ts';
import type { RecordObjects, Versioned } from '../../shared/files/records.ts';
import { isLeased, type Sweeper } from './sweeper.ts';

export type RecordOutcome =
  /** Nothing is to be done. */
  | 'settled'
  | 'young'
  /** Its client has time left. */
  | 'uploading'
  | 'scanning'
  /** Its object waits in the unscanned bucket. */
  | 'waiting'
  /** Its upload was never completed, and now never will be. */
  | 'expired'
  /** Its object was there once and is gone: it has failed now. */
  | 'sourceGone'
  /** That it had failed was not said yet. */
  | 'announced'
  | 'foreign'
  | 'lostRace';

/**
 * The action for one record, as it was listed: any write since then makes ours a lost race.
 * @throws {StorageError}, {CorruptRecord} and what publishing throws: a later sweep finds it again
 */
export async function attendRecord(sweeper: Sweeper, objects: RecordObjects): Promise<RecordOutcome> {
  const read = sweeper.records.parse(objects);
  if (!read) return 'foreign';
  const { record } = read;
  if (record.state === 'failed' && !record.announced) {
    await announceFailure(sweeper, { ...read, record });
    return 'announced';
  }
  if (record.state === 'uploading') return attendUploading(sweeper, { ...read, record });
  if (record.state !== 'pending') return 'settled';
  if (sweeper.now().getTime() - record.createdAt.getTime() < sweeper.abandonedAfterMs) return 'young';
  if (isLeased(record, sweeper.now())) return 'scanning';
  if (await sweeper.unscanned.stat(record.id)) return 'waiting';
  if (record.redriven)
    return (await fail(sweeper, { ...read, record }, 'sourceGone')) ? 'sourceGone' : 'lostRace';
  const expired: FileRecord = { ...record, state: 'expired' };
  return (await sweeper.records.replace(read, expired)) ? 'expired' : 'lostRace';
}

/**
 * Its object cannot become final between the look for it and the record: a direct session is ended first, and a request
 * of tus that began in time is over, because the least of `abandonedAfterMs` is twice as long as any may take.
 */
async function attendUploading(
  sweeper: Sweeper,
  read: Versioned<UploadingRecord>,
): Promise<'uploading' | 'waiting' | 'expired' | 'lostRace'> {
  const { upload, content: _, ...stored } = read.record;
  const grace = upload.kind === 'tus' ? sweeper.abandonedAfterMs : 0;
  if (sweeper.now().getTime() < upload.expiresAt.getTime() + grace) return 'uploading';
  if (upload.kind === 'direct') await sweeper.unscanned.cancelSession(upload.session);
  else {
    const chain = await readChain(sweeper.unscanned, stored.id);
    if (isWhole(upload, chain)) await assemble(sweeper.unscanned, stored.id, chain);
  }
  if (await objectOf(sweeper.unscanned, stored.id)) return 'waiting';
  if (!(await sweeper.records.replace(read, { ...stored, state: 'expired' }))) return 'lostRace';
  // The next sweep finds the leftovers of a crash among the parts.
  await removeParts(sweeper.unscanned, stored.id);
  return 'expired';
}
