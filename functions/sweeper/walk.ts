import type { Listing } from '../../shared/storage/page.ts';

/** The most that Cloud Storage lists in one answer, and what is in memory at a time. */
const PAGE_SIZE = 1000;
/** Objects worked on at a time: most of the work is waiting for Cloud Storage. */
const CONCURRENCY = 16;

export interface Walk<Named extends { readonly name: string }> {
  readonly bucket: Listing<Named>;
  readonly prefix: string;
  /** The name to begin with, where it still exists; absent for the first. */
  readonly from?: string | undefined;
  /** The name to end before; absent for all. */
  readonly to?: string | undefined;
  /** Asked before each page, and before each object, which it is told. */
  readonly stop: (next?: Named) => boolean;
  /** Told of each page before its objects are visited. */
  readonly page?: (objects: readonly Named[]) => Promise<void>;
  /** Must not throw. */
  readonly visit: (object: Named) => Promise<void>;
}

/**
 * Visits the objects below a prefix in the order of their names, page by page. A started operation is finished. The
 * next page is listed while the objects of one are visited: a walk through many pages takes as long as listing them.
 * @returns the name to go on from where it was stopped ('' for the first), undefined at the end
 * @throws {StorageError} where a page cannot be listed, and what `page` throws
 */
export async function walk<Named extends { readonly name: string }>({
  bucket,
  prefix,
  from,
  to,
  stop,
  page: open,
  visit,
}: Walk<Named>): Promise<{ readonly from: string } | undefined> {
  const list = (pageToken?: string) => {
    const page = bucket.list({
      prefix,
      startOffset: from || undefined,
      endOffset: to,
      pageToken,
      maxResults: PAGE_SIZE,
    });
    // A failure is met where the page is awaited, unless the walk ends before.
    page.catch(() => undefined);
    return page;
  };
  let reached = from ?? '';
  if (stop()) return { from: reached };
  for (let listing = list(); ; ) {
    const { objects, nextPageToken } = await listing;
    const upcoming = nextPageToken && !stop() ? list(nextPageToken) : undefined;
    if (objects.length > 0) await open?.(objects);
    const next = await visitAll(objects, stop, visit);
    if (next) return { from: next.name };
    if (!nextPageToken) return undefined;
    reached = objects.at(-1)?.name ?? reached;
    if (!upcoming || stop()) return { from: reached };
    listing = upcoming;
  }
}

/** @returns the first object that was not visited */
async function visitAll<Named extends { readonly name: string }>(
  objects: readonly Named[],
  stop: Walk<Named>['stop'],
  visit: Walk<Named>['visit'],
): Promise<Named | undefined> {
  let next = 0;
  const work = async (): Promise<void> => {
    for (let object = objects[next]; object && !stop(object); object = objects[next]) {
      next++;
      await visit(object);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  return objects[next];
}
