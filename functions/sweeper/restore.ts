import { BlobMismatch } from '../../shared/files/blob.ts';
import { acceptedName, type Blobs } from '../../shared/files/blobs.ts';
import type { Candidates } from '../../shared/files/candidates.ts';
import { CONDEMNED, type LiftedFinding } from '../../shared/files/finding.ts';
import type { CleanRecord, InfectedRecord, ScanResult } from '../../shared/files/record.ts';
import type { Versioned } from '../../shared/files/records.ts';
import { defined } from '../../shared/runtime/defined.ts';
import type { Bucket } from '../../shared/storage/bucket.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import { fileReleased } from './file-released.ts';
import type { SweeperDeps } from './sweeper.ts';

export interface RestoreDeps extends SweeperDeps {
  readonly candidates: Candidates;
  readonly blobs: Blobs;
  /** Absent: bytes of malware are not kept. */
  readonly quarantine: Bucket | undefined;
}

/** No engine was asked: the marker of a finding was written by hand, and then an operator vouched for the content. */
const NO_ENGINE = { engine: 'none' };

/**
 * Makes an infected file clean whose finding an operator has lifted: first its bytes, then its verdict, then its event. A crash
 * between two of them leaves a file that the next walk meets in the same way.
 * @returns 'neverClean' where the release does not vouch for the file and no scan has found it clean, 'bytesGone' where the content is nowhere
 *   any more: the file stays infected
 * @throws {StorageError} and what `publish` throws
 */
export async function restoreFile(
  deps: RestoreDeps,
  current: Versioned<InfectedRecord>,
  lifted: LiftedFinding,
): Promise<'restored' | 'neverClean' | 'bytesGone' | 'conflict'> {
  const { id, owner, content } = current.record;
  const scan = await vouchingScan(deps, current.record, lifted);
  if (!scan) {
    // docs/operations.md names this message.
    deps.log.warn({ fileId: id, sha256: content.sha256 }, 'released file was never found clean');
    return 'neverClean';
  }
  const record = { ...current.record, scan };
  if (!(await bringBack(deps, record, lifted))) {
    // docs/operations.md names this message.
    deps.log.error({ fileId: id, sha256: content.sha256 }, 'released file has no bytes');
    return 'bytesGone';
  }
  // The file may have been deleted meanwhile, and then nobody else looks for these bytes.
  await deps.candidates.addGcCandidate({ owner, sha256: content.sha256 });
  const { signature: _, recalled: __, ...stored } = record;
  const { at, by, reason } = lifted.release;
  const written = await deps.records.judge<CleanRecord>(current, {
    ...stored,
    state: 'clean',
    released: { at, by, reason },
  });
  if (!written) return 'conflict';
  await announceRestored(deps, written);
  return 'restored';
}

/**
 * Whether a release alone makes a file clean. An operator who takes back a condemnation vouches for nothing, and one who allows a
 * signature only says that this one is wrong: not that a file is clean which could not be scanned.
 */
function isVouchedFor({ signature, recalled }: InfectedRecord, { release }: LiftedFinding): boolean {
  const isOfOne = release.signature !== undefined && release.untilFound === undefined;
  return signature !== CONDEMNED && !(recalled?.unscanned && isOfOne);
}

/** The scan by which a file may be clean. Without a release that vouches for it, that is one which found these bytes clean. */
async function vouchingScan(
  { blobs, now }: RestoreDeps,
  record: InfectedRecord,
  lifted: LiftedFinding,
): Promise<ScanResult | undefined> {
  if (isVouchedFor(record, lifted)) return record.scan;
  const { generation } = record.scan;
  const { clean } = record.recalled ?? {};
  if (clean) return { generation, ...clean };
  // Never another owner's, where owners have separate blobs.
  const blob = await blobs.findShared(record);
  if (!blob || 'signature' in blob || blob.engine.engine === NO_ENGINE.engine) return undefined;
  const { scannedAt, engine, coverage } = blob;
  return { generation, scannedAt, reusedAt: now(), engine, ...defined({ coverage }) };
}

/** Says that a file is clean, then notes that this was done: a process that ends before publishes it again by the same id. */
export async function announceRestored(
  { publish, records, log }: RestoreDeps,
  current: Versioned<CleanRecord>,
): Promise<Versioned | undefined> {
  const { record } = current;
  const { id, released } = record;
  if (!released) throw new Error(`${id} was not released`);
  await publish(fileReleased(record, released));
  log.warn({ fileId: id, by: released.by }, 'file released');
  return records.judge(current, { ...record, released: { ...released, announced: true } });
}

/** @returns whether the content is a blob that may be relied on */
async function bringBack(
  { blobs, permanent, quarantine }: RestoreDeps,
  record: InfectedRecord,
  lifted: LiftedFinding,
): Promise<boolean> {
  const { id, content, scan } = record;
  const { engine = NO_ENGINE, coverage } = scan;
  const scannedAt = isVouchedFor(record, lifted) ? lifted.release.at : scan.scannedAt;
  const vouched = defined({ scannedAt, engine, coverage });
  const isSame = (object: StoredObject | undefined): object is StoredObject =>
    object?.size === content.size && object.crc32c === content.crc32c;
  try {
    // A content that was recalled is in quarantine once; one that was never clean is there for each file.
    const quarantined = quarantine ? [`sha256/${content.sha256}`, id] : [];
    const sources = [
      ...quarantined.map((name) => [quarantine, name] as const),
      // A recall leaves it there, and quarantine may have deleted its copy.
      [permanent, acceptedName(id)] as const,
    ];
    for (const [bucket, name] of sources) {
      const object = await bucket?.stat(name);
      if (!bucket || !isSame(object)) continue;
      const promoted = await blobs.promote({ bucket, object }, record, vouched);
      if (promoted !== 'sourceGone') return promoted === 'promoted';
    }
    const blob = await blobs.find(record);
    return isSame(blob?.object) && blob !== undefined && !('signature' in blob) && (await blobs.use(blob));
  } catch (error) {
    if (error instanceof BlobMismatch) return false;
    throw error;
  }
}
