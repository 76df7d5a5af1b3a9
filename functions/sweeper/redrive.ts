import { notificationOf } from '../../shared/events/finalized.ts';
import { type FileId, parseFileId } from '../../shared/files/file-id.ts';
import type { FailedRecord, PendingRecord } from '../../shared/files/record.ts';
import type { Versioned } from '../../shared/files/records.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import { retryOnConflict } from '../../shared/storage/retry-on-conflict.ts';
import { countOutcomes } from './count-outcomes.ts';
import type { SweeperDeps } from './sweeper.ts';
import { walk } from './walk.ts';

/**
 * Sends a file to the scanner again. The record says so first, so that of two who try only one does, and that
 * it was not sent again just now; should the message get lost, the next sweep but a few sends another.
 * @returns false where its record moved on meanwhile
 * @throws {StorageError} and what `redeliver` throws
 */
export async function redrive(
  deps: SweeperDeps,
  current: Versioned<PendingRecord | FailedRecord>,
  object: StoredObject,
): Promise<boolean> {
  const at = deps.now();
  const written = await deps.records.judge(current, redriven(current.record, at));
  if (!written) return false;
  await deps.redeliver({ ...notificationOf(object, at), about: current.record.traceparent });
  deps.log.warn({ fileId: current.record.id, times: written.record.redriven?.times }, 'file redriven');
  return true;
}

/**
 * Whether a file was redriven as often as it may be, with a try at its scan after the last time. A redrive that led to
 * no try was lost to an outage or a queue, and waiting is not failing (docs/adr/0025).
 */
export function triedEnough({ redriven }: PendingRecord, { maxRedrives }: SweeperDeps): boolean {
  return redriven?.tried === true && redriven.times >= maxRedrives;
}

/** Resets a failed record to pending. A lease that it still has is void. */
function redriven(record: PendingRecord | FailedRecord, at: Date): PendingRecord {
  if (record.state === 'failed') {
    const { failure: _, failedAt: __, announced: ___, ...stored } = record;
    return { ...stored, state: 'pending', redriven: { times: 1, at } };
  }
  const { lease: _, redriven: before, ...stored } = record;
  const times = before ? before.times + (before.tried ? 1 : 0) : 1;
  return { ...stored, redriven: { times, at } };
}

type RedriveOutcome = 'redriven' | 'notFailed' | 'sourceGone' | 'unknown' | 'conflict';

/** One file, on the word of an operator: it must have failed, and its bytes must still be there. */
export function redriveFile(deps: SweeperDeps, id: FileId): Promise<RedriveOutcome> {
  // A conflict is mostly with the note that its failure was announced.
  return retryOnConflict(async () => {
    const object = await deps.unscanned.stat(id);
    const current = await deps.records.get(id);
    return current ? redriveFailed(deps, current, object) : 'unknown';
  });
}

/**
 * Every file that has failed and whose bytes are still there. Stopped half-way, it is to be called again: what it
 * redrove is pending then.
 */
export async function redriveAllFailed(
  deps: SweeperDeps,
  stop: () => boolean,
): Promise<Record<string, number | boolean>> {
  const counts: Record<string, number> = {};
  const visit = countOutcomes(deps.log, counts, async (object): Promise<RedriveOutcome> => {
    const id = parseFileId(object.name);
    const current = id && (await deps.records.get(id));
    return current ? redriveFailed(deps, current, object) : 'unknown';
  });
  const next = await walk({ bucket: deps.unscanned, prefix: '', stop, visit });
  return { ...counts, complete: next === undefined };
}

async function redriveFailed(
  deps: SweeperDeps,
  current: Versioned,
  object: StoredObject | undefined,
): Promise<RedriveOutcome> {
  if (current.record.state !== 'failed') return 'notFailed';
  if (!object) return 'sourceGone';
  return (await redrive(deps, { ...current, record: current.record }, object)) ? 'redriven' : 'conflict';
}
