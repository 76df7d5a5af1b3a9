import type { Candidates } from '../../shared/files/candidates.ts';
import type { References } from '../../shared/files/references.ts';
import type { Sweeper } from './sweeper.ts';

/** Dependencies of a collection. Times are milliseconds. */
export interface Collector extends Sweeper {
  readonly candidates: Candidates;
  readonly references: References;
  /** A file that nothing refers to for longer than this is deleted; undefined: never. */
  readonly unreferencedAfterMs: number | undefined;
  /** A blob that was used less long ago is not collected; more than twice MARK_GOOD_FOR_MS. */
  readonly blobGraceMs: number;
  /** For so long it can be seen that there was a file that is deleted, or an upload that has expired. */
  readonly tombstoneMs: number;
  /** The most blobs that one cycle decides on, about: what is in memory. */
  readonly candidatesPerCycle: number;
}
