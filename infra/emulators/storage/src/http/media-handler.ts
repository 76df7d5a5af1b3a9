import { ApiError, invalid } from '../api-error.ts';
import {
  checkPreconditions,
  conditionNotMet,
  parsePreconditions,
  parseVersion,
} from '../state/preconditions.ts';
import type { Store } from '../state/store.ts';
import type { StoredObject } from '../state/stored-object.ts';
import type { Call, Handler } from './call.ts';
import { etag } from './resource.ts';
import { checkSignedUrl, overriddenHeaders } from './signed-url.ts';

/** Downloads. Source: Cloud Storage JSON API, Objects: get with `alt=media`. */
export function mediaHandler(store: Store): Record<'objects.getMedia', Handler> {
  return {
    'objects.getMedia': (call) => {
      const { bucket, name } = call.route.target;
      if (call.route.signed) checkSignedUrl(call.query, store.now());
      const object = store.object(bucket, name, parseVersion('generation', call.query.get('generation')));
      checkPreconditions(parsePreconditions(call.query), object, 'read');
      checkEtags(call, object);
      const { content, size } = object;
      const headers = { ...mediaHeaders(object), ...overriddenHeaders(call) };
      checkTranscoding(call, object);
      const range = parseRange(rangeOf(call, object), size);
      if (range === undefined) {
        headers['content-length'] = String(size);
        return { status: 200, headers, media: { content, first: 0, length: size } };
      }
      const { first, length } = range;
      headers['content-length'] = String(length);
      headers['content-range'] = `bytes ${first}-${first + length - 1}/${size}`;
      return { status: 206, headers, media: { content, first, length } };
    },
  };
}

/** `If-Match` and `If-None-Match` against the resource's etag. @throws ApiError 412 | 304 */
export function checkEtags(call: Call, object: StoredObject): void {
  const current = etag(object);
  const names = (header: string | undefined): boolean =>
    header
      ?.split(',')
      .map((part) => part.trim().replaceAll('"', ''))
      .some((part) => part === '*' || part === current) ?? false;
  const { 'if-match': match, 'if-none-match': noneMatch } = call.headers;
  if (match !== undefined && !names(match)) throw conditionNotMet();
  if (names(noneMatch)) throw new ApiError(304, 'notModified', 'Not Modified');
}

/**
 * Cloud Storage decompresses for clients that do not accept gzip, and ranges count in the compressed bytes.
 * Source: https://cloud.google.com/storage/docs/transcoding @throws ApiError 400
 */
function checkTranscoding(call: Call, { settable: { contentEncoding } }: StoredObject): void {
  if (contentEncoding !== 'gzip' || /\bgzip\b/.test(String(call.headers['accept-encoding']))) return;
  throw invalid('Decompressive transcoding is not supported by this emulator.');
}

/** A range holds only for the version that If-Range names (RFC 9110 section 13.1.5). */
function rangeOf({ headers }: Call, object: StoredObject): string | undefined {
  const validator = headers['if-range'];
  return validator === undefined || String(validator).replaceAll('"', '') === etag(object)
    ? headers.range
    : undefined;
}

function mediaHeaders(object: StoredObject): Record<string, string> {
  const { settable, md5Hash } = object;
  const headers: Record<string, string> = {
    'content-type': settable.contentType ?? 'application/octet-stream',
    etag: etag(object),
    'last-modified': new Date(object.updated).toUTCString(),
    'x-goog-generation': String(object.generation),
    'x-goog-metageneration': String(object.metageneration),
    'x-goog-hash': `crc32c=${object.crc32c}${md5Hash === undefined ? '' : `,md5=${md5Hash}`}`,
    'x-goog-stored-content-length': String(object.size),
    'x-goog-stored-content-encoding': settable.contentEncoding ?? 'identity',
    'x-goog-storage-class': settable.storageClass ?? 'STANDARD',
    'cache-control': settable.cacheControl ?? 'no-cache, no-store, max-age=0, must-revalidate',
    'accept-ranges': 'bytes',
  };
  if (settable.contentDisposition !== undefined) headers['content-disposition'] = settable.contentDisposition;
  if (settable.contentEncoding !== undefined) headers['content-encoding'] = settable.contentEncoding;
  if (settable.contentLanguage !== undefined) headers['content-language'] = settable.contentLanguage;
  return headers;
}

/**
 * One range; anything else is ignored, as RFC 9110 section 14.2 lets a server do.
 * @throws ApiError 416
 */
function parseRange(header: string | undefined, size: number): { first: number; length: number } | undefined {
  const [match, from, to] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if (match === undefined || from === undefined || to === undefined || match === 'bytes=-') return undefined;
  if (from === '') {
    const length = Math.min(Number(to), size);
    if (length === 0) throw rangeNotSatisfiable(size);
    return { first: size - length, length };
  }
  const first = Number(from);
  if (to !== '' && Number(to) < first) return undefined;
  if (first >= size) throw rangeNotSatisfiable(size);
  const last = to === '' ? size - 1 : Math.min(Number(to), size - 1);
  return { first, length: last - first + 1 };
}

const rangeNotSatisfiable = (size: number): ApiError =>
  new ApiError(416, 'requestedRangeNotSatisfiable', 'Request range not satisfiable', {
    'content-range': `bytes */${size}`,
  });
