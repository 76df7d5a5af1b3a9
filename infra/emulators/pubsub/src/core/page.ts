import { invalid } from './status.ts';

interface PageRequest {
  readonly pageSize: number;
  readonly pageToken: string;
}

interface Page<T> {
  readonly items: readonly T[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

const largest = 1000;

/** A page of `all`, by name. The token is the last name of the page before, so that deletions skip nothing. */
export function pageOf<T extends { readonly name: string }>(
  all: readonly T[],
  { pageSize, pageToken }: PageRequest,
): Page<T> {
  if (pageSize < 0) throw invalid('page_size must not be negative.');
  const after = Buffer.from(pageToken, 'base64url').toString();
  const rest = all.filter(({ name }) => name > after).sort((a, b) => (a.name < b.name ? -1 : 1));
  const items = rest.slice(0, pageSize === 0 ? largest : Math.min(pageSize, largest));
  const last = items.length < rest.length ? (items.at(-1)?.name ?? '') : '';
  return { items, nextPageToken: Buffer.from(last).toString('base64url') };
}
