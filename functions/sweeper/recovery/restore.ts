import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import { BLOBS_PREFIX, keyOf } from '../../../shared/files/blob-name.ts';
import { CANDIDATES_PREFIX, candidateName } from '../../../shared/files/candidates.ts';
import { parseTime } from '../../../shared/files/fields.ts';
import { type FileId, ownerTag, parseFileId } from '../../../shared/files/file-id.ts';
import { FINDINGS_PREFIX } from '../../../shared/files/findings.ts';
import { RECALLS_PREFIX } from '../../../shared/files/recalls.ts';
import { invalidRequest, Problem } from '../../../shared/http/problems.ts';
import { parsePrincipal } from '../../../shared/identity/principal.ts';
import { allObjects } from '../../../shared/storage/page.ts';
import { ID_RANGES, idsBeginning } from '../by-file.ts';
import { type Counts, countOutcomes } from '../count-outcomes.ts';
import type { Archive, Chain } from '../exporter/archive.ts';
import { endOf } from '../exporter/archive.ts';
import { type Joined, joined } from '../exporter/joined.ts';
import { stateOf } from '../exporter/state.ts';
import { type Places, type Range, walkRanges } from '../ranges.ts';
import { Time } from '../routes.ts';
import { visitSideBySide } from '../side-by-side.ts';
import { type SweepTerms, stopAfter } from '../sweep-terms.ts';
import type { SweeperDeps } from '../sweeper.ts';
import { ERASED_PREFIX, Erased } from './erased.ts';
import { type Exports, type FileState, fileStates } from './file-states.ts';
import {
  type RestoreFileDeps,
  type RestoreFileTerms,
  type RestoreOutcome,
  restoreFile,
} from './restore-file.ts';

/** Files of each outcome that a report names. */
const EXAMPLES = 20;

/** The order of an operator. @see restore */
export const RestoreOrder = v.strictObject({
  scope: v.union([
    v.literal('all'),
    v.strictObject({ file: v.string() }),
    v.strictObject({ owner: v.string() }),
  ]),
  asOf: v.optional(Time),
  apply: v.optional(v.boolean(), false),
  overwrite: v.optional(v.boolean(), false),
  lost: v.optional(v.picklist(['leave', 'fail']), 'leave'),
  next: v.optional(v.record(v.string(), v.string()), {}),
});
type Order = v.InferOutput<typeof RestoreOrder>;

export interface RestoreDeps extends RestoreFileDeps, Pick<SweeperDeps, 'log'> {
  readonly archive: Archive;
}

export interface RestoreReport {
  /** When the export was whole that files are restored from, RFC 3339. */
  readonly asOf: string;
  /** The same of the newest, which findings and receipts are restored from. */
  readonly newest: string;
  /** False: nothing was written, and the numbers are what would be. */
  readonly applied: boolean;
  readonly files: Readonly<Counts<RestoreOutcome>>;
  /** Objects that no file has alone, by their prefix: what was not there. */
  readonly objects: Readonly<Record<string, number>>;
  readonly examples: readonly { readonly outcome: RestoreOutcome; readonly fileId: FileId }[];
  readonly complete: boolean;
  /** The order's `next`, to go on where the time was up. */
  readonly next?: Places;
}

interface Run extends RestoreFileTerms, Exports {
  readonly stop: () => boolean;
  readonly objects: Record<string, number>;
}

/**
 * Restores records from exports: what is not there, and only where `overwrite` says so what was written since. Knowledge of malware never
 * goes back in time: findings are those of the newest export, and come first. Again is fine, and completes what died.
 * docs/adr/0044-recovery.md
 * @throws {Problem} where there is no such export, file or owner; {StorageError}, {ArchiveDamaged}
 */
export async function restore(deps: RestoreDeps, order: Order, terms: SweepTerms): Promise<RestoreReport> {
  const stop = stopAfter(terms);
  const { permanent, archive } = deps;
  const { asOf: asOfId, newest: newestId, stage, ...places } = order.next;
  const newest = await chainOf(archive, newestId);
  const asOf = asOfId === undefined && !order.asOf ? newest : await chainOf(archive, asOfId, order.asOf);
  const run: Run = {
    ...{ archive, asOf, newest },
    apply: order.apply,
    overwrite: order.overwrite,
    lost: order.lost,
    erased: await Erased.load(permanent, archive, newest),
    stop,
    objects: {},
  };
  const files: Counts<RestoreOutcome> = {};
  const examples: { outcome: RestoreOutcome; fileId: FileId }[] = [];
  const report = (next?: Places): RestoreReport => ({
    asOf: endOf(asOf),
    newest: endOf(newest),
    applied: run.apply,
    files,
    objects: run.objects,
    examples,
    complete: next === undefined,
    ...(next && { next: { ...next, asOf: idOf(asOf), newest: idOf(newest) } }),
  });
  const ranges = rangesIn(order.scope);
  if (stage === undefined && !(await restoreKnowledge(deps, run))) return report({});
  if (stage === undefined || stage === 'files') {
    const visit = countOutcomes<RestoreOutcome, FileState>(deps.log, files, async (state) => {
      const { owner } = { owner: undefined, ...(order.scope !== 'all' && order.scope) };
      if (owner !== undefined && state.file?.metadata['owner'] !== owner) return 'unknown';
      const outcome = await restoreFile(deps, run, state);
      const isShown = examples.filter((example) => example.outcome === outcome).length < EXAMPLES;
      if (isShown) examples.push({ outcome, fileId: state.id });
      return outcome;
    });
    const next = await walkRanges(ranges, places, run.stop, async (range, isOver) => {
      const stopped = await visitSideBySide(fileStates(run, permanent, range), visit, isOver);
      return stopped && { from: stopped.id };
    });
    if (next) return report({ ...next, stage: 'files' });
  }
  if (order.scope === 'all' && !(await restoreRest(deps, run))) return report({ stage: 'rest' });
  return report();
}

function idOf(chain: Chain): string {
  return (chain.at(-1) ?? chain[0]).id;
}

async function chainOf(archive: Archive, id?: string, at?: Date): Promise<Chain> {
  const chain = id === undefined ? await archive.latest(at) : await archive.chain(id);
  if (chain) return chain;
  throw new Problem('not-found', { detail: 'There is no export that was whole by then.' });
}

/** @throws {Problem} */
function rangesIn(scope: Order['scope']): readonly Range[] {
  if (scope === 'all') return ID_RANGES;
  if ('file' in scope) {
    const id = parseFileId(scope.file);
    if (!id) throw new Problem('not-found');
    return [idsBeginning(id)];
  }
  const owner = parsePrincipal(scope.owner);
  if (!owner) throw invalidRequest('owner should be a principal.');
  return [idsBeginning(ownerTag(owner))];
}

/** Restores erasures, findings and recalls. @returns false where the time was up first */
async function restoreKnowledge(deps: RestoreDeps, run: Run): Promise<boolean> {
  const asItWas = ({ before }: Joined) => before?.metadata;
  if (!(await restoreAll(deps, run, ERASED_PREFIX, asItWas))) return false;
  if (!(await restoreAll(deps, run, FINDINGS_PREFIX, asItWas))) return false;
  // As if it had just been opened: the place of the walk that had claimed it is gone.
  return restoreAll(deps, run, RECALLS_PREFIX, ({ before }) =>
    before?.metadata['done'] === undefined ? { opened: randomUUID() } : undefined,
  );
}

/** Keys of uploads, and the work of the collection: whatever has no file now is looked at. @returns false where the time was up first */
async function restoreRest(deps: RestoreDeps, run: Run): Promise<boolean> {
  const keys = restoreAll(deps, run, 'idempotency/', ({ before }) => {
    const { fileId = '', claimedAt = '' }: Readonly<Record<string, string>> = before?.metadata ?? {};
    const id = parseFileId(fileId);
    return id && run.erased.sinceOfFile(id, parseTime(claimedAt)) ? undefined : before?.metadata;
  });
  if (!(await keys)) return false;
  if (!(await restoreAll(deps, run, CANDIDATES_PREFIX, () => ({})))) return false;
  const { archive, asOf } = run;
  const blobs = joined(
    stateOf(archive.bucket, asOf, BLOBS_PREFIX),
    allObjects(deps.permanent, { prefix: BLOBS_PREFIX }),
  );
  // The record of a content that came after the export is lost, and nothing else would ever ask whether one needs it.
  return visitMissing(deps, run, CANDIDATES_PREFIX, blobs, ({ before, now }) =>
    now && !before ? { name: candidateName(keyOf(now.name)), metadata: {} } : undefined,
  );
}

function restoreAll(
  deps: RestoreDeps,
  run: Run,
  prefix: string,
  metadataOf: (pair: Joined) => Readonly<Record<string, string>> | undefined,
): Promise<boolean> {
  const { archive, newest } = run;
  const pairs = joined(stateOf(archive.bucket, newest, prefix), allObjects(deps.permanent, { prefix }));
  return visitMissing(deps, run, prefix, pairs, (pair) => {
    const metadata = pair.before && !pair.now ? metadataOf(pair) : undefined;
    return pair.before && metadata && { name: pair.before.name, metadata };
  });
}

/** Inserts what is not there. @returns false where the time was up first @throws {StorageError} */
async function visitMissing(
  { permanent }: RestoreDeps,
  { apply, stop, objects }: Run,
  prefix: string,
  pairs: AsyncGenerator<Joined, void, undefined>,
  pick: (pair: Joined) => { name: string; metadata: Readonly<Record<string, string>> } | undefined,
): Promise<boolean> {
  const visit = async (pair: Joined): Promise<void> => {
    const missing = pick(pair);
    if (!missing) return;
    const { name, metadata } = missing;
    if (!apply || (await permanent.insertEmpty(name, { metadata })))
      objects[prefix] = (objects[prefix] ?? 0) + 1;
  };
  return (await visitSideBySide(pairs, visit, stop)) === undefined;
}
