import { randomUUID } from 'node:crypto';
import { defined } from '../../../shared/runtime/defined.ts';
import type { Bucket } from '../../../shared/storage/bucket.ts';
import { allObjects } from '../../../shared/storage/page.ts';
import { HEX_DIGITS, ID_DIGITS, type Range, rangesOf } from '../ranges.ts';
import { visitSideBySide } from '../side-by-side.ts';
import { type SweepTerms, stopAfter } from '../sweep-terms.ts';
import type { SweeperDeps } from '../sweeper.ts';
import type { Archive, Chain, ExportedRange, Manifest, Unfinished } from './archive.ts';
import { type ArchivedObject, type ArchiveLine, archived, compareNames, isUnchanged } from './archived.ts';
import { joined } from './joined.ts';
import { ArchiveDamaged, writePart } from './part.ts';
import { stateOfRange } from './state.ts';

/** Ranges that are written at a time; each has a page, and a few blocks and chunks, in memory. */
const AT_A_TIME = 4;
/** An export that was begun before is older than its name says, and is not continued. */
const CONTINUED_MS = 20 * 3_600_000;

/** All names, in ranges: those that are many are cut further. A name that nobody thought of is in one of them as well. */
const RANGES: readonly Range[] = (() => {
  const starts = [
    '',
    ...['files/', 'verdicts/'].flatMap((prefix) => rangesOf(prefix, ID_DIGITS, 8)),
    ...['receipts/', 'references/'].flatMap((prefix) => rangesOf(prefix, ID_DIGITS, 4)),
    ...['blobs/sha256/', 'shared/'].flatMap((prefix) => rangesOf(prefix, HEX_DIGITS, 4)),
  ]
    .map((start) => (typeof start === 'string' ? start : start.from))
    .sort(compareNames);
  return starts.map((from, at) => ({ from, to: starts[at + 1] }));
})();

/** Places at which duties were stopped, and whose the buckets are: a restore begins anew. */
const LEFT_OUT = ['auditor/', 'deployment/', 'sweeper/'];

export interface ExportDeps extends Pick<SweeperDeps, 'permanent' | 'now' | 'log'> {
  readonly archive: Archive;
  /** Exports that build on one that has everything, itself included. */
  readonly fullEvery: number;
}

export interface ExportReport {
  /** When it began, RFC 3339. */
  readonly id: string;
  readonly kind: 'full' | 'increment';
  /** Objects that there are. */
  readonly objects: number;
  /** Objects that are new or have changed, and those that are gone. */
  readonly written: number;
  readonly gone: number;
  /** Compressed. */
  readonly bytes: number;
  /** False where the time was up first: the next call continues it. */
  readonly complete: boolean;
}

/** Thrown into a part that is being written when the time is up. */
class Stopped extends Error {}

/**
 * Exports the metadata of every object in the permanent bucket, or what changed since the last export: the listing is held against what
 * that one has, name by name, so that a deletion shows as well. The manifest comes last; a crash anywhere before it leaves an export
 * that the next call continues. docs/adr/0044-recovery.md
 * @throws {StorageError}
 */
export async function exportRecords(deps: ExportDeps, terms: SweepTerms): Promise<ExportReport> {
  const stop = stopAfter(terms);
  try {
    return await proceed(deps, await open(deps), stop);
  } catch (error) {
    // One that builds on it is worth nothing: the next one has everything.
    if (!(error instanceof ArchiveDamaged)) throw error;
    deps.log.error({ err: error }, 'export is damaged');
    return proceed(deps, await begin(deps, undefined), stop);
  }
}

async function proceed(deps: ExportDeps, unfinished: Unfinished, stop: () => boolean): Promise<ExportReport> {
  const { id, base } = unfinished;
  const ranges = RANGES.map((_, at) => unfinished.done.get(at));
  const write = async ([at, range]: [number, Range], hasFailed: () => boolean): Promise<void> => {
    ranges[at] ??= await writeRange(deps, unfinished, { at, ...range }, () => hasFailed() || stop());
  };
  await visitSideBySide(RANGES.entries(), write, stop, AT_A_TIME);
  const done = ranges.filter((range) => range !== undefined);
  const complete = done.length === RANGES.length;
  if (complete) await deps.archive.complete(manifestOf(unfinished, done, deps.now()));
  return { id, kind: base ? 'increment' : 'full', ...summed(done), complete };
}

function manifestOf({ id, base }: Unfinished, ranges: ExportedRange[], ended: Date): Manifest {
  const newest = base?.at(-1);
  return { version: 1, id, ...defined({ base: newest?.id }), ended: ended.toISOString(), ranges };
}

function summed(ranges: readonly ExportedRange[]) {
  const sum = (of: (range: ExportedRange) => number) => ranges.reduce((all, range) => all + of(range), 0);
  return {
    objects: sum(({ objects }) => objects),
    written: sum(({ written }) => written),
    gone: sum(({ gone }) => gone),
    bytes: sum(({ part }) => part?.size ?? 0),
  };
}

/** The export that a call before has not finished, or another one. */
async function open(deps: ExportDeps): Promise<Unfinished> {
  const { archive, fullEvery, now } = deps;
  const [last] = await archive.begun();
  if (last && !(await archive.chain(last.id)) && now().getTime() - Date.parse(last.id) < CONTINUED_MS) {
    const base = last.base === undefined ? undefined : await archive.chain(last.base);
    if (base || last.base === undefined) return { id: last.id, base, done: await archive.progress(last.id) };
  }
  const latest = await archive.latest();
  return begin(deps, latest && latest.length < fullEvery && hasOurRanges(latest) ? latest : undefined);
}

async function begin({ archive, now }: ExportDeps, base: Chain | undefined): Promise<Unfinished> {
  const id = now().toISOString();
  if (!(await archive.begin(id, base?.at(-1)?.id))) throw new Error(`export ${id} was begun just now`);
  return { id, base, done: new Map() };
}

/** Exports of another version may be cut elsewhere. */
function hasOurRanges([{ ranges }]: Chain): boolean {
  return (
    ranges.length === RANGES.length &&
    ranges.every(({ from, to }, at) => from === RANGES[at]?.from && to === RANGES[at]?.to)
  );
}

/** @returns undefined where the time was up first */
async function writeRange(
  { permanent, archive }: ExportDeps,
  { id, base }: Unfinished,
  { at, ...range }: Range & { readonly at: number },
  stop: () => boolean,
): Promise<ExportedRange | undefined> {
  const counts = { objects: 0, written: 0, gone: 0 };
  const before = base ? stateOfRange(archive.bucket, base, at) : nothing();
  const all = changes(permanent, { ...range, before });
  async function* changed(): AsyncGenerator<ArchiveLine, void, undefined> {
    for await (const line of all) {
      if (stop()) throw new Stopped();
      if (line === 'unchanged' || !('gone' in line)) counts.objects++;
      if (line === 'unchanged') continue;
      counts['gone' in line ? 'gone' : 'written']++;
      yield line;
    }
  }
  const lines = changed();
  try {
    const first = await lines.next();
    const name = `parts/${id}/${String(at).padStart(4, '0')}-${randomUUID()}.ndjson.gz`;
    const part = first.value && (await writePart(archive.bucket, name, withFirst(first.value, lines)));
    return await archive.note(id, at, { ...range, ...counts, ...(part && { part }) });
  } catch (error) {
    if (error instanceof Stopped) return undefined;
    throw error;
  } finally {
    await lines.return();
  }
}

async function* withFirst<Item>(
  first: Item,
  rest: AsyncIterable<Item>,
): AsyncGenerator<Item, void, undefined> {
  yield first;
  yield* rest;
}

/** The changes in a range of names: both sides are in the order of names, and a page of each is in memory. */
async function* changes(
  permanent: Bucket,
  { from, to, before }: Range & { readonly before: AsyncGenerator<ArchivedObject, void, undefined> },
): AsyncGenerator<ArchiveLine | 'unchanged', void, undefined> {
  const listing = allObjects(permanent, { prefix: '', startOffset: from, endOffset: to });
  for await (const { before: old, now } of joined(before, listing)) {
    if (now && LEFT_OUT.some((prefix) => now.name.startsWith(prefix))) continue;
    if (now) yield old && isUnchanged(old, now) ? 'unchanged' : archived(now);
    else if (old) yield { name: old.name, gone: true };
  }
}

async function* nothing(): AsyncGenerator<never, void, undefined> {}
