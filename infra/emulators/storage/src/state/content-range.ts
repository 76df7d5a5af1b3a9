import { invalid } from '../api-error.ts';

/**
 * The content of a session's request, from `bytes 0-9/10`. Either end may be an asterisk: the total of all
 * but the last chunk, and the last byte where tus and Google's SDK stream. No header means all,
 * from byte 0.
 */
export interface ChunkRange {
  readonly first: number;
  /** Inclusive; undefined where it is known only when the request ends. */
  readonly last: number | undefined;
  /** Bytes of the whole object, where known. */
  readonly total: number | undefined;
}

/** @throws ApiError 400 */
export function parseChunkRange(header: string | undefined, contentLength: string | undefined): ChunkRange {
  if (header === undefined) return { first: 0, last: undefined, total: undefined };
  const [, first, last, total] = /^bytes (\d{1,15})-(\d{1,15}|\*)\/(\d{1,15}|\*)$/.exec(header) ?? [];
  if (first === undefined) throw invalid(`Failed to parse Content-Range header: ${header}`);
  const range = { first: Number(first), last: number(last), total: number(total) };
  const length = range.last === undefined ? undefined : range.last - range.first + 1;
  if (
    (length !== undefined && length <= 0) ||
    (length !== undefined && contentLength !== undefined && length !== Number(contentLength)) ||
    (range.total !== undefined && (range.last ?? range.first - 1) >= range.total)
  ) {
    throw invalid(`Invalid Content-Range header: ${header}`);
  }
  return range;
}

// The total of a status query, which has an asterisk for its bytes: `bytes */10`. Throws ApiError 400.
export function parseQueriedTotal(header: string | undefined): number | undefined {
  const [match, total] = /^bytes \*\/(\d{1,15}|\*)$/.exec(header ?? '') ?? [];
  if (match === undefined) throw invalid(`Failed to parse Content-Range header: ${header}`);
  return number(total);
}

const number = (text: string | undefined): number | undefined =>
  text === undefined || text === '*' ? undefined : Number(text);
