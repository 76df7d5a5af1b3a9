import { invalidRequest } from '../../../shared/http/problems.ts';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;
/** Characters: more than any position of ours takes, which is a file id or a digest. */
const MAX_CURSOR_LENGTH = 256;

/** Query parameters of a listing. */
export const PAGING: readonly string[] = ['limit', 'cursor'];

/** `limit`, from 1 to 1 000. @throws {Problem} */
export function limitOf(query: URLSearchParams): number {
  const text = query.get('limit');
  if (text === null) return DEFAULT_LIMIT;
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw invalidRequest(`limit should be a whole number from 1 to ${MAX_LIMIT}.`);
}

/**
 * The position that an earlier page ended at, in what a client can only hand back: base64url.
 * @throws {Problem} where it is none of ours
 */
export function positionIn<Position extends string>(
  query: URLSearchParams,
  parse: (text: string) => Position | undefined,
): Position | undefined {
  const cursor = query.get('cursor');
  if (cursor === null) return undefined;
  const position =
    cursor.length > MAX_CURSOR_LENGTH ? undefined : parse(Buffer.from(cursor, 'base64url').toString());
  if (position !== undefined && cursorOf(position) === cursor) return position;
  throw invalidRequest('cursor is not one that an earlier page gave.');
}

export function cursorOf(position: string): string {
  return Buffer.from(position).toString('base64url');
}

/** `Link` to the next page (RFC 8288), with what else was asked for. */
export function nextLink(path: string, query: URLSearchParams, next: string): Record<string, string> {
  const following = new URLSearchParams(query);
  following.set('cursor', next);
  return { link: `<${path}?${following}>; rel="next"` };
}
