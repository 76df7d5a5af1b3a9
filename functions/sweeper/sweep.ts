import { RECORDS_PREFIX, type RecordObjects } from '../../shared/files/records.ts';
import { SHARED_PREFIX } from '../../shared/files/shared-files.ts';
import { type RecordOutcome, reconcileRecord } from './abandoned.ts';
import { countOutcomes } from './count-outcomes.ts';
import { resume } from './cursor.ts';
import { type GrantOutcome, reconcileGrant } from './grants.ts';
import type { SweeperDeps } from './sweeper.ts';
import { PENDING, reconcileWaiting, type WaitingOutcome } from './waiting.ts';
import { walk } from './walk.ts';

/** Share of the available time: what waits comes first, and leaves some to the records. */
const WAITING_SHARE = 0.75;
/** Share of the available time at which the records leave the rest to the grants. */
const RECORDS_SHARE = 0.95;

export interface SweepTerms {
  /** Milliseconds after which nothing more is begun. */
  readonly budgetMs: number;
  /** The process is about to end: nothing more is begun. */
  readonly stopping: () => boolean;
}

/** Outcomes of the objects that were looked at, counted. */
export interface SweepReport {
  readonly unscanned: Readonly<Partial<Record<WaitingOutcome | 'error', number>>>;
  readonly records: Readonly<Partial<Record<RecordOutcome | 'error', number>>>;
  readonly grants: Readonly<Partial<Record<GrantOutcome | 'error', number>>>;
  /** Age of the oldest object seen that waits for a verdict, 0 where none does. */
  readonly oldestPendingSeconds: number;
  /** False where the time was up first: the next sweep goes on from there. */
  readonly complete: { readonly unscanned: boolean; readonly records: boolean; readonly grants: boolean };
}

/**
 * Finds what no event leads to an end any more, and leads it there. Safe to run twice, beside itself and beside
 * everything else: every write is a compare-and-swap, every repeat does nothing or says the same.
 * @throws {StorageError} where the buckets cannot be listed
 */
export async function sweep(deps: SweeperDeps, { budgetMs, stopping }: SweepTerms): Promise<SweepReport> {
  const start = performance.now();
  const after = (ms: number) => () => stopping() || performance.now() - start >= ms;
  const waiting = await sweepUnscanned(deps, after(budgetMs * WAITING_SHARE));
  const listed = await sweepRecords(deps, after(budgetMs * RECORDS_SHARE));
  const granted = await sweepGrants(deps, after(budgetMs));
  return {
    unscanned: waiting.counts,
    records: listed.counts,
    grants: granted.counts,
    oldestPendingSeconds: Math.round(waiting.oldestMs / 1000),
    complete: { unscanned: waiting.complete, records: listed.complete, grants: granted.complete },
  };
}

async function sweepUnscanned(deps: SweeperDeps, stop: () => boolean) {
  const counts: Partial<Record<WaitingOutcome | 'error', number>> = {};
  const allowance = { redrives: deps.redrivesPerSweep };
  let oldestMs = 0;
  const visit = countOutcomes(deps.log, counts, async (object): Promise<WaitingOutcome> => {
    const outcome = await reconcileWaiting(deps, object, allowance);
    const age = deps.now().getTime() - object.timeCreated.getTime();
    if (PENDING.has(outcome)) oldestMs = Math.max(oldestMs, age);
    return outcome;
  });
  const complete = await resume(deps.permanent, 'sweeper/unscanned', ({ from }) =>
    walk({ bucket: deps.unscanned, prefix: '', from, stop, visit }),
  );
  return { counts, oldestMs, complete };
}

async function sweepRecords(deps: SweeperDeps, stop: () => boolean) {
  const counts: Partial<Record<RecordOutcome | 'error', number>> = {};
  const visit = countOutcomes(deps.log, counts, (objects: RecordObjects) => reconcileRecord(deps, objects));
  const complete = await resume(deps.permanent, 'sweeper/records', ({ from }) =>
    walk({ bucket: deps.records, prefix: RECORDS_PREFIX, from, stop, visit }),
  );
  return { counts, complete };
}

async function sweepGrants(deps: SweeperDeps, stop: () => boolean) {
  const counts: Partial<Record<GrantOutcome | 'error', number>> = {};
  const visit = countOutcomes(deps.log, counts, (object) => reconcileGrant(deps, object));
  const complete = await resume(deps.permanent, 'sweeper/grants', ({ from }) =>
    walk({ bucket: deps.permanent, prefix: SHARED_PREFIX, from, stop, visit }),
  );
  return { counts, complete };
}
