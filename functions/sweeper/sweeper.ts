import type { Publish } from '../../shared/events/cloud-event.ts';
import type { Findings } from '../../shared/files/findings.ts';
import type { PendingRecord } from '../../shared/files/record.ts';
import type { Records } from '../../shared/files/records.ts';
import type { SharedFiles } from '../../shared/files/shared-files.ts';
import type { Logger } from '../../shared/runtime/log.ts';
import type { Bucket } from '../../shared/storage/bucket.ts';

/** Dependencies of every duty of the sweeper. Times are milliseconds. */
export interface SweeperDeps {
  readonly unscanned: Bucket;
  readonly permanent: Bucket;
  readonly records: Records;
  readonly findings: Findings;
  readonly shared: SharedFiles;
  /** Publishes to those who wait for verdicts. */
  readonly publish: Publish;
  /** Publishes to the scanner: the notification of an object that is final. */
  readonly redeliver: Publish;
  /** A file that waits longer than this is sent to the scanner again, repeatedly at this interval. */
  readonly stuckAfterMs: number;
  /** A record without an object that waits longer than this is abandoned. */
  readonly abandonedAfterMs: number;
  /** Number of unsuccessful redrives after which a file is failed. */
  readonly maxRedrives: number;
  /** Limit per sweep: files beyond the scanner's capacity would be refused and end as dead letters. */
  readonly redrivesPerSweep: number;
  readonly now: () => Date;
  readonly log: Logger;
}

/** Somebody scans it now. */
export function isLeased({ lease }: PendingRecord, now: Date): boolean {
  return lease !== undefined && lease.until > now;
}

/** Long enough that no event will come any more. */
export function hasWaited(
  { now, stuckAfterMs }: Pick<SweeperDeps, 'now' | 'stuckAfterMs'>,
  since: Date,
): boolean {
  return now().getTime() - since.getTime() >= stuckAfterMs;
}
