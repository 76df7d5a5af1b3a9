import { setTimeout as delay } from 'node:timers/promises';
import type { FileRecord, PendingRecord } from '../../shared/files/record.ts';
import type { Versioned } from '../../shared/files/records.ts';
import { Problem } from '../../shared/http/problems.ts';
import { StorageError } from '../../shared/storage/error.ts';
import { retryOnConflict } from '../../shared/storage/retry-on-conflict.ts';
import { type Digests, Tally } from '../../shared/storage/tally.ts';
import {
  type CreateFileDeps,
  commitFile,
  type StagedFile,
  stageFile,
  type Upload,
  unlessFailed,
} from './create-file.ts';
import type { IdempotencyKeys, KeyReservation, VersionedKey } from './idempotency-keys.ts';
import type { Intake } from './intake.ts';
import { requireSameBytes, requireSameOffer } from './same-upload.ts';

export interface CreateOnceDeps extends CreateFileDeps {
  readonly keys: IdempotencyKeys;
  /** Called before a new file is accepted. */
  readonly intake: Pick<Intake, 'requireOpen'>;
  /**
   * Milliseconds that another upload with the same key gets for its last steps, before it is taken for dead: of all
   * instances the same.
   */
  readonly patienceMs: number;
}

interface KeyedUpload extends Upload {
  readonly key: string;
}

export interface Received {
  readonly record: FileRecord;
  /** The file is from an earlier upload with the same key. */
  readonly replayed: boolean;
}

const PAUSE_MS = 50;
/** Maximum clock skew between two instances, in milliseconds. */
const CLOCK_SKEW_MS = 60_000;
/** Each of them is as many tries as the retry policy has. */
const MAX_FAILURES = 3;

/**
 * Calls {@link createFile} once per owner and key: a repeat gets the file of the first request. The key names the file that
 * may exist, and the file's record and object tell whether it does. A fast uploader writes nothing more; a slow one
 * confirms its tentative record, or another request abandons it, by compare-and-swap, so that both never happen.
 * Steps, crashes and races: docs/adr/0010-idempotency-keys.md.
 * @throws what {@link createFile} throws, and {Problem} `idempotency-key-reused` or `idempotency-in-progress`
 */
export async function createFileIdempotently(deps: CreateOnceDeps, upload: KeyedUpload): Promise<Received> {
  const key = await deps.keys.get(upload, deps.now());
  const earlier = key?.claim && (await completed(deps, key.claim));
  if (earlier) {
    requireSameOffer(earlier, upload);
    return replay(earlier, upload, await digested(upload));
  }
  const reading = deps.intake.requireOpen();
  if (reading) await reading;
  const file = await stageFile(deps, upload);
  const claiming = performance.now();
  const winner = await unlessFailed(file, () => contend(deps, upload, key, file));
  if (winner) {
    await file.staged.discard();
    return replay(winner, upload, file.staged);
  }
  const kept = await complete(deps, file, claiming);
  if (kept) return { record: kept, replayed: false };
  return replay(await successor(deps, upload), upload, file.staged);
}

/** @returns the record of a file that definitely exists; undefined if it does not, or not yet */
async function completed(deps: CreateOnceDeps, claim: KeyReservation): Promise<FileRecord | undefined> {
  const found = await look(deps, claim);
  return found.kind === 'complete' ? found.record : undefined;
}

/**
 * Looks up the outcome of a claim. A tentative record is one of a file that is there once its object is: this is looked for
 * before the record is read again, so that a record without a verdict had no object then, and is confirmed for
 * everybody, so that nobody who looked earlier abandons it.
 */
async function look({ records, unscanned }: CreateOnceDeps, { fileId }: KeyReservation): Promise<Found> {
  let current = await records.get(fileId);
  if (current && isTentative(current.record)) {
    const { objects } = await unscanned.list({ prefix: fileId, maxResults: 1 });
    if (objects.some(({ name }) => name === fileId)) {
      const confirmed = await confirm(records, current);
      return confirmed ? { kind: 'complete', record: confirmed } : { kind: 'expired' };
    }
    current = await records.get(fileId);
  }
  if (!current || isTentative(current.record)) return { kind: 'open', current };
  return current.record.state === 'expired'
    ? { kind: 'expired' }
    : { kind: 'complete', record: current.record };
}

type Found =
  | { readonly kind: 'complete'; readonly record: FileRecord }
  | { readonly kind: 'expired' }
  /** Its uploader may still complete it. Without a record it has yet to write one. */
  | { readonly kind: 'open'; readonly current: Versioned | undefined };

function isTentative(record: FileRecord): record is PendingRecord & { tentative: true } {
  return record.state === 'pending' && record.tentative === true;
}

/**
 * Makes the key stand for our file.
 * @returns undefined where it does; the record of the file that it stands for, where another has completed one
 */
async function contend(
  deps: CreateOnceDeps,
  upload: KeyedUpload,
  current: VersionedKey | undefined,
  { record }: StagedFile,
): Promise<FileRecord | undefined> {
  let key = current;
  const outcome = await retryOnConflict(async () => {
    const winner = key?.claim && (await outcomeOf(deps, key.claim, record));
    if (winner) return winner;
    const claim = { fileId: record.id, claimedAt: deps.now() };
    if (await deps.keys.claim(upload, key, claim)) return undefined;
    key = await deps.keys.get(upload, deps.now());
    return 'conflict';
  });
  if (outcome === 'conflict') throw inProgress();
  return outcome;
}

/**
 * The outcome of an earlier claim's file. Where its uploader does not come to an end in time, it never will:
 * its record says so before we return.
 * @returns undefined if the file does not exist and never will
 */
async function outcomeOf(
  deps: CreateOnceDeps,
  claim: KeyReservation,
  ours: FileRecord,
): Promise<FileRecord | undefined> {
  const { records, now, patienceMs } = deps;
  const age = now().getTime() - claim.claimedAt.getTime();
  // From when we saw it, and not from when it was made by another clock: its uploader counts on all of that.
  const end = performance.now() + (age > patienceMs + CLOCK_SKEW_MS ? 0 : patienceMs);
  for (;;) {
    const isOver = performance.now() >= end;
    const found = await look(deps, claim);
    if (found.kind === 'expired') return undefined;
    if (found.kind === 'complete') return found.record;
    if (!isOver) await delay(Math.min(PAUSE_MS, patienceMs));
    else if (await abandon(records, found.current, { ...ours, id: claim.fileId })) return undefined;
  }
}

/** Where there is no record yet, one that is expired keeps its uploader from inserting it. */
async function abandon(
  records: CreateOnceDeps['records'],
  current: Versioned | undefined,
  { content: _, ...absent }: FileRecord,
): Promise<boolean> {
  const written = current
    ? await records.replace(current, { ...current.record, state: 'expired' })
    : await records.insertIfAbsent({ ...absent, state: 'expired' });
  return written !== undefined;
}

/**
 * @param claiming when we were about to claim the key, by `performance.now()`
 * @returns undefined where another took our upload for dead: its file does not exist, and never will
 */
async function complete(
  deps: CreateOnceDeps,
  file: StagedFile,
  claiming: number,
): Promise<FileRecord | undefined> {
  const { records, patienceMs } = deps;
  const tentative: PendingRecord = { ...file.record, tentative: true };
  const inserted = await unlessFailed(file, () => records.insertIfAbsent(tentative));
  if (!inserted) {
    await file.staged.discard();
    return undefined;
  }
  await commitFile(deps, file, inserted);
  // Nobody who saw our claim takes us for dead yet, and a process that looks from now on finds the object.
  if (performance.now() - claiming < patienceMs / 2) return file.record;
  return confirm(records, inserted);
}

async function confirm(
  records: CreateOnceDeps['records'],
  first: Versioned,
): Promise<FileRecord | undefined> {
  let failures = 0;
  for (let current: Versioned | undefined = first; current; current = await records.get(first.record.id)) {
    if (current.record.state === 'expired') return undefined;
    if (!isTentative(current.record)) return current.record;
    const { tentative: _, ...record } = current.record;
    try {
      const written = await records.replace(current, record);
      if (written) return written.record;
    } catch (error) {
      failures += 1;
      if (!(error instanceof StorageError && error.transient) || failures === MAX_FAILURES) throw error;
    }
  }
  return undefined;
}

/** The file of the upload that took ours for dead, once it is complete. */
async function successor(deps: CreateOnceDeps, upload: KeyedUpload): Promise<FileRecord> {
  for (const end = performance.now() + deps.patienceMs; ; await delay(PAUSE_MS)) {
    const key = await deps.keys.get(upload, deps.now());
    const record = key?.claim && (await completed(deps, key.claim));
    if (record) return record;
    if (performance.now() >= end) throw inProgress();
  }
}

function replay(record: FileRecord, upload: KeyedUpload, digests: Digests): Received {
  requireSameOffer(record, upload);
  requireSameBytes(record, digests);
  return { record, replayed: true };
}

/** Reads and discards the body. */
async function digested({ bytes, verify }: KeyedUpload): Promise<Digests> {
  const tally = new Tally();
  for await (const piece of bytes) tally.update(piece);
  const digests = tally.digests();
  verify?.(digests);
  return digests;
}

function inProgress(): Problem {
  return new Problem('idempotency-in-progress', { headers: { 'retry-after': '1' } });
}
