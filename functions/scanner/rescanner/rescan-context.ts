import type { Publish } from '../../../shared/events/cloud-event.ts';
import type { Findings } from '../../../shared/files/findings.ts';
import type { Logger } from '../../../shared/runtime/log.ts';
import type { EngineVersion } from '../../../shared/scanning/engine.ts';
import type { Bucket } from '../../../shared/storage/bucket.ts';
import type { ScanDeps } from '../decision.ts';
import type { BlobNotes } from './blob-notes.ts';

/** The stores, settings and services that a re-scan uses. */
export interface RescanContext extends ScanDeps {
  readonly permanent: Bucket;
  /** Absent: bytes of malware are not kept. */
  readonly quarantine?: Bucket | undefined;
  readonly notes: BlobNotes;
  readonly findings: Findings;
  readonly publish: Publish;
  readonly log: Logger;
}

export type RescanOutcome =
  /** The content no longer exists, or cannot be downloaded anyway. */
  | 'over'
  /** A finding is in force, and its event is now published. */
  | 'known'
  /** Already scanned since it became due, or with the same signatures. */
  | 'current'
  | 'clean'
  | 'infected'
  /** An operator has released the finding. */
  | 'released'
  | 'unscannable'
  /** The bytes do not match the digest in their name. */
  | 'damaged';

/** All re-scans count as one owner in the queue. */
export const OWNER = 'rescan';
/** A signature database without a version could be any version. */
export function isSame(engine: EngineVersion, before: EngineVersion): boolean {
  return (
    engine.database !== undefined && engine.database === before.database && engine.engine === before.engine
  );
}
