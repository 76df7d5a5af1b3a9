import { RECORDS_PREFIX } from '../../shared/files/records.ts';
import { SHARED_PREFIX } from '../../shared/files/shared-files.ts';
import { type RecordOutcome, reconcileRecord } from './abandoned.ts';
import type { Counts } from './count-outcomes.ts';
import { resumeWalk } from './cursor.ts';
import { type GrantOutcome, reconcileGrant } from './grants.ts';
import { type SweepTerms, stopAfter } from './sweep-terms.ts';
import type { SweeperDeps } from './sweeper.ts';
import { PENDING, reconcileWaiting, type WaitingOutcome } from './waiting.ts';

/** Share of the available time for waiting objects, which come first; the rest is for the records. */
const WAITING_SHARE = 0.75;
/** Share of the available time at which the records leave the rest to the grants. */
const RECORDS_SHARE = 0.95;

/** Outcomes of the objects that were looked at, counted. */
export interface SweepReport {
  readonly unscanned: Readonly<Counts<WaitingOutcome>>;
  readonly records: Readonly<Counts<RecordOutcome>>;
  readonly grants: Readonly<Counts<GrantOutcome>>;
  /** Age of the oldest object seen that waits for a verdict; 0 if there is none. */
  readonly oldestPendingSeconds: number;
  /** False if the time ran out first: the next sweep continues from there. */
  readonly complete: { readonly unscanned: boolean; readonly records: boolean; readonly grants: boolean };
}

/**
 * Finishes whatever events did not. Safe to repeat, and to run concurrently with itself and everything else: every
 * write is a compare-and-swap, and a repeat does nothing or publishes the same event.
 * @throws {StorageError} where the buckets cannot be listed
 */
export async function sweep(deps: SweeperDeps, terms: SweepTerms): Promise<SweepReport> {
  const [isWaitingOver, areRecordsOver] = [stopAfter(terms, WAITING_SHARE), stopAfter(terms, RECORDS_SHARE)];
  const isOver = stopAfter(terms);
  const allowance = { redrives: deps.redrivesPerSweep };
  let oldestMs = 0;
  const unscanned = await resumeWalk(deps, 'sweeper/unscanned', {
    bucket: deps.unscanned,
    prefix: '',
    stop: isWaitingOver,
    visit: async (object) => {
      const outcome = await reconcileWaiting(deps, object, allowance);
      const age = deps.now().getTime() - object.timeCreated.getTime();
      if (PENDING.has(outcome)) oldestMs = Math.max(oldestMs, age);
      return outcome;
    },
  });
  const records = await resumeWalk(deps, 'sweeper/records', {
    bucket: deps.records,
    prefix: RECORDS_PREFIX,
    stop: areRecordsOver,
    visit: (objects) => reconcileRecord(deps, objects),
  });
  const grants = await resumeWalk(deps, 'sweeper/grants', {
    bucket: deps.permanent,
    prefix: SHARED_PREFIX,
    stop: isOver,
    visit: (object) => reconcileGrant(deps, object),
  });
  return {
    unscanned: unscanned.counts,
    records: records.counts,
    grants: grants.counts,
    oldestPendingSeconds: Math.round(oldestMs / 1000),
    complete: { unscanned: unscanned.complete, records: records.complete, grants: grants.complete },
  };
}
