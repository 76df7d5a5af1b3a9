import type { Candidates } from '../../shared/files/candidates.ts';
import type { References } from '../../shared/files/references.ts';
import type { SweeperDeps } from './sweeper.ts';

/** Dependencies of a collection. Times are milliseconds. */
export interface CollectorDeps extends SweeperDeps {
  readonly candidates: Candidates;
  readonly references: References;
  /** A file that nothing refers to for longer than this is deleted; undefined: never. */
  readonly unreferencedAfterMs: number | undefined;
  /** A blob that was used less long ago is not collected; more than twice MARK_GOOD_FOR_MS. */
  readonly blobGraceMs: number;
  /** Time for which a deleted file or an expired upload remains visible. */
  readonly tombstoneMs: number;
  /** The most blobs that one cycle decides on, about: what is in memory. */
  readonly candidatesPerCycle: number;
}
