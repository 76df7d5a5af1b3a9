import type { Http } from './http.ts';
import type { PageOptions } from './options.ts';

/**
 * The items of a list, whose pages are fetched as they are needed.
 * @param member of an answer: the items of the page
 * @param query of every request, beside those of paging
 */
export async function* pages<Item, Member extends string>(
  http: Http,
  path: string,
  member: Member,
  { pageSize, signal }: PageOptions = {},
  query = new URLSearchParams(),
): AsyncGenerator<Item> {
  if (pageSize !== undefined) query.set('limit', String(pageSize));
  for (;;) {
    const target = query.size === 0 ? path : `${path}?${query}`;
    type Page = Readonly<Record<Member, readonly Item[]>> & { readonly next?: string };
    const page = await http.json<Page>('GET', target, { signal });
    yield* page[member];
    if (page.next === undefined) return;
    query.set('cursor', page.next);
  }
}
