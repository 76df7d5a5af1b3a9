import type { Publish } from '../../shared/events/cloud-event.ts';
import type { Candidates } from '../../shared/files/candidates.ts';
import type { Records } from '../../shared/files/records.ts';
import type { Background } from '../../shared/runtime/background.ts';
import type { Logger } from '../../shared/runtime/log.ts';
import type { UnscannableReason } from '../../shared/scanning/verdict.ts';
import type { Bucket } from '../../shared/storage/bucket.ts';
import type { Span } from '../../shared/tracing/tracing.ts';
import type { DecideDeps } from './decision.ts';
import type { EarlyReads } from './early-reads.ts';
import type { LeaseTerms } from './lease.ts';

/** The stores, settings and services that a scan uses. */
export interface ScanContext extends DecideDeps {
  readonly records: Records;
  readonly candidates: Candidates;
  /** Reasons for which unscannable files can be downloaded, marked as such; no others. */
  readonly accepts: ReadonlySet<UnscannableReason>;
  /** Absent: infected and unscannable bytes are deleted at once. */
  readonly quarantine: Bucket | undefined;
  readonly publish: Publish;
  readonly lease: LeaseTerms;
  /** Absent: files are only read once they have a slot. */
  readonly early?: EarlyReads;
  readonly log: Logger;
  /** Span of the delivery, once its trace is known from the record. */
  readonly span?: Span;
  /** Deletes sources in the background, after the verdict is final. */
  readonly background?: Background;
}
