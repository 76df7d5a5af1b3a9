import { announceFailure, fail } from '../../shared/files/conclude.ts';
import type { FileRecord } from '../../shared/files/record.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import { isLeased, type Sweeper } from './sweeper.ts';

export type RecordOutcome =
  /** Nothing is to be done. */
  | 'settled'
  | 'young'
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
 * What is to be done about one record, as it was listed: any write since then makes ours a lost race.
 * @throws {StorageError}, {CorruptRecord} and what publishing throws: a later sweep finds it again
 */
export async function attendRecord(sweeper: Sweeper, object: StoredObject): Promise<RecordOutcome> {
  const read = sweeper.records.parse(object);
  if (!read) return 'foreign';
  const { record } = read;
  if (record.state === 'failed' && !record.announced) {
    await announceFailure(sweeper, { ...read, record });
    return 'announced';
  }
  if (record.state !== 'pending') return 'settled';
  if (sweeper.now().getTime() - record.createdAt.getTime() < sweeper.abandonedAfterMs) return 'young';
  if (isLeased(record, sweeper.now())) return 'scanning';
  if (await sweeper.unscanned.stat(record.id)) return 'waiting';
  if (record.redriven)
    return (await fail(sweeper, { ...read, record }, 'sourceGone')) ? 'sourceGone' : 'lostRace';
  const expired: FileRecord = { ...record, state: 'expired' };
  return (await sweeper.records.replace(read, expired)) ? 'expired' : 'lostRace';
}
