import { announceFailure, completeScan, markFailed } from '../../shared/events/complete-scan.ts';
import { parseFileId } from '../../shared/files/file-id.ts';
import { parsePart } from '../../shared/files/parts.ts';
import { isDecided, type PendingRecord } from '../../shared/files/record.ts';
import { isWrittenOver, type Versioned } from '../../shared/files/records.ts';
import { asPending } from '../../shared/files/uploading.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import { reconcilePart } from './parts.ts';
import { redrive, triedEnough } from './redrive.ts';
import { hasWaited, isLeased, type SweeperDeps } from './sweeper.ts';

/** The remaining budget of bytes and files to send to the scanner in this sweep. */
interface Allowance {
  redrives: number;
}

export type WaitingOutcome =
  /** Its event may still be on its way. */
  | 'young'
  /** Scanned under a lease. */
  | 'scanning'
  /** Sent to the scanner again not long ago, or to be sent by the next sweep. */
  | 'redriveWaits'
  | 'redriven'
  /** Redriven too often: the file is now failed. */
  | 'gaveUp'
  /** Decided before; the remaining steps are now done. */
  | 'concluded'
  /** Bytes that nobody waits for: of an upload that failed, expired or was withdrawn, or was never recorded. */
  | 'dropped'
  /** Its file has reached its end: the collection deletes these bytes, once it has written that. */
  | 'ended'
  /** Failed before; its bytes are kept for a redrive. */
  | 'failed'
  /** Belongs to a file that is being uploaded. */
  | 'part'
  /** The object of a file was made of its parts: its event is on its way. */
  | 'assembled'
  /** Has no record, which may still come. */
  | 'unrecorded'
  /** Not created by this service; left to the bucket's lifecycle. */
  | 'foreign'
  | 'conflict';

/** Those whose file waits for a verdict. */
export const PENDING: ReadonlySet<WaitingOutcome> = new Set<WaitingOutcome>([
  'young',
  'scanning',
  'redriveWaits',
  'redriven',
]);

/**
 * Handles one object of the unscanned bucket, where everything waits for something.
 * @throws {StorageError}, {CorruptRecord} and what publishing throws: a later sweep finds it again
 */
export async function reconcileWaiting(
  deps: SweeperDeps,
  object: StoredObject,
  allowance: Allowance,
): Promise<WaitingOutcome> {
  const upload = parsePart(object.name);
  if (upload) return reconcilePart(deps, object, upload);
  const id = parseFileId(object.name);
  if (!id) return 'foreign';
  if (!hasWaited(deps, object.timeCreated)) return 'young';
  const current = await deps.records.get(id);
  if (!current) return reconcileUnrecorded(deps, object);
  const record = asPending(current.record, object);
  if (isDecided(record)) {
    await completeScan(deps, record, object);
    return 'concluded';
  }
  switch (record.state) {
    case 'expired':
    case 'deleted':
      if (!isWrittenOver(current)) return 'ended';
      await deps.unscanned.delete(object.name, { generation: object.generation, updated: object.updated });
      return 'dropped';
    case 'failed':
      await announceFailure(deps, { ...current, record });
      return 'failed';
    case 'pending':
      return reconcilePending(deps, { ...current, record }, object, allowance);
  }
}

/** Bytes of an upload whose record was never written, which no client was told of: docs/adr/0001. */
async function reconcileUnrecorded(deps: SweeperDeps, object: StoredObject): Promise<WaitingOutcome> {
  const age = deps.now().getTime() - object.timeCreated.getTime();
  // A record is written beside its object, or not at all; no request takes that long.
  if (age <= deps.abandonedAfterMs) return 'unrecorded';
  await deps.unscanned.delete(object.name, { generation: object.generation, updated: object.updated });
  return 'dropped';
}

async function reconcilePending(
  deps: SweeperDeps,
  current: Versioned<PendingRecord>,
  object: StoredObject,
  allowance: Allowance,
): Promise<WaitingOutcome> {
  const { redriven } = current.record;
  if (isLeased(current.record, deps.now())) return 'scanning';
  if (redriven && !hasWaited(deps, redriven.at)) return 'redriveWaits';
  if (triedEnough(current.record, deps)) {
    return (await markFailed(deps, current, 'gaveUp')) ? 'gaveUp' : 'conflict';
  }
  if (allowance.redrives <= 0) return 'redriveWaits';
  allowance.redrives--;
  return (await redrive(deps, current, object)) ? 'redriven' : 'conflict';
}
