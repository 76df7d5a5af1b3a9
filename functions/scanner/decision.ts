import type { Blobs } from '../../shared/files/blobs.ts';
import type { LiftedFinding, StandingFinding } from '../../shared/files/finding.ts';
import type { Findings } from '../../shared/files/findings.ts';
import type { Content, Coverage, FailureReason, ScanResult } from '../../shared/files/record.ts';
import type { Scanner } from '../../shared/scanning/clamd.ts';
import type { Verdict } from '../../shared/scanning/verdict.ts';
import type { Bucket } from '../../shared/storage/bucket.ts';
import type { Admission, Refused } from './admission/admission.ts';
import type { EngineGate } from './engine-gate.ts';

/** Dependencies of a scan, wherever the bytes are stored. */
export interface ScanDeps {
  readonly scanner: Scanner;
  readonly engine: Pick<EngineGate, 'fit'>;
  readonly admission: Admission;
  /** Bytes; what is done with a larger file is for `windows` to say. */
  readonly maxScanBytes: number;
  /** Absent: larger files are unscannable and are not read. */
  readonly windows?: WindowPolicy | undefined;
  readonly now: () => Date;
}

export interface DecideDeps extends ScanDeps {
  readonly unscanned: Bucket;
  readonly blobs: Blobs;
  readonly findings: Findings;
  /** How long an earlier scan of the same content remains valid, in milliseconds. */
  readonly verdictMaxAgeMs: number;
}

/** Files that are too large to be scanned whole are scanned in windows of `maxScanBytes`. */
interface WindowPolicy {
  /** Bytes; larger files are unscannable and are not read. */
  readonly maxBytes: number;
  /** Bytes; a sequence of at most this length is always within one window. */
  readonly overlapBytes: number;
  /** Milliseconds for all windows of a file together. */
  readonly timeoutMs: number;
}

export interface Decision {
  readonly verdict: Verdict;
  /** Absent if not all bytes were read. */
  readonly content: Content | undefined;
  readonly scan: ScanResult;
  /** The blob exists already, found clean by a scan that is still valid. */
  readonly promoted: boolean;
  /** The finding that the content is malware, if it was known before the scan. */
  readonly finding?: StandingFinding;
  /** Malware whose digest does not match the client's. */
  readonly belied?: true;
  /** An operator has released what the scan found. */
  readonly lifted?: LiftedFinding;
  /** When reading and scanning began; absent if no bytes were scanned. */
  readonly readFrom?: Date;
}

/** The file is failed. */
interface Failure {
  readonly failure: FailureReason;
  /** The digest does not match the client's, which any client can cause. No client can cause a wrong size. */
  readonly refutedClaim?: true;
}

export type Undecided = Failure | Refused | 'sourceGone';

/** How a file of this size is scanned; undefined if it is not. */
export function coverageOf(
  { maxScanBytes, windows }: Pick<ScanDeps, 'maxScanBytes' | 'windows'>,
  size: number,
): 'whole' | Coverage | undefined {
  if (size <= maxScanBytes) return 'whole';
  return windows && size <= windows.maxBytes ? 'windows' : undefined;
}
