import { BLOBS_PREFIX } from '../../../shared/files/blob-name.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';
import { type Places, walkRanges } from '../ranges.ts';
import type { PerDay } from '../rescan-budget.ts';
import type { RestoreDeps } from '../restore.ts';
import { BLOB_RANGES } from '../send-rescans.ts';
import { type SweepTerms, stopAfter } from '../sweep-terms.ts';
import { walk } from '../walk.ts';
import { type Criteria, picks, picksQuarantined } from './order.ts';

const PAGE_SIZE = 1_000;
/** US dollars of an operation of class A and B: https://cloud.google.com/storage/pricing */
const CLASS_A_DOLLARS = 0.005 / 1_000;
const CLASS_B_DOLLARS = 0.0004 / 1_000;
/** US dollars of a second of the rescanner's three processors: docs/performance.md */
const SECOND_DOLLARS = 3 * 0.000024;
/** Assumptions for one scan, as in docs/performance.md. */
const FILE_SECONDS = 0.02;
const BYTES_PER_SECOND = 50_000_000;

/** The size and cost of a job, before it starts. */
interface Estimate {
  /** Contents that will be scanned, and bytes of them. */
  readonly files: number;
  readonly bytes: number;
  /** False where the names of a part were counted, and the rest was reckoned. */
  readonly exact: boolean;
  /** Pages of names that the walk lists. */
  readonly listings: number;
  /** Seconds of scans, one after another. */
  readonly scanSeconds: number;
  /** Days for which it uses up the budget; absent where there is none. */
  readonly days?: number;
  /** US dollars. */
  readonly dollars: number;
}

export interface EstimateDeps extends PerDay, Pick<RestoreDeps, 'permanent' | 'quarantine' | 'now'> {}

/**
 * Says what a job will take, by the names and metadata of what is stored: no byte is read, nothing is sent. Names are digests, so that
 * those of a part say how many there are in all, within a few per cent.
 * @param terms the time for it, after which the rest is reckoned
 * @throws {StorageError}
 */
export async function estimateRescan(
  deps: EstimateDeps,
  criteria: Criteria,
  terms: SweepTerms,
): Promise<Estimate> {
  const stop = stopAfter(terms);
  const at = deps.now();
  let [blobs, files, bytes] = [0, 0, 0];
  const visit = async (blob: StoredObject): Promise<void> => {
    blobs++;
    if (typeof pick(blob, criteria, at) === 'string') return;
    files++;
    bytes += blob.size;
  };
  const { quarantine = deps.permanent } = deps;
  const [bucket, prefix, ranges, pick] = criteria.quarantine
    ? [quarantine, '', [{ from: '', to: undefined }], picksQuarantined]
    : [deps.permanent, BLOBS_PREFIX, BLOB_RANGES, picks];
  const places = await walkRanges(ranges, {}, stop, (range, isOver) =>
    walk({ bucket, prefix, stop: isOver, visit, ...range }),
  );
  // Names of files are no digests: of what is in quarantine, the rest is not known.
  const share = criteria.quarantine ? 1 : shareOf(places);
  const whole = (counted: number) => (share > 0 ? Math.round(counted / share) : 0);
  return costOf({ blobs: whole(blobs), files: whole(files), bytes: whole(bytes), exact: !places }, deps);
}

function costOf(
  { blobs, files, bytes, exact }: { blobs: number; files: number; bytes: number; exact: boolean },
  { filesPerDay, bytesPerDay }: EstimateDeps,
): Estimate {
  const listings = Math.max(BLOB_RANGES.length, Math.ceil(blobs / PAGE_SIZE));
  const scanSeconds = Math.ceil(files * FILE_SECONDS + bytes / BYTES_PER_SECOND);
  // The rescanner reads the metadata of content and finding, then the bytes, and writes once.
  const operations = listings * CLASS_A_DOLLARS + files * (CLASS_A_DOLLARS + 3 * CLASS_B_DOLLARS);
  const dollars = Math.round((operations + scanSeconds * SECOND_DOLLARS) * 1e6) / 1e6;
  const days = Math.max(Math.ceil(files / filesPerDay), Math.ceil(bytes / bytesPerDay));
  return { files, bytes, exact, listings, scanSeconds, ...(Number.isFinite(days) && { days }), dollars };
}

/** The share of all names that a walk has come through, 0 to 1. @param places where it goes on; undefined at its end */
export function shareOf(places: Places | undefined): number {
  if (!places) return 1;
  const shares = BLOB_RANGES.map(({ from, to }, at) => {
    const place = places[`range${at}`] ?? from;
    if (!place.startsWith(BLOBS_PREFIX)) return 1;
    const [start, end] = [fractionOf(from), to === undefined ? 1 : fractionOf(to)];
    return Math.min(1, Math.max(0, (fractionOf(place) - start) / (end - start)));
  });
  return shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

/** Where a name is among all digests: 48 bits are as exact as a number is. */
function fractionOf(name: string): number {
  const digits = name.slice(BLOBS_PREFIX.length, BLOBS_PREFIX.length + 12);
  return (Number.parseInt(digits.padEnd(12, '0'), 16) || 0) / 2 ** 48;
}
