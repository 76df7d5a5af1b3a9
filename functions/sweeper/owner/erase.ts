import { type FileId, parseFileId } from '../../../shared/files/file-id.ts';
import { removeParts } from '../../../shared/files/parts.ts';
import { RECORDS_PREFIX, type RecordObjects } from '../../../shared/files/records.ts';
import { isLiveReference } from '../../../shared/files/references.ts';
import { idIn, sharedPrefix } from '../../../shared/files/shared-files.ts';
import { withdraw } from '../../../shared/files/withdraw.ts';
import type { Principal } from '../../../shared/identity/principal.ts';
import type { Bucket } from '../../../shared/storage/bucket.ts';
import { deleteUnlessHeld } from '../../../shared/storage/delete-unless-held.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';
import type { CollectorDeps } from '../collector.ts';
import { type Counts, countOutcomes } from '../count-outcomes.ts';
import { erasedName } from '../recovery/erased.ts';
import { visitSideBySide } from '../side-by-side.ts';
import { type SweepTerms, stopAfter } from '../sweep-terms.ts';
import { hasWaited } from '../sweeper.ts';
import { reconcileUnused } from '../unused.ts';
import { entriesOf, grantsTo, type HoldingsDeps, ownKeys, receiptsBy } from './holdings.ts';
import { type OwnFile, ownFiles } from './own-files.ts';
import { quarantinedContents } from './quarantined-contents.ts';

/** Steps of one file, each a write of its record: more are a race that somebody else wins. */
const MOST_STEPS = 20;

export type EraseDeps = HoldingsDeps & CollectorDeps;

interface EraseOrder {
  readonly principal: Principal;
  /** Whether files go that a resource refers to: somebody may be bound to keep them. */
  readonly referenced: boolean;
}

type EraseOutcome =
  | 'erased'
  /** A resource refers to the file, and the order does not say that it goes anyway. */
  | 'referenced'
  /** A retention policy or a hold keeps it. */
  | 'kept'
  /** Somebody else is at work on it. */
  | 'conflict';

export interface EraseReport {
  readonly files: Readonly<Counts<EraseOutcome>>;
  /** Grants, entries, keys, receipts and contents in quarantine, each. */
  readonly others: Readonly<Counts<EraseOutcome>>;
  /** False where the time was up first: the same call again goes on. */
  readonly complete: boolean;
}

/**
 * Erases a principal: their files with all that belongs to them, and what others' files say of them. A file goes as a deletion by its owner and
 * the collections after it make it go, without the wait for its tombstone, so that every proof of those holds; its content goes with the
 * next collection, unless another file has it. Again is fine, and continues what died. docs/adr/0049-erasure.md
 * @throws {StorageError} where the buckets cannot be listed
 */
export async function erase(deps: EraseDeps, order: EraseOrder, terms: SweepTerms): Promise<EraseReport> {
  const stop = stopAfter(terms);
  const { principal } = order;
  const report = { files: {} as Counts<EraseOutcome>, others: {} as Counts<EraseOutcome> };
  await mark(deps, principal);
  const file = countOutcomes<EraseOutcome, OwnFile>(deps.log, report.files, (own) =>
    eraseFile(deps, order, own),
  );
  const grant = countOutcomes<EraseOutcome, RecordObjects>(deps.log, report.others, (objects) =>
    revoke(deps, principal, objects),
  );
  const other = countOutcomes<EraseOutcome, StoredObject>(deps.log, report.others, (object) =>
    eraseBeside(deps, principal, object),
  );
  await eraseQuarantined(deps, order, report.others);
  // Grants before what else is indexed: an entry goes with its grant.
  const complete =
    (await visitSideBySide(ownFiles(deps, principal), file, stop)) === undefined &&
    (await visitSideBySide(grantsTo(deps, principal), grant, stop)) === undefined &&
    (await visitSideBySide(beside(deps, principal), other, stop)) === undefined;
  return { ...report, complete };
}

/** A restore brings back nothing that the principal had before. */
async function mark({ permanent, now }: EraseDeps, principal: Principal): Promise<void> {
  const at = now();
  const name = erasedName(principal, at);
  const metadata = { at: at.toISOString() };
  if (await permanent.insertEmpty(name, { metadata })) return;
  // It was erased on this day already, or at this moment by somebody else: the later time counts.
  const there = await permanent.stat(name);
  if (there) await permanent.patch(name, there, metadata);
}

/** Erases contents in quarantine: before the files, whose records alone lead to them. A failure ends the call. */
async function eraseQuarantined(
  deps: EraseDeps,
  order: EraseOrder,
  counts: Counts<EraseOutcome>,
): Promise<void> {
  const { quarantine } = deps;
  if (!quarantine) return;
  for (const object of await quarantinedContents(deps, order)) {
    const outcome = outcomeOf(await deleteUnlessHeld(quarantine, object));
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
}

/** Everything that says something of a principal, and is not named by a file of theirs. */
async function* beside(deps: EraseDeps, principal: Principal): AsyncGenerator<StoredObject, void, undefined> {
  yield* ownKeys(deps, principal);
  yield* entriesOf(deps, principal);
  yield* receiptsBy(deps, principal);
}

async function eraseBeside(
  deps: EraseDeps,
  principal: Principal,
  object: StoredObject,
): Promise<EraseOutcome> {
  const prefix = sharedPrefix(principal);
  const id = object.name.startsWith(prefix) ? idIn(object.name.slice(prefix.length)) : undefined;
  // A grant that has come meanwhile needs it.
  if (id && (await isGranted(deps, id, principal))) return 'conflict';
  return outcomeOf(await deleteUnlessHeld(deps.permanent, object));
}

async function isGranted({ records }: EraseDeps, id: FileId, viewer: Principal): Promise<boolean> {
  const record = (await records.get(id))?.record;
  return record?.viewers.some(({ principal }) => principal === viewer) === true;
}

async function revoke(
  { records, shared }: EraseDeps,
  viewer: Principal,
  { name }: RecordObjects,
): Promise<EraseOutcome> {
  const id = parseFileId(name.slice(RECORDS_PREFIX.length));
  if (!id) return 'conflict';
  for (let steps = 0; steps < MOST_STEPS; steps++) {
    const entry = await shared.find(viewer, id);
    const current = await records.get(id);
    const { record } = current ?? {};
    const changed = record && {
      ...record,
      viewers: record.viewers.filter(({ principal }) => principal !== viewer),
    };
    const isDone = !current || !changed || changed.viewers.length === record?.viewers.length;
    if (!isDone && !(await records.replace(current, changed))) continue;
    if (entry) await shared.remove(entry);
    return 'erased';
  }
  return 'conflict';
}

async function eraseFile(deps: EraseDeps, order: EraseOrder, own: OwnFile): Promise<EraseOutcome> {
  const { id, file, upload, references } = own;
  // Its record may be on its way, and then its client is told that the file was accepted.
  if (!file && upload && !hasWaited(deps, upload.timeCreated)) return 'conflict';
  if (references.some(isLiveReference)) {
    if (!order.referenced) return 'referenced';
    for (const reference of references) await removeReference(deps, reference);
  }
  const purged = file ? await purge(deps, id) : 'erased';
  if (purged === 'referenced' || purged === 'conflict') return purged;
  // The bytes may go, even if a hold or a retention policy keeps the record.
  await removeParts(deps.unscanned, id);
  // Those of a file without a record, which nothing else would ever look for.
  const unrecorded = purged === 'erased' ? [own.verdict, own.accepted, ...references, ...own.receipts] : [];
  const left: readonly (readonly [Bucket | undefined, StoredObject | undefined])[] = [
    [deps.unscanned, upload],
    [deps.quarantine, own.quarantined],
    ...unrecorded.map((object) => [deps.permanent, object] as const),
  ];
  const outcomes: EraseOutcome[] = [purged];
  for (const [bucket, object] of left) {
    if (bucket && object) outcomes.push(outcomeOf(await deleteUnlessHeld(bucket, object)));
  }
  return outcomes.find((outcome) => outcome !== 'erased') ?? 'erased';
}

/** Marks it instead under a retention policy or a hold: it counts no more. */
async function removeReference({ permanent, now }: EraseDeps, reference: StoredObject): Promise<void> {
  if ((await deleteUnlessHeld(permanent, reference)) !== 'kept' || !isLiveReference(reference)) return;
  await permanent.patch(reference.name, reference, { removedAt: now().toISOString() });
}

/** Deletes a file, announces it and purges its record, one write after the other, as its owner and two collections do. */
async function purge(deps: EraseDeps, id: FileId): Promise<EraseOutcome> {
  for (let steps = 0; steps < MOST_STEPS; steps++) {
    const current = await deps.records.get(id);
    if (!current) return 'erased';
    const { record, object, verdict } = current;
    if (record.state === 'deleted' || record.state === 'expired') {
      const objects = { name: object.name, file: object, verdict };
      const outcome = await reconcileUnused({ ...deps, tombstoneMs: 0 }, objects, false);
      if (outcome === 'kept') return 'kept';
      continue;
    }
    if (record.state === 'uploading' && record.upload.kind === 'direct') {
      await deps.unscanned.cancelSession(record.upload.session);
    }
    if ((await withdraw(deps, current)) === 'referenced') return 'referenced';
  }
  return 'conflict';
}

function outcomeOf(released: Awaited<ReturnType<typeof deleteUnlessHeld>>): EraseOutcome {
  if (released === 'deleted') return 'erased';
  return released === 'kept' ? 'kept' : 'conflict';
}
