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
  /** Files that are handed out, marked, though they could not be scanned; all others are not. */
  readonly accepts: ReadonlySet<UnscannableReason>;
  /** Absent: infected and unscannable bytes are deleted at once. */
  readonly quarantine: Bucket | undefined;
  readonly publish: Publish;
  readonly lease: LeaseTerms;
  /** Absent: no file is read before it has a slot. */
  readonly early?: EarlyReads;
  readonly log: Logger;
  /** Span of the delivery that is scanned, once the record says which trace it is of. */
  readonly span?: Span;
  /** Work that deletes a source: the verdict stands by then. */
  readonly background?: Background;
}
