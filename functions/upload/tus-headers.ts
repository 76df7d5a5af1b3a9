import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { FileRecord } from '../../shared/files/record.ts';
import { invalidRequest } from '../../shared/http/problems.ts';
import type { Progress } from './append.ts';

export const TUS_VERSION = '1.0.0';
export const OFFSET_CONTENT_TYPE = 'application/offset+octet-stream';

export function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
}

/** Upload-Length or Upload-Offset, bytes. @throws {Problem} */
export function countIn(request: IncomingMessage, name: string): number | undefined {
  const text = header(request, name.toLowerCase());
  if (text === undefined) return undefined;
  const count = Number(text);
  if (/^\d{1,16}$/.test(text) && Number.isSafeInteger(count)) return count;
  throw invalidRequest(`${name} should be a whole number of bytes.`);
}

/** The length of a new upload: undefined if it is deferred. @throws {Problem} */
export function announcedLength(request: IncomingMessage): number | undefined {
  const length = countIn(request, 'Upload-Length');
  const deferred = header(request, 'upload-defer-length');
  if (deferred !== undefined && deferred !== '1') throw invalidRequest('Upload-Defer-Length should be 1.');
  if ((length === undefined) === (deferred === undefined)) {
    throw invalidRequest('Send Upload-Length, or Upload-Defer-Length: 1.');
  }
  return length;
}

/**
 * Upload-Metadata: keys, each with a value in base64 or without. https://tus.io/protocols/resumable-upload#upload-metadata
 * @throws {Problem}
 */
export function parseUploadMetadata(text: string | undefined): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>();
  if (text === undefined || text.trim() === '') return pairs;
  for (const pair of text.split(',')) {
    const [, key, encoded = ''] = /^([!-+\--~]+)(?: ([A-Za-z0-9+/]*={0,2}))?$/.exec(pair.trim()) ?? [];
    if (key === undefined || pairs.has(key)) {
      throw invalidRequest('Upload-Metadata should be keys, each once, with a value in base64 or without.');
    }
    pairs.set(key, decode(encoded));
  }
  return pairs;
}

/** The protocol promises no encoding: what is not UTF-8 is read as Latin-1, which any bytes are. */
function decode(encoded: string): string {
  const bytes = Buffer.from(encoded, 'base64');
  return bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1');
}

/** The pairs that describe a file whose upload is over. */
export function metadataOf({ contentType, fileName }: FileRecord): string {
  const pair = (key: string, value: string) => `${key} ${Buffer.from(value).toString('base64')}`;
  return [
    ...(fileName === undefined ? [] : [pair('filename', fileName)]),
    pair('filetype', contentType),
  ].join();
}

/** The offset of an upload. */
export function progressHeaders({ record, chain }: Progress): Record<string, string> {
  const expires = record.upload.expiresAt.toUTCString();
  return { 'upload-offset': String(chain.end), 'upload-expires': expires };
}

/** That all is there, and the digest of it where it is known (RFC 9530), for the client to hold against its own. */
export function completeHeaders({ content }: FileRecord, size: number | undefined): Record<string, string> {
  return {
    'upload-offset': String(size),
    ...(content && { 'repr-digest': `sha-256=:${Buffer.from(content.sha256, 'hex').toString('base64')}:` }),
  };
}
