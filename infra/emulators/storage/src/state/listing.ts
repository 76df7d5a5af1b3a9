import { invalid } from '../api-error.ts';
import type { NameIndex } from './name-index.ts';
import { compareNames } from './name-order.ts';

/** Source: Cloud Storage JSON API, Objects: list. */
interface ListingRequest {
  readonly prefix: string;
  readonly delimiter: string;
  /** Names at or after it. */
  readonly startOffset: string;
  /** Names before it; empty for no end. */
  readonly endOffset: string;
  readonly includeTrailingDelimiter: boolean;
  readonly maxResults: number;
  readonly pageToken: string;
}

interface Listing {
  readonly names: readonly string[];
  readonly prefixes: readonly string[];
  readonly nextPageToken: string | undefined;
}

/** One page of names and common prefixes; a common prefix is found by one bisection, however many it covers. */
export function listNames(index: NameIndex, request: ListingRequest): Listing {
  const { prefix, delimiter, endOffset } = request;
  const names: string[] = [];
  const prefixes: string[] = [];
  const start = compareNames(prefix, request.startOffset) > 0 ? prefix : request.startOffset;
  const passed = request.pageToken === '' ? () => true : afterToken(request.pageToken);
  let cursor = index.from((name) => compareNames(name, start) >= 0 && passed(name));
  let last = '';
  for (let next = cursor.next(); !next.done; next = cursor.next()) {
    const name = next.value;
    if (!name.startsWith(prefix) || (endOffset !== '' && compareNames(name, endOffset) >= 0)) break;
    if (names.length + prefixes.length >= request.maxResults) return { names, prefixes, nextPageToken: last };
    const cut = delimiter === '' ? -1 : name.indexOf(delimiter, prefix.length);
    if (cut < 0) {
      names.push(name);
      last = token('name', name);
      continue;
    }
    const common = name.slice(0, cut + delimiter.length);
    prefixes.push(common);
    if (request.includeTrailingDelimiter && name === common) names.push(name);
    last = token('prefix', common);
    cursor = index.from(afterPrefix(common));
  }
  return { names, prefixes, nextPageToken: undefined };
}

const afterPrefix =
  (prefix: string) =>
  (name: string): boolean =>
    compareNames(name, prefix) > 0 && !name.startsWith(prefix);

const token = (kind: 'name' | 'prefix', value: string): string =>
  Buffer.from(`${kind}:${value}`).toString('base64url');

function afterToken(text: string): (name: string) => boolean {
  const [, kind, value] = /^(name|prefix):(.*)$/s.exec(Buffer.from(text, 'base64url').toString()) ?? [];
  if (value === undefined) throw invalid('Invalid value for: pageToken');
  return kind === 'prefix' ? afterPrefix(value) : (name) => compareNames(name, value) > 0;
}
