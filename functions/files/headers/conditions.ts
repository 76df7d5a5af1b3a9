import type { IncomingHttpHeaders } from 'node:http';
import { MAX_FIELD_LENGTH, membersOf } from '../../../shared/http/list.ts';

/** Validators that tell one version of a content from another. */
interface Validators {
  /** A strong entity tag, with its quotes. */
  readonly etag: string;
  /** Whole seconds matter: a header holds no more. */
  readonly lastModified: Date;
}

/**
 * The result of a GET's or HEAD's conditions, in the order of RFC 9110 section 13.2.2. To be asked only once it is
 * known that the answer would be 2xx without them (section 13.2.1). Invalid values are ignored.
 * @returns 'failed' for a 412, 'notModified' for a 304
 */
export function conditionsOf(
  headers: IncomingHttpHeaders,
  current: Validators,
): 'proceed' | 'notModified' | 'failed' {
  const modified = wholeSeconds(current.lastModified);
  const match = headers['if-match'];
  const unmodifiedSince = parseHttpDate(headers['if-unmodified-since']);
  if (match !== undefined) {
    if (!names(match, current.etag, 'strong')) return 'failed';
  } else if (unmodifiedSince !== undefined && modified > unmodifiedSince) return 'failed';

  const noneMatch = headers['if-none-match'];
  const modifiedSince = parseHttpDate(headers['if-modified-since']);
  if (noneMatch !== undefined) return names(noneMatch, current.etag, 'weak') ? 'notModified' : 'proceed';
  return modifiedSince !== undefined && modified <= modifiedSince ? 'notModified' : 'proceed';
}

/**
 * Whether a Range may be answered, as far as If-Range (section 13.1.5) says. Its date is a strong validator here:
 * the bytes of a file never change.
 */
export function rangeApplies(ifRange: string | string[] | undefined, current: Validators): boolean {
  if (ifRange === undefined) return true;
  if (typeof ifRange !== 'string') return false;
  return ifRange === current.etag || parseHttpDate(ifRange) === wholeSeconds(current.lastModified);
}

/** Whether a list of entity tags, or `*`, names this one (section 8.8.3.2). One that is too long names none. */
function names(list: string, etag: string, comparison: 'strong' | 'weak'): boolean {
  if (list.length > MAX_FIELD_LENGTH) return false;
  if (list.trim() === '*') return true;
  const tags = membersOf(list, { escapes: false });
  return tags.some((tag) => (comparison === 'weak' ? tag.replace(/^W\//, '') : tag) === etag);
}

const IMF_FIXDATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;
const RFC_850 = /^[A-Z][a-z]{5,8}, (\d{2})-([A-Z][a-z]{2})-(\d{2}) (\d{2}:\d{2}:\d{2}) GMT$/;
const ASCTIME = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/;

/**
 * The three forms of section 5.6.7 and nothing else, although `Date.parse` would read a lot more.
 * @returns milliseconds since 1970; undefined for what is no date
 */
function parseHttpDate(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, day, month, year, time] = RFC_850.exec(text) ?? [];
  let normal: string | undefined;
  if (IMF_FIXDATE.test(text)) normal = text;
  else if (ASCTIME.test(text)) normal = `${text} GMT`;
  else if (year !== undefined) normal = `${day} ${month} ${century(Number(year))} ${time} GMT`;
  const at = Date.parse(normal ?? '');
  return Number.isNaN(at) ? undefined : at;
}

/** Two digits that would be more than 50 years ahead are of the past century. */
function century(year: number): number {
  const now = new Date().getUTCFullYear();
  const full = now - (now % 100) + year;
  return full > now + 50 ? full - 100 : full;
}

function wholeSeconds(date: Date): number {
  return Math.floor(date.getTime() / 1000) * 1000;
}
