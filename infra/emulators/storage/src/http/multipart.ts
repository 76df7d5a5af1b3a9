import { invalid } from '../api-error.ts';
import { type JsonRecord, MAX_JSON_BYTES, parseRecord } from '../json-body.ts';

interface MultipartUpload {
  readonly resource: JsonRecord;
  /** Content type of the media part; undefined where it has none, as rclone's. */
  readonly contentType: string | undefined;
  /** @throws ApiError 400 when the closing delimiter is missing */
  readonly media: AsyncIterable<Buffer>;
}

/**
 * Splits a `multipart/related` upload as it streams by: first the resource, then the media.
 * Lines end in CRLF, or in LF alone as gcloud's do; the first line tells which.
 * Source: RFC 2046 section 5.1, RFC 2387, Cloud Storage JSON API "Multipart uploads".
 * @throws ApiError 400
 */
export async function readMultipart(
  contentType: string | undefined,
  body: AsyncIterable<Buffer>,
): Promise<MultipartUpload> {
  const boundary = parseBoundary(contentType ?? '');
  const source = body[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  for (;;) {
    const parsed = parseHead(head, boundary);
    if (parsed !== undefined) {
      const delimiter = Buffer.from(`${parsed.newline}--${boundary}`);
      const media = untilDelimiter(parsed.rest, source, delimiter);
      return { resource: parsed.resource, contentType: parsed.contentType, media };
    }
    if (head.length > MAX_JSON_BYTES) throw invalid('Multipart body: the metadata part is too large.');
    const next = await source.next();
    if (next.done === true) throw invalid('Multipart body: expected two parts.');
    head = Buffer.concat([head, next.value]);
  }
}

function parseBoundary(contentType: string): string {
  const [, quoted, bare] =
    /^multipart\/related\s*;.*?boundary=(?:"([^"]+)"|([^\s;"']+)|'[^']+')/i.exec(contentType) ?? [];
  const boundary = quoted ?? bare ?? /boundary='([^']+)'/i.exec(contentType)?.[1];
  if (boundary === undefined) throw invalid('Multipart body: no boundary in Content-Type.');
  return boundary;
}

interface Head {
  readonly newline: string;
  readonly resource: JsonRecord;
  readonly contentType: string | undefined;
  readonly rest: Buffer;
}

/** Everything before the media; undefined while it has not come whole. */
function parseHead(head: Buffer, boundary: string): Head | undefined {
  const opening = Buffer.from(`--${boundary}`);
  const start = head.indexOf(opening);
  const lineEnd = head.indexOf('\n', start + opening.length);
  if (start < 0 || lineEnd < 0) return undefined;
  const newline = head[lineEnd - 1] === 0x0d ? '\r\n' : '\n';
  const blank = newline + newline;
  const resourceStart = head.indexOf(blank, lineEnd - newline.length + 1);
  if (resourceStart < 0) return undefined;
  const resourceEnd = head.indexOf(`${newline}--${boundary}${newline}`, resourceStart);
  if (resourceEnd < 0) return undefined;
  const headersStart = resourceEnd + newline.length + opening.length;
  const mediaStart = head.indexOf(blank, headersStart);
  if (mediaStart < 0) return undefined;
  const headers = head.toString('latin1', headersStart, mediaStart);
  const encoding = /^content-transfer-encoding:\s*(\S+)/im.exec(headers)?.[1]?.toLowerCase();
  if (encoding !== undefined && !['binary', '8bit', '7bit'].includes(encoding)) {
    throw invalid(`Multipart body: Content-Transfer-Encoding ${encoding} is not supported.`);
  }
  return {
    newline,
    resource: parseRecord(head.toString('utf8', resourceStart + blank.length, resourceEnd)),
    contentType: /^content-type:\s*(.*?)\s*$/im.exec(headers)?.[1],
    rest: head.subarray(mediaStart + blank.length),
  };
}

/** Passes the media on, keeping back as much as could be the start of the delimiter. */
async function* untilDelimiter(
  first: Buffer,
  source: AsyncIterator<Buffer>,
  delimiter: Buffer,
): AsyncGenerator<Buffer, void> {
  let held = first;
  for (;;) {
    const end = held.indexOf(delimiter);
    if (end >= 0) {
      if (end > 0) yield held.subarray(0, end);
      // Bytes after the closing delimiter mean nothing, but have to be read for the connection to go on.
      while ((await source.next()).done !== true);
      return;
    }
    const start = held.indexOf(delimiter.subarray(0, 1), Math.max(0, held.length - delimiter.length + 1));
    const safe = start < 0 ? held.length : start;
    if (safe > 0) yield held.subarray(0, safe);
    const next = await source.next();
    if (next.done === true) throw invalid('Multipart body: the closing delimiter is missing.');
    const tail = held.subarray(safe);
    // The chunk itself is not copied: only its first bytes can complete what was kept back.
    const joint = Buffer.concat([tail, next.value.subarray(0, delimiter.length)]);
    if (next.value.length <= delimiter.length || joint.indexOf(delimiter) >= 0) {
      held = Buffer.concat([tail, next.value]);
      continue;
    }
    if (tail.length > 0) yield tail;
    held = next.value;
  }
}
