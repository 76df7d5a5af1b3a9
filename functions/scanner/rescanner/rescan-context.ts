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
  /** The content is not there any more, or is not to be handed out anyway. */
  | 'over'
  /** A finding stands for it, and the event about that is out now. */
  | 'known'
  /** It was scanned since it became due, or by the same signatures. */
  | 'current'
  | 'clean'
  | 'infected'
  /** The finding is one that an operator has lifted. */
  | 'released'
  | 'unscannable'
  /** The bytes do not have the digest of their name. */
  | 'damaged';

/** All re-scans take turns as one owner's. */
export const OWNER = 'rescan';
/** A signature database without a version may be any. */
export function isSame(engine: EngineVersion, before: EngineVersion): boolean {
  return (
    engine.database !== undefined && engine.database === before.database && engine.engine === before.engine
  );
}
