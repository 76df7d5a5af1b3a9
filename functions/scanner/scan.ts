import { setTimeout as delay } from 'node:timers/promises';
import {
  announceFailure,
  completeScan,
  markFailed,
  type Timings,
} from '../../shared/events/complete-scan.ts';
import { type FileId, parseFileId } from '../../shared/files/file-id.ts';
import { PARTS_PREFIX } from '../../shared/files/parts.ts';
import {
  type DecidedRecord,
  type FileRecord,
  isDecided,
  type PendingRecord,
  parseSha256,
} from '../../shared/files/record.ts';
import { isWrittenOver, type Versioned } from '../../shared/files/records.ts';
import { asPending } from '../../shared/files/uploading.ts';
import type { Traceparent } from '../../shared/runtime/trace.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import { retryOnConflict } from '../../shared/storage/retry-on-conflict.ts';
import { applyVerdict } from './apply-verdict.ts';
import { decideByScan } from './decide.ts';
import type { Decision, Undecided } from './decision.ts';
import type { EarlyRead } from './early-reads.ts';
import { underLease } from './lease.ts';
import { later, type Outcome } from './outcome.ts';
import type { ScanContext } from './scan-context.ts';
import { decideUnread } from './unread.ts';

const DONE: Outcome = { kind: 'done' };
/** Milliseconds between looks for a record. */
const RECORD_PAUSES_MS = [50, 100, 200, 400];
/** Maximum milliseconds between an object and its record: longer than a write is retried or clocks differ. */
const RECORD_COMES_WITHIN_MS = 300_000;

/**
 * Processes a final object in the unscanned bucket. Any step may be the last before a crash, and the event may arrive
 * twice, late, or while another instance handles it: the result is the same.
 * @param follow is told the span of the upload, and returns the log, the span and `publish` to use from then on
 * @throws {StorageError}, {ScanFault} and what `publish` throws: the event should be redelivered
 */
export async function scanFinalized(
  context: ScanContext,
  object: StoredObject,
  signal: AbortSignal,
  follow: (trace: Traceparent) => Partial<ScanContext> = () => ({}),
): Promise<Outcome> {
  let scan = context;
  // Parts of an upload in progress: the subscription should filter them out, and there may be many.
  if (object.name.startsWith(PARTS_PREFIX)) return DONE;
  const id = parseFileId(object.name);
  if (!id) return ignored(scan, object, 'its name is not a file id');
  using early = scan.early?.begin(object, signal);
  const outcome = await retryOnConflict(async () => {
    const current = await recordOf(scan, id, signal);
    if (!current) return withoutRecord(scan, object);
    const { traceparent } = current.record;
    if (traceparent) scan = { ...context, ...follow(traceparent) };
    // If the record does not describe these bytes, the bucket is authoritative, not the event.
    const stored = isUnknown(current.record) ? await actual(scan, object, signal) : object;
    const record = asPending(current.record, stored ?? object);
    if (isDecided(record)) return finish(scan, record, object);
    if (record.state === 'expired' || record.state === 'deleted')
      return dropUpload(scan, { ...current, record }, object);
    if (record.state === 'failed') {
      await announceFailure(scan, { ...current, record });
      // A duplicate delivery: needs no attention (terraform/alerts.tf).
      scan.log.info({ fileId: id, generation: object.generation }, 'event of a failed file');
      return DONE;
    }
    return stored
      ? scanPending(scan, { ...current, record }, stored, early, signal)
      : withoutSource(scan, { ...current, record }, object);
  });
  if (outcome !== 'conflict') return outcome;
  return { kind: 'later', why: 'its record keeps changing', retryAfterSeconds: 1 };
}

async function scanPending(
  scan: ScanContext,
  current: Versioned<PendingRecord>,
  object: StoredObject,
  early: EarlyRead | undefined,
  signal: AbortSignal,
): Promise<Outcome | 'conflict'> {
  const unread = await decideUnread(scan, current.record, object, early, signal);
  if (typeof unread === 'object' && 'failure' in unread) {
    // Only the bucket decides that a file is failed, not the event.
    const stored = await actual(scan, object, signal);
    if (!stored) return withoutSource(scan, current, object);
    const belied = stored.size !== object.size || stored.crc32c !== object.crc32c;
    if (belied) return scanPending(scan, current, stored, early, signal);
  }
  if (unread) return carryOut(scan, current, object, unread);
  // Before the lease: nothing is written during an outage, however long.
  await scan.engine.fit();
  const source = { bucket: scan.unscanned, object, file: current.record, early };
  return underLease(scan, current, object.size, signal, async (lease) => {
    const decision = await decideByScan(scan, source, lease);
    return carryOut(scan, await lease.stopRenewing(), object, decision);
  });
}

/** The record is written concurrently with the object, and may appear a moment later. */
async function recordOf(
  { records }: ScanContext,
  id: FileId,
  signal: AbortSignal,
): Promise<Versioned | undefined> {
  for (const pauseMs of RECORD_PAUSES_MS) {
    const current = await records.get(id, signal);
    if (current) return current;
    await delay(pauseMs, undefined, { signal });
  }
  return records.get(id, signal);
}

/** If the record appears only after its event was given up, the sweeper finds the file. */
function withoutRecord(scan: ScanContext, object: StoredObject): Outcome {
  const ageMs = scan.now().getTime() - object.timeCreated.getTime();
  if (ageMs > RECORD_COMES_WITHIN_MS) return ignored(scan, object, 'it has no record');
  return { kind: 'later', why: 'its record is not there yet', retryAfterSeconds: 1 };
}

function isUnknown({ state, content }: FileRecord): boolean {
  return (state === 'uploading' || state === 'pending') && !content;
}

/** The generation that an event names, read from the bucket. */
async function actual(
  { unscanned }: ScanContext,
  { name, generation }: StoredObject,
  signal: AbortSignal,
): Promise<StoredObject | undefined> {
  const object = await unscanned.stat(name, signal);
  return object?.generation === generation ? object : undefined;
}

/** Steps 7 and 8: moves the bytes by their verdict, then writes the record. */
async function carryOut(
  scan: ScanContext,
  current: Versioned<PendingRecord>,
  object: StoredObject,
  decision: Decision | Undecided,
): Promise<Outcome | 'conflict'> {
  if (decision === 'sourceGone') return withoutSource(scan, current, object);
  if ('refused' in decision) return later(decision);
  if ('failure' in decision)
    return (await markFailed(scan, current, decision.failure, decision)) ? DONE : 'conflict';
  const decidedAt = scan.now();
  const record = await applyVerdict(scan, current.record, object, decision);
  if (record === 'sourceGone') return withoutSource(scan, current, object);
  if (record === 'belied')
    return (await markFailed(scan, current, 'contentMismatch', { refutedClaim: true })) ? DONE : 'conflict';
  const movedAt = scan.now();
  // Side by side: whether anybody still waits for it, where its scan may have taken long (docs/adr/0029).
  const [written, latest] = await Promise.all([
    scan.records.judge(current, record),
    decision.readFrom ? scan.records.reread(current) : current,
  ]);
  const at = { decidedAt, movedAt, writtenAt: scan.now() };
  noteSteps(scan, decision, at);
  const waits = latest && asPending(latest.record, object).state === 'pending';
  if (written && waits) return finish(scan, written.record, object, timingsOf(decision, object, at));
  // It may be gone by now, and what was promoted for it would have nobody.
  if (record.state === 'clean')
    await scan.candidates.addGcCandidate({ owner: record.owner, sha256: record.content.sha256 });
  return 'conflict';
}

interface StepTimes {
  readonly decidedAt: Date;
  readonly movedAt: Date;
  readonly writtenAt: Date;
}

function noteSteps({ span }: ScanContext, { readFrom, scan, promoted }: Decision, at: StepTimes): void {
  if (readFrom) span?.step('scan bytes', readFrom, scan.scannedAt);
  if (!promoted) span?.step('move bytes', at.decidedAt, at.movedAt);
  span?.step('write verdict', at.movedAt, at.writtenAt);
}

function timingsOf(
  { readFrom, scan, promoted }: Decision,
  { timeCreated }: StoredObject,
  at: StepTimes,
): Timings {
  // Cloud Storage's clock may differ: a waiting time cannot be negative.
  const sinceArrival = (time: Date) => Math.max(0, time.getTime() - timeCreated.getTime());
  return {
    arrivedAt: timeCreated,
    waitMs: sinceArrival(readFrom ?? at.decidedAt),
    ...(readFrom && { scanMs: scan.scannedAt.getTime() - readFrom.getTime() }),
    ...(!promoted && { moveMs: at.movedAt.getTime() - at.decidedAt.getTime() }),
    verdictSeconds: sinceArrival(at.writtenAt) / 1000,
  };
}

/** Steps 9 and 10. */
async function finish(
  scan: ScanContext,
  record: DecidedRecord,
  object: StoredObject,
  timings?: Timings,
): Promise<Outcome> {
  const { reusedAt } = record.scan;
  scan.span?.set({ 'fileshare.verdict': record.state, 'fileshare.verdict.reused': reusedAt !== undefined });
  await completeScan(scan, record, object, timings);
  return DONE;
}

async function withoutSource(
  scan: ScanContext,
  current: Versioned<PendingRecord>,
  object: StoredObject,
): Promise<Outcome | 'conflict'> {
  // Another instance may have finished: it writes the record before it deletes the source.
  const latest = await scan.records.get(current.record.id);
  if (latest && asPending(latest.record, object).state !== 'pending') return 'conflict';
  if (await scan.unscanned.stat(object.name))
    return ignored(scan, object, 'a newer generation took its place');
  return (await markFailed(scan, current, 'sourceGone')) ? DONE : 'conflict';
}

/**
 * The client was told that its upload failed, or took the file back: nobody waits for these bytes. The collection deletes those of a file
 * that has reached its end, once that is written.
 */
async function dropUpload(scan: ScanContext, current: Versioned, object: StoredObject): Promise<Outcome> {
  const { record } = current;
  // An earlier delivery may have ended after it had promoted the content, which the record of an upload does not name.
  const sha256 = record.content?.sha256 ?? parseSha256(object.metadata['sha256'] ?? '');
  if (sha256) await scan.candidates.addGcCandidate({ owner: record.owner, sha256 });
  if (isWrittenOver(current)) {
    await scan.unscanned.delete(object.name, { generation: object.generation, updated: object.updated });
  }
  return DONE;
}

function ignored(scan: ScanContext, object: StoredObject, why: string): Outcome {
  scan.log.warn({ object: object.name, generation: object.generation, why }, 'event ignored');
  return DONE;
}
