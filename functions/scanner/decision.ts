import type { Blobs } from '../../shared/files/blobs.ts';
import type { LiftedFinding, StandingFinding } from '../../shared/files/finding.ts';
import type { Findings } from '../../shared/files/findings.ts';
import type { Content, Coverage, FailureReason, ScanResult } from '../../shared/files/record.ts';
import type { Scanner } from '../../shared/scanning/clamd.ts';
import type { Verdict } from '../../shared/scanning/verdict.ts';
import type { Bucket } from '../../shared/storage/bucket.ts';
import type { Admission, Refused } from './admission/admission.ts';
import type { EngineGate } from './engine-gate.ts';

/** Dependencies of a scan of bytes, wherever they are. */
export interface ScanDeps {
  readonly scanner: Scanner;
  readonly engine: Pick<EngineGate, 'fit'>;
  readonly admission: Admission;
  /** Bytes; what is done with a larger file is for `windows` to say. */
  readonly maxScanBytes: number;
  /** Absent: a larger file is unscannable without being read. */
  readonly windows?: WindowPolicy | undefined;
  readonly now: () => Date;
}

export interface DecideDeps extends ScanDeps {
  readonly unscanned: Bucket;
  readonly blobs: Blobs;
  readonly findings: Findings;
  /** Milliseconds for which an earlier scan of the same content answers for it. */
  readonly verdictMaxAgeMs: number;
}

/** Files that are too large to be scanned whole are scanned in windows of `maxScanBytes`. */
interface WindowPolicy {
  /** Bytes; a still larger file is unscannable without being read. */
  readonly maxBytes: number;
  /** Bytes; whatever is at most so long is within one window. */
  readonly overlapBytes: number;
  /** Milliseconds for all windows of a file together. */
  readonly timeoutMs: number;
}

export interface Decision {
  readonly verdict: Verdict;
  /** Absent where not all bytes were seen. */
  readonly content: Content | undefined;
  readonly scan: ScanResult;
  /** The blob is there already, found clean by a scan that still answers for it. */
  readonly promoted: boolean;
  /** The word that the content is malware, where that was known before. */
  readonly finding?: StandingFinding;
  /** Malware whose digest is not the one that the client claimed. */
  readonly belied?: true;
  /** An operator has allowed what the scan found. */
  readonly lifted?: LiftedFinding;
  /** When the bytes began to be read and scanned; absent where none were. */
  readonly readFrom?: Date;
}

/** The file is given up. */
interface Failure {
  readonly failure: FailureReason;
  /** The digest is not the one that the client claimed: any client can cause that. No client can change a size. */
  readonly refutedClaim?: true;
}

export type Undecided = Failure | Refused | 'sourceGone';

/** How a file of this size is scanned; undefined where it is not. */
export function coverageOf(
  { maxScanBytes, windows }: Pick<ScanDeps, 'maxScanBytes' | 'windows'>,
  size: number,
): 'whole' | Coverage | undefined {
  if (size <= maxScanBytes) return 'whole';
  return windows && size <= windows.maxBytes ? 'windows' : undefined;
}
