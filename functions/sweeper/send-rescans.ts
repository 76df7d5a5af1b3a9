import type { EventMessage, Publish } from '../../shared/events/cloud-event.ts';
import { rescanRequest } from '../../shared/events/rescan-request.ts';
import { BLOBS_PREFIX } from '../../shared/files/blob-name.ts';
import type { Bucket } from '../../shared/storage/bucket.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import { type Counts, countOutcomes } from './count-outcomes.ts';
import { HEX_DIGITS, type Places, type Range, rangesOf, walkRanges } from './ranges.ts';
import type { RescanBudget, Reserved } from './rescan-budget.ts';
import { type SweepTerms, stopAfter } from './sweep-terms.ts';
import type { SweeperDeps } from './sweeper.ts';
import { walk } from './walk.ts';

/** Names are digests, so that each has as many. */
export const BLOB_RANGES = rangesOf(BLOBS_PREFIX, HEX_DIGITS, 8);

export interface SendDeps extends Pick<SweeperDeps, 'permanent' | 'now' | 'log'> {
  /** Publishes to the rescanner. */
  readonly request: Publish;
  readonly budget: RescanBudget;
}

/** Contents that may be scanned again, by their names. */
export interface Contents<Passed extends string> {
  readonly bucket: Bucket;
  readonly prefix: string;
  readonly ranges: readonly Range[];
  /** Makes the request for one that was picked, or tells why there is none after all. @throws {StorageError} */
  readonly requestFor: (object: StoredObject, dueAt: Date) => EventMessage | Promise<EventMessage | Passed>;
}

export interface SendTerms<Passed extends string> extends SweepTerms {
  /** Absent: the contents of files. */
  readonly of?: Contents<Passed> | undefined;
  /** Where an earlier call stopped. */
  readonly places: Places;
  /** Resolves a content to the time at which it became due, or to the reason why it is passed over; asked more than once. */
  readonly pick: (object: StoredObject) => Date | Passed;
  /** Keeps the place before more is sent. @returns false where somebody else does this work now, or nobody should */
  readonly keep: (sent: Sent<Passed>) => Promise<boolean>;
}

export interface Sent<Passed extends string> {
  readonly blobs: Counts<Passed | 'requested'>;
  /** Bytes of those that were sent. */
  readonly bytes: number;
  /** Where to go on; undefined at the end. */
  readonly places: Places | undefined;
  /** Nothing more is to be written about this work: {@link SendTerms.keep} resolved to false. */
  readonly overtaken: boolean;
}

/**
 * Sends stored contents to the rescanner, from a place on, until the time or the budget of the day is used up. Each
 * content is paid for before it is sent, by a reservation of the budget, and the place was kept before that: of two walks with one place, the
 * one that began first ends at its next reservation.
 * @throws {StorageError} where the bucket cannot be listed, and what `keep` throws
 */
export async function sendRescans<Passed extends string>(
  deps: SendDeps,
  { of = blobsOf(deps), pick, keep, ...terms }: SendTerms<Passed>,
): Promise<Sent<Passed>> {
  const isOver = stopAfter(terms);
  let left: Reserved = { day: '', files: 0, bytes: 0 };
  /** Bytes of the largest content for which too little is reserved. */
  let lacking: number | undefined;
  let bytes = 0;
  const blobs: Sent<Passed>['blobs'] = {};
  const visit = countOutcomes(deps.log, blobs, async (blob: StoredObject): Promise<Passed | 'requested'> => {
    const dueAt = pick(blob);
    if (typeof dueAt === 'string') return dueAt;
    left = { ...left, files: left.files - 1, bytes: left.bytes - blob.size };
    const request = await of.requestFor(blob, dueAt);
    if (typeof request === 'string') {
      left = { ...left, files: left.files + 1, bytes: left.bytes + blob.size };
      return request;
    }
    await deps.request(request);
    bytes += blob.size;
    return 'requested';
  });
  const isUnpaid = (blob: StoredObject | undefined): boolean => {
    if (!blob || typeof pick(blob) === 'string') return false;
    if (left.files >= 1 && left.bytes >= blob.size) return false;
    lacking = Math.max(lacking ?? 0, blob.size);
    return true;
  };
  const toEnd = (from: Places) =>
    walkRanges(of.ranges, from, isOver, (range, stopped) => {
      const stop = (blob?: StoredObject) => stopped() || isUnpaid(blob);
      return walk({ bucket: of.bucket, prefix: of.prefix, stop, visit, ...range });
    });
  try {
    let places: Places | undefined = await toEnd(terms.places);
    let overtaken = false;
    while (places && lacking !== undefined && !isOver()) {
      overtaken = !(await keep({ blobs, bytes, places, overtaken: false }));
      if (overtaken) break;
      const reserved: Reserved | undefined = await deps.budget.reserve(Math.max(0, lacking - left.bytes));
      if (!reserved) break;
      // The rest of yesterday's is not today's.
      const { files: filesLeft, bytes: bytesLeft } =
        reserved.day === left.day ? left : { files: 0, bytes: 0 };
      left = { ...reserved, files: reserved.files + filesLeft, bytes: reserved.bytes + bytesLeft };
      lacking = undefined;
      places = await toEnd(places);
    }
    return { blobs, bytes, places, overtaken };
  } finally {
    await refund(deps, left);
  }
}

function blobsOf({ permanent }: SendDeps): Contents<never> {
  return { bucket: permanent, prefix: BLOBS_PREFIX, ranges: BLOB_RANGES, requestFor: rescanRequest };
}

/** A part that cannot be given back is spent, which is no reason to forget what was sent. */
async function refund({ budget, log }: SendDeps, left: Reserved): Promise<void> {
  await budget.refund(left).catch((error: unknown) => {
    log.warn({ err: error, files: left.files, bytes: left.bytes }, 're-scan budget not returned');
  });
}
