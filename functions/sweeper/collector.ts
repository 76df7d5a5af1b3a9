import type { Candidates } from '../../shared/files/candidates.ts';
import type { References } from '../../shared/files/references.ts';
import type { SweeperDeps } from './sweeper.ts';

/** Dependencies of a collection. Times are milliseconds. */
export interface CollectorDeps extends SweeperDeps {
  readonly candidates: Candidates;
  readonly references: References;
  /** A file without references for longer than this is deleted; undefined: never. */
  readonly unreferencedAfterMs: number | undefined;
  /** A blob used more recently than this is not collected; more than twice MARK_GOOD_FOR_MS. */
  readonly blobGraceMs: number;
  /** How long a deleted file or an expired upload remains visible. */
  readonly tombstoneMs: number;
  /** Approximate maximum of blobs that one cycle decides on, all of them in memory. */
  readonly candidatesPerCycle: number;
}
