import { defined } from '../runtime/defined.ts';
import type { ListOptions } from './bucket.ts';
import type { StoredObject } from './object.ts';

/** How many objects Cloud Storage lists in one answer at most. */
const MAX_RESULTS = 1000;
/** The cost limit of one page: a filter that lets little through makes pages short, not slow. */
const MAX_CALLS = 5;

/** Anything that can be listed like a bucket. */
export interface Listing<Named extends { readonly name: string }> {
  list(
    options: ListOptions,
  ): Promise<{ readonly objects: Named[]; readonly nextPageToken: string | undefined }>;
}

/** Which page is wanted of a folder. */
export interface PageTerms {
  /** The name in the folder to go on after; whether it still exists does not matter. */
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
  /** The name in the folder to go on after; absent at the end. A page may be short, or empty, and have one. */
  readonly next?: string;
}

/**
 * The next items in a folder, in the order of names. The work is bounded whatever is left out.
 * @param pick makes an item of an object; undefined leaves it out
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

/** Every object below a prefix, in the order of names, of which a page is in memory at a time. @throws {StorageError} */
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
