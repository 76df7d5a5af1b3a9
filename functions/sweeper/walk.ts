import type { Listing } from '../../shared/storage/page.ts';
import { visitSideBySide } from './side-by-side.ts';

/** The most that Cloud Storage lists in one answer, and what is in memory at a time. */
const PAGE_SIZE = 1000;

export interface Walk<Named extends { readonly name: string }> {
  readonly bucket: Listing<Named>;
  readonly prefix: string;
  /** The name to begin with, where it still exists; absent for the first. */
  readonly from?: string | undefined;
  /** The name to end before; absent for all. */
  readonly to?: string | undefined;
  /** Asked before each page, and before each object, which it is told. */
  readonly stop: (next?: Named) => boolean;
  /** Called with each page before its objects are visited. */
  readonly page?: (objects: readonly Named[]) => Promise<void>;
  readonly visit: (object: Named) => Promise<void>;
}

/**
 * Visits the objects below a prefix in the order of their names, page by page. A started visit is finished. The
 * next page is listed while the objects of one are visited: a walk through many pages takes as long as listing them.
 * @returns the name to go on from where it was stopped ('' for the first), undefined at the end
 * @throws {StorageError} where a page cannot be listed, and what `page` and `visit` throw
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
    const next = await visitSideBySide(objects, visit, stop);
    if (next) return { from: next.name };
    if (!nextPageToken) return undefined;
    reached = objects.at(-1)?.name ?? reached;
    if (!upcoming || stop()) return { from: reached };
    listing = upcoming;
  }
}
