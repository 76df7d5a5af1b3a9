import { randomUUID } from 'node:crypto';
import { blobKeys, blobName } from '../../shared/files/blob-name.ts';
import { acceptedName } from '../../shared/files/blobs.ts';
import type { FileId } from '../../shared/files/file-id.ts';
import { CONDEMNED, type Finding, isAllowed } from '../../shared/files/finding.ts';
import { isReadable, type ReadableRecord } from '../../shared/files/readable.ts';
import type { OpenRecalls } from '../../shared/files/recalls.ts';
import type { Receipts } from '../../shared/files/receipts.ts';
import {
  type CleanScan,
  type InfectedRecord,
  parseSha256,
  type ScanResult,
} from '../../shared/files/record.ts';
import { RECORDS_PREFIX, type RecordObjects, type Versioned } from '../../shared/files/records.ts';
import type { References } from '../../shared/files/references.ts';
import { defined } from '../../shared/runtime/defined.ts';
import { type Counts, countOutcomes } from './count-outcomes.ts';
import { resume } from './cursor.ts';
import { type Concerned, fileRecalled } from './file-recalled.ts';
import { ID_DIGITS, rangesOf, walkRanges } from './ranges.ts';
import { announceRestored, type RestoreDeps, restoreFile } from './restore.ts';
import { type SweepTerms, stopAfter } from './sweep-terms.ts';
import { walk } from './walk.ts';

/** Ids begin with a digest of their owner: the files of one owner are in one range. */
const RANGES = rangesOf(RECORDS_PREFIX, ID_DIGITS, 8);
/** Contents that one walk looks for: what is in memory. */
const MOST = 10_000;
/** References and receipts in an event, which has room for more: the rest can be looked up. */
const MOST_CONCERNED = 1_000;

export interface RecallDeps extends RestoreDeps {
  readonly references: References;
  readonly receipts: Receipts;
}

type RecallOutcome =
  /** Nothing is to be done: it has other content, or is over. */
  | 'other'
  /** Infected now, and the event is out. */
  | 'recalled'
  /** Recalled or restored before, and the event is out now. */
  | 'announced'
  /** An operator has lifted the finding, and the file is clean. */
  | 'released'
  /** Clean again, since an operator has lifted the finding, and the event is out. */
  | 'restored'
  /** The finding is lifted, and nobody has the bytes any more: the file stays infected. */
  | 'bytesGone'
  /** An operator's condemnation or one signature is released, and no scan has found the file clean: it stays infected. */
  | 'neverClean'
  | 'conflict';

export interface RecallReport {
  readonly files: Readonly<Counts<RecallOutcome>>;
  /** False where the time was up first: the next sweep goes on from there. */
  readonly complete: boolean;
}

/**
 * Turns every clean file infected whose content was found to be malware, and every infected one clean whose finding was lifted, and
 * says so of each: in one walk through the records for all such contents. docs/adr/0035-recall.md
 * @throws {StorageError} where the buckets cannot be listed
 */
export async function recall(deps: RecallDeps, terms: SweepTerms): Promise<RecallReport> {
  const stop = stopAfter(terms);
  const files: Counts<RecallOutcome> = {};
  const complete = await resume(
    deps.permanent,
    'sweeper/recall',
    async ({ walk: begun, failed, ...places }) => {
      const walkId = begun ?? randomUUID();
      const open = await (begun
        ? deps.findings.recalls.claimed(walkId)
        : deps.findings.recalls.claim(walkId, MOST));
      if (open.size === 0) return undefined;
      const kept = new Set<string>();
      const one = countOutcomes(deps.log, files, (objects: RecordObjects) =>
        visit(deps, open, kept, objects),
      );
      const next = await walkRanges(RANGES, places, stop, (range, isOver) =>
        walk({ bucket: deps.records, prefix: RECORDS_PREFIX, stop: isOver, visit: one, ...range }),
      );
      const isFailed = failed !== undefined || files.error !== undefined || files.conflict !== undefined;
      if (next) return { ...next, walk: walkId, ...(isFailed && { failed: 'true' }) };
      // A file that could not be recalled is met by another walk.
      if (!isFailed) for (const recall of open.values()) await deps.findings.recalls.close(recall);
      return undefined;
    },
  );
  return { files, complete };
}

async function visit(
  deps: RecallDeps,
  open: OpenRecalls,
  kept: Set<string>,
  objects: RecordObjects,
): Promise<RecallOutcome> {
  const digests = [objects.verdict?.metadata['sha256'], objects.file.metadata['sha256']];
  const sha256 = digests
    .map((digest = '') => parseSha256(digest))
    .find((digest) => digest && open.has(digest));
  const current = sha256 && deps.records.parse(objects);
  if (!current) return 'other';
  const told = await announced(deps, current);
  if (!told) return 'conflict';
  const { record } = told;
  // The finding as it is now decides: whichever came last, finding or release, has opened the recall anew.
  const known = await deps.findings.look(sha256);
  if (known && 'release' in known) {
    if (record.state !== 'infected') return isReadable(record) ? 'released' : 'other';
    return isAllowed(known, record.signature) ? restoreFile(deps, { ...told, record }, known) : 'other';
  }
  if (!isReadable(record) || !known?.finding) return told === current ? 'other' : 'announced';
  await keepBytes(deps, kept, record, known.finding);
  const written = await deps.records.judge(told, infected(record, known.finding, deps.now()));
  if (!written) return 'conflict';
  await announce(deps, written);
  return 'recalled';
}

/** The record, once the event of what an earlier walk wrote is out; undefined where it moved on. */
async function announced(deps: RecallDeps, current: Versioned): Promise<Versioned | undefined> {
  const { record } = current;
  if (record.state === 'infected' && record.recalled && !record.recalled.announced)
    return announce(deps, { ...current, record });
  if (record.state === 'clean' && record.released && !record.released.announced)
    return announceRestored(deps, { ...current, record });
  return current;
}

function infected(record: ReadableRecord, finding: Finding, at: Date): InfectedRecord {
  const { state: _, released: __, scan, ...stored } = { released: undefined, ...record };
  const { signature, scannedAt, engine } = finding;
  const scanned = defined({ generation: scan.generation, scannedAt, engine });
  const clean = record.state === 'clean' && signature === CONDEMNED && cleanScan(scan);
  return {
    ...stored,
    state: 'infected',
    signature,
    scan: scanned,
    recalled: { at, ...(record.state === 'unscannable' && { unscanned: true }), ...(clean && { clean }) },
  };
}

function cleanScan({ scannedAt, engine, coverage }: ScanResult): CleanScan | undefined {
  return engine && { scannedAt, engine, ...defined({ coverage }) };
}

/** Copied once, before a collection may delete them: an object that is there is from an earlier try. */
async function keepBytes(
  { permanent, quarantine }: RecallDeps,
  kept: Set<string>,
  { id, owner, state, content: { sha256 } }: ReadableRecord,
  { signature, scannedAt }: Finding,
): Promise<void> {
  if (!quarantine || kept.has(sha256)) return;
  const names = state === 'clean' ? blobKeys({ owner, sha256 }).map(blobName) : [acceptedName(id)];
  const metadata = { finding: signature, scannedAt: scannedAt.toISOString() };
  const options = { contentType: 'application/octet-stream', metadata };
  for (const name of names) {
    const object = await permanent.stat(name);
    if (!object) continue;
    await permanent.rewrite(object, { bucket: quarantine, name: `sha256/${sha256}`, ...options });
    kept.add(sha256);
    return;
  }
}

/** Says that a file is infected, then notes that this was done: a process that ends before publishes it again by the same id. */
async function announce(
  deps: RecallDeps,
  current: Versioned<InfectedRecord>,
): Promise<Versioned | undefined> {
  const { candidates, publish, records, log } = deps;
  const { record } = current;
  const { id, owner, content, recalled } = record;
  if (!recalled) throw new Error(`${id} was not recalled`);
  await candidates.addGcCandidate({ owner, sha256: content.sha256 });
  await publish(fileRecalled(record, recalled.at, await concerned(deps, id)));
  log.warn({ fileId: id, signature: record.signature }, 'file recalled');
  return records.judge(current, { ...record, recalled: { ...recalled, announced: true } });
}

/** Readers are all here: from the finding on, no download begins (docs/adr/0039-receipts.md). */
async function concerned({ references, receipts }: RecallDeps, id: FileId): Promise<Concerned> {
  const { signal } = new AbortController();
  const page = { after: undefined, limit: MOST_CONCERNED, signal };
  const [referring, reading] = await Promise.all([references.page(id, page), receipts.page(id, page)]);
  return {
    references: referring.items,
    receipts: reading.items,
    moreReceipts: reading.next !== undefined,
  };
}
