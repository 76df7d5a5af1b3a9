import { setTimeout as delay } from 'node:timers/promises';
import { announceFailure, conclude, fail, type Timings } from '../../shared/events/conclude.ts';
import { type FileId, parseFileId } from '../../shared/files/file-id.ts';
import { PARTS_PREFIX } from '../../shared/files/parts.ts';
import {
  type DecidedRecord,
  type FileRecord,
  isDecided,
  type PendingRecord,
  parseSha256,
} from '../../shared/files/record.ts';
import type { Versioned } from '../../shared/files/records.ts';
import { arrived } from '../../shared/files/uploading.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import { decideByScan } from './decide.ts';
import type { Decision, Undecided } from './decision.ts';
import type { EarlyRead } from './early-reads.ts';
import { underLease } from './lease.ts';
import type { Outcome } from './outcome.ts';
import type { Scan } from './scan-context.ts';
import { settle } from './settle.ts';
import { decideUnread } from './unread.ts';

const DONE: Outcome = { kind: 'done' };
/** This many lost compare-and-swaps cannot come from a race with a scan. */
const MAX_RACES = 5;
/** Milliseconds between looks for a record. */
const RECORD_PAUSES_MS = [50, 100, 200, 400];
/** Milliseconds from an object to its record: longer than a write is tried, or two clocks are apart. */
const RECORD_COMES_WITHIN_MS = 300_000;

/**
 * The result of a final object in the unscanned bucket. Each step may be the last before a crash,
 * and the event may come twice, late, or while another instance works on it: the end is the same.
 * @throws {StorageError}, {ScanFault} and what `publish` throws: the event should come back
 */
export async function scanFinalized(scan: Scan, object: StoredObject, signal: AbortSignal): Promise<Outcome> {
  // The parts of a file that is still being uploaded: the subscription should leave them out, and many may come.
  if (object.name.startsWith(PARTS_PREFIX)) return DONE;
  const id = parseFileId(object.name);
  if (!id) return ignored(scan, object, 'its name is not a file id');
  using early = scan.early?.begin(object, signal);
  for (let races = 0; races < MAX_RACES; races++) {
    const read = await recordOf(scan, id, signal);
    if (!read) return withoutRecord(scan, object);
    // Where the record does not say what these bytes are, the bucket's word counts and not the event's.
    const stored = isUnknown(read.record) ? await actual(scan, object, signal) : object;
    const record = arrived(read.record, stored ?? object);
    if (isDecided(record)) return concluded(scan, record, object);
    if (record.state === 'expired' || record.state === 'deleted') return dropUpload(scan, record, object);
    if (record.state === 'failed') {
      await announceFailure(scan, { ...read, record });
      return ignored(scan, object, 'it has failed before');
    }
    const outcome = stored
      ? await scanPending(scan, { ...read, record }, stored, early, signal)
      : await withoutSource(scan, { ...read, record }, object);
    if (outcome !== 'lostRace') return outcome;
  }
  return { kind: 'later', why: 'its record keeps changing', retryAfterSeconds: 1 };
}

async function scanPending(
  scan: Scan,
  read: Versioned<PendingRecord>,
  object: StoredObject,
  early: EarlyRead | undefined,
  signal: AbortSignal,
): Promise<Outcome | 'lostRace'> {
  const unread = await decideUnread(scan, read.record, object, early, signal);
  if (typeof unread === 'object' && 'failure' in unread) {
    // The bucket's word gives a file up, not the event's.
    const stored = await actual(scan, object, signal);
    const belied = stored && (stored.size !== object.size || stored.crc32c !== object.crc32c);
    if (belied) return scanPending(scan, read, stored, early, signal);
  }
  if (unread) return carryOut(scan, read, object, unread);
  // Before a lease: an outage writes nothing, however long it lasts.
  await scan.engine.fit();
  return underLease(scan.records, scan.lease, read, object.size, signal, async (lease) => {
    const decision = await decideByScan(scan, read.record, object, early, lease);
    return carryOut(scan, await lease.settle(), object, decision);
  });
}

/** The record is written beside the object, and may be a moment behind it. */
async function recordOf({ records }: Scan, id: FileId, signal: AbortSignal): Promise<Versioned | undefined> {
  for (const pauseMs of RECORD_PAUSES_MS) {
    const read = await records.get(id, signal);
    if (read) return read;
    await delay(pauseMs, undefined, { signal });
  }
  return records.get(id, signal);
}

/** Where a record comes after its event was given up, the sweeper finds the file: nobody here says that none will. */
function withoutRecord(scan: Scan, object: StoredObject): Outcome {
  const ageMs = scan.now().getTime() - object.timeCreated.getTime();
  if (ageMs > RECORD_COMES_WITHIN_MS) return ignored(scan, object, 'it has no record');
  return { kind: 'later', why: 'its record is not there yet', retryAfterSeconds: 1 };
}

function isUnknown({ state, content }: FileRecord): boolean {
  return (state === 'uploading' || state === 'pending') && !content;
}

/** The generation that an event names, as the bucket says it is. */
async function actual(
  { unscanned }: Scan,
  { name, generation }: StoredObject,
  signal: AbortSignal,
): Promise<StoredObject | undefined> {
  const object = await unscanned.stat(name, signal);
  return object?.generation === generation ? object : undefined;
}

/** Steps 7 and 8: the bytes go where the verdict says, then the record says it. */
async function carryOut(
  scan: Scan,
  read: Versioned<PendingRecord>,
  object: StoredObject,
  decision: Decision | Undecided,
): Promise<Outcome | 'lostRace'> {
  if (decision === 'sourceGone') return withoutSource(scan, read, object);
  if ('refused' in decision) {
    const why = decision.refused === 'slots' ? 'all scan slots are taken' : 'temporary space is short';
    return { kind: 'later', why, retryAfterSeconds: 1 };
  }
  if ('failure' in decision) return (await fail(scan, read, decision.failure)) ? DONE : 'lostRace';
  const decidedAt = scan.now();
  const record = await settle(scan, read.record, object, decision);
  if (record === 'sourceGone') return withoutSource(scan, read, object);
  const settledAt = scan.now();
  // Side by side: whether anybody still waits for it, where its scan may have taken long (docs/adr/0029).
  const [written, current] = await Promise.all([
    scan.records.judge(read, record),
    decision.readFrom ? scan.records.reread(read) : read,
  ]);
  const waits = current && arrived(current.record, object).state === 'pending';
  if (written && waits)
    return concluded(scan, written.record, object, timingsOf(decision, object, decidedAt, settledAt));
  // It may be gone by now, and what was promoted for it would have nobody.
  if (record.state === 'clean')
    await scan.candidates.suspect({ owner: record.owner, sha256: record.content.sha256 });
  return 'lostRace';
}

function timingsOf(
  { readFrom, scan, promoted }: Decision,
  { timeCreated }: StoredObject,
  decidedAt: Date,
  settledAt: Date,
): Timings {
  return {
    arrivedAt: timeCreated,
    // Cloud Storage's clock is another: a file cannot have waited for less than nothing.
    waitMs: Math.max(0, (readFrom ?? decidedAt).getTime() - timeCreated.getTime()),
    ...(readFrom && { scanMs: scan.scannedAt.getTime() - readFrom.getTime() }),
    ...(!promoted && { settleMs: settledAt.getTime() - decidedAt.getTime() }),
  };
}

/** Steps 9 and 10. */
async function concluded(
  scan: Scan,
  record: DecidedRecord,
  object: StoredObject,
  timings?: Timings,
): Promise<Outcome> {
  await conclude(scan, record, object, timings);
  return DONE;
}

async function withoutSource(
  scan: Scan,
  read: Versioned<PendingRecord>,
  object: StoredObject,
): Promise<Outcome | 'lostRace'> {
  // Another instance may have finished: it writes the record before it deletes the source.
  const current = await scan.records.get(read.record.id);
  if (current && arrived(current.record, object).state !== 'pending') return 'lostRace';
  if (await scan.unscanned.stat(object.name))
    return ignored(scan, object, 'a newer generation took its place');
  return (await fail(scan, read, 'sourceGone')) ? DONE : 'lostRace';
}

/** The client was told that its upload failed, or took the file back: nobody waits for these bytes. */
async function dropUpload(scan: Scan, record: FileRecord, object: StoredObject): Promise<Outcome> {
  // An earlier delivery may have ended after it had promoted the content, which the record of an upload does not name.
  const sha256 = record.content?.sha256 ?? parseSha256(object.metadata['sha256'] ?? '');
  if (sha256) await scan.candidates.suspect({ owner: record.owner, sha256 });
  await scan.unscanned.delete(object.name, { generation: object.generation, updated: object.updated });
  return DONE;
}

function ignored(scan: Scan, object: StoredObject, why: string): Outcome {
  scan.log.warn({ object: object.name, generation: object.generation, why }, 'event ignored');
  return DONE;
}
