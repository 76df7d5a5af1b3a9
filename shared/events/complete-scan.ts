import type { EventMessage, Publish } from '../events/cloud-event.ts';
import { scanCompleted } from '../events/scan-completed.ts';
import { scanFailed } from '../events/scan-failed.ts';
import { verdictChanged, verdictLifted } from '../events/verdict-changed.ts';
import type { LiftedFinding, StandingFinding } from '../files/finding.ts';
import type { Findings } from '../files/findings.ts';
import { isReadable } from '../files/readable.ts';
import type { DecidedRecord, FailedRecord, FailureReason, PendingRecord, Sha256 } from '../files/record.ts';
import type { Records, Versioned } from '../files/records.ts';
import type { Background } from '../runtime/background.ts';
import { defined } from '../runtime/defined.ts';
import type { Logger } from '../runtime/log.ts';
import type { Bucket } from '../storage/bucket.ts';
import type { StoredObject } from '../storage/object.ts';

interface CompletionDeps {
  readonly unscanned: Bucket;
  readonly findings: Findings;
  readonly publish: Publish;
  readonly log: Logger;
  /** Work that deletes the source, which may have to wait for a second; absent where the caller waits for it. */
  readonly background?: Background;
}

/** Where the time of one file went. An instance that resumes another's work does not know. */
export interface Timings {
  /** When the last byte was there, by the clock of Cloud Storage. */
  readonly arrivedAt: Date;
  /** Milliseconds until its scan began, earlier tries included; or until it was decided without one. */
  readonly waitMs: number;
  /** Milliseconds in which its bytes were read and scanned; absent where they were not. */
  readonly scanMs?: number;
  /** Milliseconds in which they were promoted, or put into quarantine; absent where their content was there already. */
  readonly moveMs?: number;
  /** Seconds from `arrivedAt` until the verdict stood in the record, for the objective of terraform/slo.tf. */
  readonly verdictSeconds: number;
}

/**
 * The remaining steps once a verdict stands in the record: publish it, then delete the source. In this order: until
 * the source is gone, the return of its event or the sweeper resumes here. A scan that found malware in the content
 * while it was promoted or accepted may have looked for it too early, so a file that is handed out looks for that finding (docs/adr/0027).
 * @throws {StorageError} and what `publish` throws
 */
export async function completeScan(
  { unscanned, findings, publish, log, background }: CompletionDeps,
  record: DecidedRecord,
  object: StoredObject,
  timings?: Timings,
): Promise<void> {
  const handedOut = isReadable(record) ? record.content.sha256 : undefined;
  const [known] = await Promise.all([handedOut && findings.get(handedOut), publish(scanCompleted(record))]);
  if (handedOut && known) {
    if (record.state === 'clean') await announceFinding({ findings, publish }, handedOut, known);
    else await findings.recalls.open(handedOut);
  }
  const { name, generation, updated } = object;
  const deletion = unscanned.delete(name, { generation, updated });
  if (background) background.run(deletion, 'source not deleted');
  else await deletion;
  const said = {
    fileId: record.id,
    verdict: record.state,
    size: object.size,
    ...signatures(record),
    ...timings,
  };
  log.info(said, 'scan completed');
}

/** Version and age of the signatures that decided, for metrics; nothing where none with a date did. */
function signatures({ scan }: DecidedRecord): { database?: number; signatureAgeSeconds?: number } {
  const { database, databaseDate = '' } = scan.engine ?? {};
  const built = Date.parse(databaseDate);
  if (Number.isNaN(built)) return {};
  return {
    ...defined({ database }),
    signatureAgeSeconds: Math.round((scan.scannedAt.getTime() - built) / 1000),
  };
}

/**
 * Makes sure that every file is recalled whose content was handed out as clean and is malware, or is clean again whose finding
 * was lifted, and says so of the content where nobody has said it yet: at least once.
 */
export async function announceFinding(
  { findings, publish }: Pick<CompletionDeps, 'findings' | 'publish'>,
  sha256: Sha256,
  known: StandingFinding | LiftedFinding,
): Promise<void> {
  const event = eventOf(sha256, known);
  if (!event) return;
  if (!known.announced) await publish(event);
  await findings.recalls.open(sha256);
  if (!known.announced) await findings.noteAnnounced(known);
}

function eventOf(sha256: Sha256, known: StandingFinding | LiftedFinding): EventMessage | undefined {
  if ('release' in known) return verdictLifted(sha256, known);
  return known.finding && verdictChanged(sha256, known.finding);
}

interface FailureDeps {
  readonly records: Records;
  readonly publish: Publish;
  readonly now: () => Date;
  readonly log: Logger;
}

/**
 * Gives a file up, and says so. Its bytes, where there are any, stay for a redrive.
 * @param refutedClaim whether the client claimed another digest: a line that alerts nobody, as any client can cause it
 * @returns false where its record moved on meanwhile
 * @throws {StorageError} and what `publish` throws: the next caller is to {@link announceFailure}
 */
export async function markFailed(
  failer: FailureDeps,
  current: Versioned<PendingRecord>,
  failure: FailureReason,
  { refutedClaim }: { readonly refutedClaim?: true } = {},
): Promise<boolean> {
  const { lease: _, redriven: __, ...stored } = current.record;
  const failed: FailedRecord = { ...stored, state: 'failed', failure, failedAt: failer.now() };
  const written = await failer.records.judge(current, failed);
  if (!written) return false;
  const line = { fileId: stored.id, failure };
  if (refutedClaim) failer.log.warn({ ...line, refutedClaim }, 'file failed');
  else failer.log.error(line, 'file failed');
  await announceFailure(failer, written);
  return true;
}

/**
 * Says that a file failed where nobody has said it yet, and notes that it was published: nothing else comes back
 * to a file that failed. A failure between the two publishes twice, with the same event id.
 */
export async function announceFailure(
  { records, publish }: Pick<FailureDeps, 'records' | 'publish'>,
  current: Versioned<FailedRecord>,
): Promise<void> {
  if (current.record.announced) return;
  await publish(scanFailed(current.record));
  // Lost to another who announced it, or to a redrive: either way it has been published.
  await records.judge(current, { ...current.record, announced: true });
}
