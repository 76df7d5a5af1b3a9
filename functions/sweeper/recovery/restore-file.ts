import { isDeepStrictEqual } from 'node:util';
import type { Blobs } from '../../../shared/files/blobs.ts';
import { asOf, withEnd } from '../../../shared/files/ends.ts';
import { type Metadata, parseTime } from '../../../shared/files/fields.ts';
import { verdictMetadata } from '../../../shared/files/metadata.ts';
import { isReadable } from '../../../shared/files/readable.ts';
import type { FileRecord } from '../../../shared/files/record.ts';
import { fileAfter, RECORDS_PREFIX, VERDICTS_PREFIX } from '../../../shared/files/records.ts';
import { isLiveReference } from '../../../shared/files/references.ts';
import { isRemoved } from '../../../shared/files/shared-files.ts';
import { readableViewers } from '../../../shared/files/viewers.ts';
import { markReferenced, markUnreferenced } from '../../../shared/files/withdraw.ts';
import { isLive, type Viewer } from '../../../shared/identity/caller.ts';
import { defined } from '../../../shared/runtime/defined.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';
import { putMetadata } from '../../../shared/storage/put-metadata.ts';
import type { ArchivedObject } from '../exporter/archived.ts';
import { parsedRecord } from '../parsed-record.ts';
import type { SweeperDeps } from '../sweeper.ts';
import type { Erased } from './erased.ts';
import { type FileState, withDeletion } from './file-states.ts';
import { storedContent } from './stored-content.ts';

export interface RestoreFileDeps
  extends Pick<SweeperDeps, 'permanent' | 'unscanned' | 'findings' | 'shared' | 'now'> {
  readonly blobs: Blobs;
}

export interface RestoreFileTerms {
  /** False: nothing is written, and the outcomes are what would be. */
  readonly apply: boolean;
  /** Whether what has been written since is replaced. */
  readonly overwrite: boolean;
  /** The fate of a file that may be read and whose content is not there. */
  readonly lost: 'leave' | 'fail';
  readonly erased: Erased;
}

export type RestoreOutcome =
  /** It was not there, or not whole. */
  | 'restored'
  /** It was there as something else. */
  | 'overwritten'
  | 'unchanged'
  /** It was written since, and stays. */
  | 'newer'
  /** Restored, and about to be recalled: there is a finding for its content. */
  | 'infected'
  /** Its content is not there, or the bytes that waited for a scan: left out. */
  | 'contentMissing'
  /** Its content is not there: restored as failed. */
  | 'failed'
  /** Its owner was erased since. */
  | 'erased'
  /** Its metadata does not parse. */
  | 'corrupt'
  /** The export has no such file. */
  | 'unknown'
  /** Somebody else is at work on it. */
  | 'conflict';

/** How an object gets there; undefined where what is there stays. */
type Write = { readonly over: StoredObject | undefined } | undefined;

/** A scanner or an operator said so later than any export: no restore takes it back. */
const STANDING: ReadonlySet<string | undefined> = new Set(['infected', 'unscannable']);
/**
 * Brings one file back as an export has it. The verdict comes before the file, which nobody finds until then, and what both rely on before
 * them: a crash between two writes leaves a file that the same restore completes. docs/adr/0044-recovery.md
 * @throws {StorageError}
 */
export async function restoreFile(
  deps: RestoreFileDeps,
  terms: RestoreFileTerms,
  exported: FileState,
): Promise<RestoreOutcome> {
  const state = terms.overwrite ? exported : withDeletion(exported);
  const { id, file, verdict, live } = state;
  if (!file) return 'unknown';
  const { owner = '', createdAt = '' } = file.metadata;
  const isErased = terms.erased.since(owner, parseTime(createdAt)) && !terms.erased.hasLeft(exported.latest);
  if (isErased) return 'erased';
  // Nobody brings a file back that has reached its end, not even by an order to replace what was written since.
  const overwrite = terms.overwrite && !hasEnded(state, deps.now());
  const writes = {
    file: writeOf(file, live.file, overwrite),
    verdict: verdict && writeOf(verdict, live.verdict, overwrite, STANDING),
  };
  const said = {
    file: (writes.file ? file : live.file)?.metadata ?? {},
    verdict: (writes.verdict ? verdict : live.verdict)?.metadata,
  };
  const before = parsedRecord(id, said.file, said.verdict);
  if (!before) return 'corrupt';
  const record = writes.file ? withLastEnd(before, state, deps.now()) : before;
  // A file that has reached its end is deleted, whether anybody wrote that down or not.
  const current = asOf(record, deps.now());
  const isMalware = isReadable(current) && (await deps.findings.get(current.content.sha256)) !== undefined;
  if (!writes.file && !writes.verdict) {
    // Where a restore died, the entries of viewers or the recall may be missing.
    if (terms.apply && !isOver(current)) await index(deps, current);
    if (terms.apply && isMalware) await deps.findings.recalls.open(current.content.sha256);
    const isSame = isLike(file, live.file) && (!verdict || isLike(verdict, live.verdict));
    return isSame ? 'unchanged' : 'newer';
  }
  const isLost = !isMalware && (await isWithoutBytes(deps, current, terms));
  if (isLost && !live.verdict) writes.verdict = { over: undefined };
  if (isLost && (terms.lost === 'leave' || !writes.verdict)) return 'contentMissing';
  if (terms.apply) {
    const written = await write(deps, terms, { state, writes, before, record, isLost });
    if (!written) return 'conflict';
    if (isMalware) await deps.findings.recalls.open(current.content.sha256);
  }
  if (isLost) return 'failed';
  if (isMalware) return 'infected';
  return writes.file?.over || writes.verdict?.over ? 'overwritten' : 'restored';
}

function writeOf(
  before: ArchivedObject,
  over: StoredObject | undefined,
  overwrite: boolean,
  standing?: ReadonlySet<string | undefined>,
): Write {
  if (!over) return { over };
  if (!overwrite || isLike(before, over) || standing?.has(over.metadata['state'])) return undefined;
  return { over };
}

function isLike(before: ArchivedObject, now: StoredObject | undefined): boolean {
  return isDeepStrictEqual(before.metadata, now?.metadata);
}

interface Writing {
  readonly state: FileState;
  readonly writes: { readonly file: Write; readonly verdict: Write };
  /** The record that was exported. */
  readonly before: FileRecord;
  /** The same with the end that it is to have. */
  readonly record: FileRecord;
  readonly isLost: boolean;
}

/** @returns false where somebody else wrote meanwhile */
async function write(
  deps: RestoreFileDeps,
  { erased }: RestoreFileTerms,
  { state, writes, before, record, isLost }: Writing,
): Promise<boolean> {
  const { permanent, now } = deps;
  const { id, file, verdict, references, receipts, latest, live } = state;
  const there = new Set(live.references.map(({ name }) => name));
  // An end and a reference exclude each other, and one beside an end is of an addition that died: docs/adr/0046-ends.md.
  const restored = record.expiresAt ? [] : references.filter(({ name }) => !there.has(name));
  for (const { name, metadata } of restored) await permanent.insertEmpty(name, { metadata });
  for (const { name, metadata } of receipts) {
    const isErased = erased.since(metadata['principal'] ?? '', parseTime(metadata['at'] ?? ''));
    if (!isErased) await permanent.insertEmpty(name, { metadata });
  }
  const isReferenced = !record.expiresAt && [...restored, ...live.references].some(isLiveReference);
  const changed = {
    ...(isReferenced ? markReferenced(record) : record),
    viewers: viewersOf(record, erased, writes.file && (writes.file.over ?? latest)),
  };
  if (!isOver(asOf(record, now()))) await index(deps, changed);
  const said = isLost ? lostMetadata(record, now()) : verdict?.metadata;
  if (writes.verdict && said) {
    if (!(await putMetadata(permanent, VERDICTS_PREFIX + id, writes.verdict.over, said))) return false;
  }
  if (!writes.file || !file) return true;
  const metadata = fileAfter({ record: before, object: file }, changed);
  return (await putMetadata(permanent, RECORDS_PREFIX + id, writes.file.over, metadata)) !== undefined;
}

/** Whether the bytes are gone that a file has to have. One that nobody was told of yet may have none. */
async function isWithoutBytes(
  { blobs, unscanned }: RestoreFileDeps,
  record: FileRecord,
  { apply }: RestoreFileTerms,
): Promise<boolean> {
  if (isReadable(record)) return !(await storedContent(blobs, record, { use: apply }));
  return record.state === 'pending' && !record.tentative && !(await unscanned.stat(record.id));
}

/** The record with the end that counts, and that says `referenced` or has an end, but never both. */
function withLastEnd(before: FileRecord, state: FileState, now: Date): FileRecord {
  const record = withEnd(before, lastEnd(before, state));
  return record.expiresAt && record.referenced ? markUnreferenced(record, now) : record;
}

/** The end of a file is as its owner has left it, as far as that is known; where its record is gone, a reference that came since has lifted it. */
function lastEnd({ expiresAt }: FileRecord, state: FileState): Date | undefined {
  const { id, references, latest, live } = state;
  const current = liveRecord(state);
  if (current) return current.expiresAt;
  const exported = new Set(references.map(({ name }) => name));
  const isReferencedSince = live.references.some(
    (reference) => isLiveReference(reference) && !exported.has(reference.name),
  );
  if (isReferencedSince) return undefined;
  const later = latest && parsedRecord(id, latest.metadata, undefined);
  return later ? later.expiresAt : expiresAt;
}

function hasEnded(state: FileState, now: Date): boolean {
  const end = liveRecord(state)?.expiresAt;
  return end !== undefined && end <= now;
}

/** The record as it is; undefined where it is gone or damaged. */
function liveRecord({ id, live: { file, verdict } }: FileState): FileRecord | undefined {
  return file && parsedRecord(id, file.metadata, verdict?.metadata);
}

/** A grant that was revoked or shortened since stays so; nobody gets one back who was erased since. */
function viewersOf(
  { viewers, createdAt }: FileRecord,
  erased: Erased,
  since: Pick<StoredObject, 'metadata'> | undefined,
): readonly Viewer[] {
  const later = since && readableViewers(since.metadata);
  const known = later && new Map(later.map((viewer) => [viewer.principal, viewer]));
  return viewers
    .filter(({ principal }) => !erased.since(principal, createdAt))
    .flatMap((viewer) => (known ? (known.get(viewer.principal) ?? []) : viewer));
}

/** The bytes are gone, which is what a scan says of such a file; the sweeper announces it. */
function lostMetadata(record: FileRecord, failedAt: Date): Metadata {
  const { id, owner, viewers, createdAt, contentType, content } = record;
  const stored = defined({ id, owner, viewers, createdAt, contentType, content });
  return verdictMetadata({ ...stored, state: 'failed', failure: 'sourceGone', failedAt });
}

/** Each viewer that a record names finds the file: docs/adr/0042-shared-with-me.md. */
async function index(
  { shared, now }: RestoreFileDeps,
  { id, viewers }: Pick<FileRecord, 'id' | 'viewers'>,
): Promise<void> {
  for (const viewer of viewers.filter((each) => isLive(each, now()))) {
    const entry = await shared.find(viewer.principal, id);
    if (!entry || isRemoved(entry)) await shared.ensure(viewer.principal, id);
  }
}

function isOver({ state }: FileRecord): boolean {
  return state === 'deleted' || state === 'expired';
}
