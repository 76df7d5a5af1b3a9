import { parseTime } from '../../shared/files/fields.ts';
import { RECORDS_PREFIX, type RecordObjects } from '../../shared/files/records.ts';
import type { Principal } from '../../shared/identity/principal.ts';
import { deleteUnlessHeld, isKept } from '../../shared/storage/delete-unless-held.ts';
import type { CollectorDeps } from './collector.ts';
import { type Counts, countOutcomes } from './count-outcomes.ts';
import { resume, resumeWalk } from './cursor.ts';
import { type ClaimOutcome, Cycle, type GarbageOutcome } from './cycle.ts';
import { digestsOf } from './digests-of.ts';
import { idOf, referencesOfPage } from './page-references.ts';
import { type SweepTerms, stopAfter } from './sweep-terms.ts';
import { type CollectOutcome, reconcileUnused } from './unused.ts';
import { walk } from './walk.ts';

/** How long an idempotency key is kept. */
const IDEMPOTENCY_MS = 86_400_000;
/** Share of the available time for keys; the rest is for records and blobs. */
const IDEMPOTENCY_SHARE = 0.1;

/** States in which a file does not use a blob, and cannot start to without looking it up again. */
const WITHOUT_BLOB: ReadonlySet<string | undefined> = new Set([
  'infected',
  'unscannable',
  'failed',
  'expired',
  'deleted',
]);

/** Number of objects by outcome. */
export interface CollectReport {
  readonly records: Readonly<Counts<CollectOutcome>>;
  readonly candidates: Readonly<Counts<ClaimOutcome>>;
  readonly blobs: Readonly<Counts<GarbageOutcome>>;
  readonly idempotencyKeys: Readonly<Counts<'young' | 'deleted' | 'kept' | 'changed'>>;
  /** False if the time ran out first: the next collection continues from there. */
  readonly complete: { readonly records: boolean; readonly idempotencyKeys: boolean };
}

/**
 * Deletes unneeded objects: files without references, blobs that no file uses, tombstones, idempotency keys. Safe to
 * repeat, and to run concurrently with itself and everything else. docs/adr/0009-collection.md
 * @throws {StorageError} where the buckets cannot be listed, or a file could not say what it uses: nothing was deleted
 *   for that, and the next collection begins where this one did
 */
export async function collect(deps: CollectorDeps, terms: SweepTerms): Promise<CollectReport> {
  const isOver = stopAfter(terms);
  const keys = await collectKeys(deps, stopAfter(terms, IDEMPOTENCY_SHARE));
  const cycle = await collectCycle(deps, isOver);
  return {
    ...cycle.counts,
    idempotencyKeys: keys.counts,
    complete: { records: cycle.complete, idempotencyKeys: keys.complete },
  };
}

async function collectCycle(deps: CollectorDeps, stop: () => boolean) {
  const { permanent } = deps;
  const counts = {
    records: {} as Counts<CollectOutcome>,
    candidates: {} as Counts<ClaimOutcome>,
    blobs: {} as Counts<GarbageOutcome>,
  };
  const complete = await resume(permanent, 'sweeper/collect', async ({ cycle: id, from, asked }) => {
    const cycle = id ? await Cycle.resume(deps, id) : await Cycle.begin(deps, stop, counts.candidates);
    const next = asked ? undefined : await askRecords(deps, cycle, from, stop, counts);
    if (cycle.failure !== undefined) {
      throw new Error('a file could not say which blob it uses', { cause: cycle.failure });
    }
    if (next) return { cycle: cycle.id, ...next };
    await cycle.deleteGarbage(stop, counts.blobs);
    return stop() ? { cycle: cycle.id, asked: 'true' } : undefined;
  });
  return { counts, complete };
}

/** @returns where to continue, undefined once all records have been read */
async function askRecords(
  deps: CollectorDeps,
  cycle: Cycle,
  from: string | undefined,
  stop: () => boolean,
  counts: { records: Counts<CollectOutcome> },
): Promise<{ readonly from: string } | undefined> {
  const { permanent, records, log, now } = deps;
  let referenced: ReadonlySet<string> = new Set();
  const visit = countOutcomes(
    log,
    counts.records,
    async (objects: RecordObjects): Promise<CollectOutcome> => {
      await markLive(cycle, objects);
      return reconcileUnused(deps, objects, referenced.has(idOf(objects)));
    },
  );
  return walk({
    bucket: records,
    prefix: RECORDS_PREFIX,
    from,
    stop: () => cycle.failure !== undefined || stop(),
    page: async (page) => {
      referenced = await referencesOfPage(permanent, page, now());
    },
    visit,
  });
}

/** Decides from the raw metadata: a record that does not parse still uses the blobs it names. */
async function markLive(cycle: Cycle, { file, verdict }: RecordObjects): Promise<void> {
  if ([file, verdict].some((object) => WITHOUT_BLOB.has(object?.metadata['state']))) return;
  const owner = (file.metadata['owner'] ?? '') as Principal;
  for (const sha256 of digestsOf({ file, verdict })) await cycle.markLive({ owner, sha256 });
}

function collectKeys({ permanent, log, now }: CollectorDeps, stop: () => boolean) {
  return resumeWalk({ permanent, log }, 'sweeper/idempotency', {
    bucket: permanent,
    prefix: 'idempotency/',
    stop,
    visit: async (object) => {
      // A key that was taken over is an old object with a newer claim.
      const since = parseTime(object.metadata['claimedAt'] ?? '') ?? object.timeCreated;
      if (now().getTime() - since.getTime() < IDEMPOTENCY_MS) return 'young';
      return isKept(object, now()) ? 'kept' : deleteUnlessHeld(permanent, object);
    },
  });
}
