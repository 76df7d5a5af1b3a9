import { announceFailure, conclude, fail } from '../../shared/events/conclude.ts';
import { parseFileId } from '../../shared/files/file-id.ts';
import { parsePart } from '../../shared/files/parts.ts';
import { isDecided, type PendingRecord } from '../../shared/files/record.ts';
import type { Versioned } from '../../shared/files/records.ts';
import { arrived } from '../../shared/files/uploading.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import { attendPart } from './parts.ts';
import { redrive, triedEnough } from './redrive.ts';
import { hasWaited, isLeased, type Sweeper } from './sweeper.ts';

/** The bytes and files that may still be sent to the scanner in this sweep. */
export interface Allowance {
  redrives: number;
}

export type WaitingOutcome =
  /** Its event has had no time yet. */
  | 'young'
  /** Scanned under a lease. */
  | 'scanning'
  /** Sent to the scanner again not long ago, or to be sent by the next sweep. */
  | 'redriveWaits'
  | 'redriven'
  /** Redriven and tried too often: it has failed now. */
  | 'gaveUp'
  /** Decided before; the steps after that are done now. */
  | 'concluded'
  /** Bytes that nobody waits for: of an upload that failed, expired or was withdrawn, or was never recorded. */
  | 'dropped'
  /** Failed before; its bytes are kept for a redrive. */
  | 'failed'
  /** Belongs to a file that is being uploaded. */
  | 'part'
  /** The object of a file was made of its parts: its event is on its way. */
  | 'assembled'
  /** Has no record, which may still come. */
  | 'unrecorded'
  /** Not by us. It is left to the bucket's lifecycle. */
  | 'foreign'
  | 'lostRace';

/** Those whose file waits for a verdict. */
export const PENDING: ReadonlySet<WaitingOutcome> = new Set<WaitingOutcome>([
  'young',
  'scanning',
  'redriveWaits',
  'redriven',
]);

/**
 * The action for one object of the unscanned bucket. Everything there waits for something.
 * @throws {StorageError}, {CorruptRecord} and what publishing throws: a later sweep finds it again
 */
export async function attendWaiting(
  sweeper: Sweeper,
  object: StoredObject,
  allowance: Allowance,
): Promise<WaitingOutcome> {
  const upload = parsePart(object.name);
  if (upload) return attendPart(sweeper, object, upload);
  const id = parseFileId(object.name);
  if (!id) return 'foreign';
  if (!hasWaited(sweeper, object.timeCreated)) return 'young';
  const read = await sweeper.records.get(id);
  if (!read) return attendUnrecorded(sweeper, object);
  const record = arrived(read.record, object);
  if (isDecided(record)) {
    await conclude(sweeper, record, object);
    return 'concluded';
  }
  switch (record.state) {
    case 'expired':
    case 'deleted':
      await sweeper.unscanned.delete(object.name, { generation: object.generation, updated: object.updated });
      return 'dropped';
    case 'failed':
      await announceFailure(sweeper, { ...read, record });
      return 'failed';
    case 'pending':
      return attendPending(sweeper, { ...read, record }, object, allowance);
  }
}

/** Bytes of an upload whose record was never written, which no client was told of: docs/adr/0001. */
async function attendUnrecorded(sweeper: Sweeper, object: StoredObject): Promise<WaitingOutcome> {
  const age = sweeper.now().getTime() - object.timeCreated.getTime();
  // A record is written beside its object, or not at all; no request takes that long.
  if (age <= sweeper.abandonedAfterMs) return 'unrecorded';
  await sweeper.unscanned.delete(object.name, { generation: object.generation, updated: object.updated });
  return 'dropped';
}

async function attendPending(
  sweeper: Sweeper,
  read: Versioned<PendingRecord>,
  object: StoredObject,
  allowance: Allowance,
): Promise<WaitingOutcome> {
  const { redriven } = read.record;
  if (isLeased(read.record, sweeper.now())) return 'scanning';
  if (redriven && !hasWaited(sweeper, redriven.at)) return 'redriveWaits';
  if (triedEnough(read.record, sweeper)) {
    return (await fail(sweeper, read, 'gaveUp')) ? 'gaveUp' : 'lostRace';
  }
  if (allowance.redrives <= 0) return 'redriveWaits';
  allowance.redrives--;
  return (await redrive(sweeper, read, object)) ? 'redriven' : 'lostRace';
}
