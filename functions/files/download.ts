import parseRange from 'range-parser';
import type { Blobs } from '../../shared/files/blobs.ts';
import { dispositionOf } from '../../shared/http/disposition.ts';
import type { ReadableRecord } from '../../shared/http/outcome.ts';
import { Problem } from '../../shared/http/problems.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import type { ByteRange } from '../../shared/storage/read.ts';

export interface Download {
  readonly status: 200 | 206;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/**
 * The bytes of a clean file, or one range of them. What the record names and what stands under that digest
 * are compared first, and no byte is read of a content that newer signatures condemned.
 * @param rangeHeader Range (RFC 9110 section 14.2); several ranges are answered with the whole, as it permits
 * @param read opens the bytes; not called for HEAD
 * @throws {Problem}, {StorageError}, {BlobMismatch}
 */
export async function openDownload(
  blobs: Blobs,
  record: ReadableRecord,
  request: { method: 'GET' | 'HEAD'; range: string | undefined; ifRange: string | undefined },
  signal: AbortSignal,
): Promise<Download> {
  const { content } = record;
  const etag = `"${content.sha256}"`;
  const rangeApplies =
    request.method === 'GET' && (request.ifRange === undefined || request.ifRange === etag);
  const range = rangeApplies ? singleRange(request.range, content.size) : undefined;
  const object = await locate(blobs, record, signal);
  const { start, end } = range ?? { start: 0, end: content.size - 1 };
  const bytes = request.method === 'GET' ? await blobs.read(object, { start, end }, signal) : [];
  if (!bytes) throw new Error(`${object.name} went away`);
  return {
    status: range ? 206 : 200,
    headers: {
      'accept-ranges': 'bytes',
      'content-type': record.contentType,
      'content-length': String(end - start + 1),
      'content-disposition': dispositionOf(record.fileName),
      ...(range && { 'content-range': `bytes ${start}-${end}/${content.size}` }),
      // What a browser makes of it can reach nothing of this origin.
      'content-security-policy': "default-src 'none'; sandbox",
      etag,
      'last-modified': record.createdAt.toUTCString(),
      'repr-digest': `sha-256=:${Buffer.from(content.sha256, 'hex').toString('base64')}:`,
    },
    bytes: bytes as AsyncIterable<Uint8Array>,
  };
}

async function locate(blobs: Blobs, record: ReadableRecord, signal: AbortSignal): Promise<StoredObject> {
  const { id, content } = record;
  const blob =
    record.state === 'clean'
      ? await blobs.find(record, signal)
      : { object: await blobs.findAccepted(id, signal) };
  if (blob && 'signature' in blob) {
    throw new Problem('file-infected', { members: { signature: blob.signature } });
  }
  const object = blob?.object;
  if (object && object.size === content.size && object.crc32c === content.crc32c) return object;
  throw new Error(`what is stored is not what the record of ${id} names`);
}

function singleRange(header: string | undefined, size: number): ByteRange | undefined {
  if (header === undefined) return undefined;
  const ranges = parseRange(size, header);
  if (ranges === -1) {
    throw new Problem('range-not-satisfiable', { headers: { 'content-range': `bytes */${size}` } });
  }
  // A malformed Range is ignored (RFC 9110 section 14.2), and so is another unit.
  if (ranges === -2 || ranges.type !== 'bytes' || ranges.length !== 1) return undefined;
  return ranges[0];
}
