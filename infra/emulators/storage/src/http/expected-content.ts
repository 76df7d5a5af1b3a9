import type { IncomingHttpHeaders } from 'node:http';
import { invalid } from '../api-error.ts';
import type { JsonRecord } from '../json-body.ts';
import type { ExpectedContent } from '../state/state.ts';
import type { StoredContent } from '../state/stored-object.ts';

/** Checksums that a resource claims (`crc32c`, `md5Hash`). */
export function claimsOf(resource: JsonRecord): ExpectedContent {
  const crc32c = resource['crc32c'];
  const md5Hash = resource['md5Hash'];
  return {
    ...(typeof crc32c === 'string' && { crc32c }),
    ...(typeof md5Hash === 'string' && { md5Hash }),
  };
}

/** Checksums of the header `X-Goog-Hash: crc32c=n03x6A==,md5=Ojk9c3dhfxgoKVVHYwFbHQ==`. */
export function claimsOfHeader(headers: IncomingHttpHeaders): ExpectedContent {
  const text = [headers['x-goog-hash'] ?? []].flat().join(',');
  const crc32c = /(?:^|,)\s*crc32c=([^,\s]+)/.exec(text)?.[1];
  const md5Hash = /(?:^|,)\s*md5=([^,\s]+)/.exec(text)?.[1];
  return { ...(crc32c !== undefined && { crc32c }), ...(md5Hash !== undefined && { md5Hash }) };
}

/** @throws ApiError 400 when the bytes are not what the client said */
export function checkClaims(expected: ExpectedContent, content: StoredContent): void {
  const { size, crc32c, md5Hash } = expected;
  if (size !== undefined && size !== content.size) {
    throw invalid(`Upload has ${content.size} bytes, but ${size} were announced.`);
  }
  if (crc32c !== undefined && crc32c !== content.crc32c) {
    throw invalid(`Provided CRC32C "${crc32c}" doesn't match calculated CRC32C "${content.crc32c}".`);
  }
  if (md5Hash !== undefined && md5Hash !== content.md5Hash) {
    throw invalid(`Provided MD5 hash "${md5Hash}" doesn't match calculated MD5 hash "${content.md5Hash}".`);
  }
}
