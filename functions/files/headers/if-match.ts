import { MAX_FIELD_LENGTH, membersOf } from '../../../shared/http/list.ts';
import { invalidRequest, Problem } from '../../../shared/http/problems.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';

/** If-Match (RFC 9110 section 13.1.1): any version that exists, or one of these entity tags. */
export type IfMatch = '*' | readonly string[];

/** `"…"` alone: a weak tag never matches strongly, so it is kept out of the list and out of the answer. */
const TAG = /^(W\/)?("[\x21\x23-\x7e\x80-\xff]*")$/;

/**
 * @returns undefined where the header is absent
 * @throws {Problem} where it is neither `*` nor a list of entity tags, or too long
 */
export function ifMatchOf(header: string | undefined): IfMatch | undefined {
  if (header === undefined) return undefined;
  if (header.length > MAX_FIELD_LENGTH) throw invalidRequest('If-Match is too long.');
  if (header.trim() === '*') return '*';
  // A comma may stand inside a tag, a quotation mark may not.
  const tags = membersOf(header, { escapes: false }).map((member) => TAG.exec(member));
  if (tags.length === 0 || tags.some((tag) => tag === null)) {
    throw invalidRequest('If-Match is neither * nor a list of entity tags.');
  }
  return tags.flatMap((tag) => (tag?.[1] === undefined && tag?.[2] !== undefined ? [tag[2]] : []));
}

/** The entity tag of a record: strong, and another after every write. */
export function versionTag({ generation, metageneration }: StoredObject): string {
  return `"${generation}-${metageneration}"`;
}

/**
 * @param present the tags that the resource has now, the one to tell the client first
 * @throws {Problem} 412 where none of them is asked for
 */
export function requireMatch(ifMatch: IfMatch | undefined, present: readonly [string, ...string[]]): void {
  if (ifMatch === undefined || ifMatch === '*') return;
  if (ifMatch.some((tag) => present.includes(tag))) return;
  throw new Problem('precondition-failed', { headers: { etag: present[0] } });
}
