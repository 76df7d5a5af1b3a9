import { BLOBS_PREFIX, digestOf } from '../../../shared/files/blob-name.ts';
import { ACCEPTED_PREFIX } from '../../../shared/files/blobs.ts';
import { parseSha256, type Sha256 } from '../../../shared/files/record.ts';
import { defined } from '../../../shared/runtime/defined.ts';
import type { Bucket } from '../../../shared/storage/bucket.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';
import { HEX_DIGITS, type Places, rangesOf, walkRanges } from '../ranges.ts';
import { type SweepTerms, stopAfter } from '../sweep-terms.ts';
import { walk } from '../walk.ts';
import type { Indicators } from './indicators.ts';

const SIDE_BY_SIDE = 16;
/** Names of blobs are digests: each range has as many. Files that were accepted unscanned are one range: most deployments have none. */
const RANGES = [
  ...rangesOf(BLOBS_PREFIX, HEX_DIGITS, SIDE_BY_SIDE),
  { from: ACCEPTED_PREFIX, to: undefined },
];
const PAGE_SIZE = 1_000;
/** US dollars of one listing, a class A operation of standard storage: https://cloud.google.com/storage/pricing */
const LISTING_DOLLARS = 0.005 / 1_000;
/** Seconds, an assumption as in docs/operations.md. */
const LISTING_SECONDS = 0.3;

/** The cost of a hunt, before it or after. */
interface HuntCost {
  /** Contents that are stored. */
  readonly blobs: number;
  /** Requests to Cloud Storage, each the listing of a page: no byte of a content is read. */
  readonly listings: number;
  readonly seconds: number;
  /** US dollars. */
  readonly dollars: number;
}

/** A stored content that is hunted for. */
export interface Hit {
  readonly sha256: Sha256;
  /** Bytes. */
  readonly size: number;
  /** The digest that the list has. */
  readonly by: 'sha256' | 'md5';
  /** RFC 3339: when it was stored. */
  readonly storedAt: string;
}

export interface HuntReport extends HuntCost {
  readonly hits: number;
  /** Contents whose MD5 Cloud Storage does not know, because they were composed: of those, SHA-256 alone was compared. */
  readonly withoutMd5: number;
  /** Where to go on from; absent at the end. */
  readonly next?: Places;
}

interface HuntTerms extends SweepTerms {
  /** Where an earlier call stopped. */
  readonly from?: Places | undefined;
  /** Told of each hit; the walk waits for it. */
  readonly found: (hit: Hit) => Promise<void>;
}

/**
 * Says what a hunt will take, from one page: names are digests, so that the last name of a page says what share of all names
 * comes before it. Within a few per cent.
 * @throws {StorageError}
 */
export async function estimateHunt(permanent: Bucket): Promise<HuntCost> {
  const { objects, nextPageToken } = await permanent.list({ prefix: BLOBS_PREFIX, maxResults: PAGE_SIZE });
  const last = objects.at(-1)?.name.slice(BLOBS_PREFIX.length) ?? '';
  // 48 bits are as exact as a number is.
  const share = (Number.parseInt(last.slice(0, 12), 16) + 1) / 2 ** 48;
  const blobs = nextPageToken ? Math.round(objects.length / share) : objects.length;
  const listings = Math.max(SIDE_BY_SIDE, Math.ceil(blobs / PAGE_SIZE));
  return {
    blobs,
    listings,
    seconds: Math.ceil((listings / SIDE_BY_SIDE) * LISTING_SECONDS),
    dollars: dollarsOf(listings),
  };
}

/**
 * Finds the stored contents that a list of digests names, by a walk through the names of all: no byte is read.
 * @throws {StorageError} and what `found` throws
 */
export async function hunt(
  permanent: Bucket,
  { sha256, md5 }: Pick<Indicators, 'sha256' | 'md5'>,
  { from = {}, found, ...terms }: HuntTerms,
): Promise<HuntReport> {
  const start = performance.now();
  const stop = stopAfter(terms);
  let [blobs, listings, hits, withoutMd5] = [0, 0, 0, 0];
  const visit = async (object: StoredObject): Promise<void> => {
    const digest = digestOf(object.name) ?? parseSha256(object.metadata['sha256'] ?? '');
    if (!digest) return;
    blobs++;
    if (!object.md5) withoutMd5++;
    const by = sha256.has(Buffer.from(digest, 'hex'))
      ? 'sha256'
      : object.md5 && md5.has(Buffer.from(object.md5, 'base64'))
        ? 'md5'
        : undefined;
    if (!by) return;
    hits++;
    const { size, timeCreated } = object;
    await found({ sha256: digest, size, by, storedAt: timeCreated.toISOString() });
  };
  const counted = {
    list: (options: Parameters<Bucket['list']>[0]) => {
      listings++;
      return permanent.list(options);
    },
  };
  const next = await walkRanges(RANGES, from, stop, (range, isOver) =>
    walk({
      bucket: counted,
      prefix: range.from.startsWith(ACCEPTED_PREFIX) ? ACCEPTED_PREFIX : BLOBS_PREFIX,
      stop: isOver,
      visit,
      ...range,
    }),
  );
  const seconds = Math.round((performance.now() - start) / 100) / 10;
  return { hits, blobs, withoutMd5, listings, seconds, dollars: dollarsOf(listings), ...defined({ next }) };
}

function dollarsOf(listings: number): number {
  return Math.round(listings * LISTING_DOLLARS * 1e6) / 1e6;
}
