import { defined } from '../runtime/defined.ts';
import type { ListOptions } from './bucket.ts';
import type { StoredObject } from './object.ts';

/** How many objects Cloud Storage lists in one answer at most. */
const MAX_RESULTS = 1000;
/** Listing calls per page: a filter that matches little makes pages short, not slow. */
const MAX_CALLS = 5;

/** Anything that can be listed like a bucket. */
export interface Listing<Named extends { readonly name: string }> {
  list(
    options: ListOptions,
  ): Promise<{ readonly objects: Named[]; readonly nextPageToken: string | undefined }>;
}

/** Which page is wanted of a folder. */
export interface PageTerms {
  /** Name in the folder to continue after; it need not exist any more. */
  readonly after: string | undefined;
  /** Items of a full page, 1 to 1 000. */
  readonly limit: number;
  readonly signal: AbortSignal;
}

export interface PageRequest<Named extends { readonly name: string }> extends PageTerms {
  readonly bucket: Listing<Named>;
  /** All names begin with it, and positions leave it out. */
  readonly folder?: string;
  /** The beginning of names in the folder. */
  readonly prefix?: string;
}

export interface Page<Item> {
  readonly items: Item[];
  /**
   * Name in the folder to continue after; absent at the end. Pages may be short or empty: continue while it is present.
   */
  readonly next?: string;
}

/**
 * Returns the next items in a folder, sorted by name. The work is bounded even if most objects are filtered out.
 * @param pick maps an object to an item; undefined leaves it out
 * @throws {StorageError} and what `pick` throws
 */
export async function pageOf<Item, Named extends { readonly name: string }>(
  { bucket, folder = '', prefix = '', limit, signal, ...terms }: PageRequest<Named>,
  pick: (object: Named) => Item | undefined,
): Promise<Page<Item>> {
  const items: Item[] = [];
  const after = terms.after === undefined ? undefined : folder + terms.after;
  const range = { prefix: folder + prefix, startOffset: after, signal };
  let reached = terms.after;
  for (let calls = 0, pageToken: string | undefined; calls < MAX_CALLS; calls++) {
    // Mostly the first call fills the page. The name to go on after is listed too, and left out.
    const wanted = calls > 0 ? MAX_RESULTS : limit + (after === undefined ? 0 : 1);
    const maxResults = Math.min(wanted, MAX_RESULTS);
    const listed = await bucket.list({ ...range, pageToken, maxResults });
    for (const object of listed.objects) {
      if (object.name === after) continue;
      if (items.length === limit && reached !== undefined) return { items, next: reached };
      reached = object.name.slice(folder.length);
      const item = pick(object);
      if (item !== undefined) items.push(item);
    }
    pageToken = listed.nextPageToken;
    if (!pageToken) return { items };
    if (items.length === limit) break;
  }
  return { items, ...defined({ next: reached }) };
}

/**
 * Iterates over the objects below a prefix, sorted by name, with one page in memory at a time. @throws {StorageError}
 */
export async function* allObjects<Named extends { readonly name: string } = StoredObject>(
  bucket: Listing<Named>,
  range: Pick<ListOptions, 'prefix' | 'startOffset' | 'endOffset'>,
): AsyncGenerator<Named, void, undefined> {
  for (let pageToken: string | undefined; ; ) {
    const page = await bucket.list({ ...range, pageToken, maxResults: MAX_RESULTS });
    yield* page.objects;
    pageToken = page.nextPageToken;
    if (!pageToken) return;
  }
}
