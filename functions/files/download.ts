import type { IncomingHttpHeaders } from 'node:http';
import type { Blobs } from '../../shared/files/blobs.ts';
import type { Findings } from '../../shared/files/findings.ts';
import type { ReadableRecord } from '../../shared/files/readable.ts';
import { dispositionOf } from '../../shared/http/disposition.ts';
import { Problem } from '../../shared/http/problems.ts';
import type { Principal } from '../../shared/identity/principal.ts';
import type { BorrowedBytes } from '../../shared/runtime/memory.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import type { ByteRange } from '../../shared/storage/read.ts';
import { conditionsOf, rangeApplies } from './headers/conditions.ts';
import { rangesOf } from './headers/ranges.ts';
import { multipart } from './multipart.ts';
import { ReadAhead } from './read-ahead.ts';
import type { PendingReceipt, ReceiptWriter } from './receipt-writer.ts';
import { locationOf, type Redirect, redirects } from './redirect.ts';
import { verified } from './verified.ts';

export interface Download {
  readonly status: 200 | 206 | 304 | 307;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: AsyncIterable<BorrowedBytes>;
}

/** The stores that a download is looked up in. */
export interface DownloadDeps {
  readonly blobs: Blobs;
  readonly findings: Findings;
  readonly redirect?: Redirect | undefined;
  /** Absent: downloads leave no receipts. */
  readonly receiptWriter?: ReceiptWriter | undefined;
}

interface DownloadRequest {
  readonly method: 'GET' | 'HEAD';
  readonly reader: Principal;
  /** When the reader ceases to see the file. */
  readonly until?: Date | undefined;
  readonly headers: IncomingHttpHeaders;
  /** Sent by a page of another origin, which could not follow a redirect to a third: browsers send `Origin: null` there. */
  readonly crossOrigin?: boolean;
  readonly signal: AbortSignal;
}

const NOTHING: AsyncIterable<BorrowedBytes> = { async *[Symbol.asyncIterator]() {} };

/**
 * The answer to a read of a clean file: its bytes or ranges of them, or where they are to be had. First, what the
 * record names and what stands under that digest are compared, and malware may have been found in it since; then come
 * the conditions, then the ranges (RFC 9110 section 13.2). Bytes are opened for GET alone: where one read is sure to
 * be wanted, while the first of these is still asked. Before any byte or where to get it is told, a receipt is there.
 *
 * A whole is checked against its CRC32C while it streams, and its last piece is held back until then. A range is not:
 * no checksum of a part is known. A client that assembles a file from ranges can check it with `Repr-Digest`.
 * @throws {Problem}, {StorageError}, {BlobMismatch}
 */
export async function openDownload(
  { redirect, receiptWriter, ...stored }: DownloadDeps,
  record: ReadableRecord,
  request: DownloadRequest,
): Promise<Download> {
  const { size } = record.content;
  const validators = { etag: `"${record.content.sha256}"`, lastModified: record.createdAt };
  const condition = conditionsOf(request.headers, validators);
  const ranged = request.method === 'GET' && rangeApplies(request.headers['if-range'], validators);
  const ranges = ranged ? rangesOf(request.headers.range, size) : undefined;
  const redirecting = redirect && redirects(redirect, request, size) ? redirect : undefined;
  const hands = request.method === 'GET' && condition === 'proceed' && ranges !== 'unsatisfiable';
  const reads = hands && !redirecting;
  const ahead = reads
    ? aheadOf(stored.blobs, record, ranges ?? [{ start: 0, end: size - 1 }], request)
    : undefined;
  const receipt = hands ? receiptWriter?.begin(record, request.reader, request.signal) : undefined;
  const object = await cleared(stored, record, request.signal, receipt).catch((error: unknown) => {
    ahead?.abandon();
    throw error;
  });

  const common = commonHeaders(record, validators.etag);
  if (condition === 'failed') throw new Problem('precondition-failed');
  if (condition === 'notModified') return { status: 304, headers: common, bytes: NOTHING };
  if (ranges === 'unsatisfiable') {
    const headers = { 'content-range': `bytes */${size}`, 'accept-ranges': 'bytes' };
    throw new Problem('range-not-satisfiable', { headers });
  }
  const disposition = dispositionOf(record.fileName);
  if (redirecting) {
    const location = await locationOf(redirecting, object, record, disposition, request.until);
    if (location !== undefined)
      return { status: 307, headers: { location, 'content-length': '0' }, bytes: NOTHING };
  }
  const headers = { ...common, ...contentHeaders(record, disposition) };
  const open = async (range: ByteRange) => {
    const bytes = (await ahead?.take(object)) ?? (await stored.blobs.read(object, range, request.signal));
    if (!bytes) throw new Error(`${object.name} went away`);
    const isWhole = range.start === 0 && range.end === size - 1;
    return isWhole ? verified(bytes, object) : bytes;
  };
  if (ranges) return openRanges(ranges, { open, headers, size });
  const bytes = hands ? await open({ start: 0, end: size - 1 }) : NOTHING;
  return { status: 200, headers: { ...headers, 'content-length': String(size) }, bytes };
}

/** Where there is one read, of a blob, and of at least a byte. */
function aheadOf(
  blobs: Blobs,
  record: ReadableRecord,
  ranges: readonly ByteRange[],
  { signal }: DownloadRequest,
): ReadAhead | undefined {
  if (record.state !== 'clean') return undefined;
  const [only, another] = ranges;
  if (!only || another || only.end < only.start) return undefined;
  return new ReadAhead(blobs, record, only, signal);
}

async function openRanges(
  ranges: readonly ByteRange[],
  content: {
    readonly open: (range: ByteRange) => Promise<AsyncIterable<BorrowedBytes>>;
    readonly headers: Readonly<Record<string, string>> & { readonly 'content-type': string };
    readonly size: number;
  },
): Promise<Download> {
  const { open, headers, size } = content;
  const [only, another] = ranges;
  if (only && !another) {
    const bytes = await open(only);
    const { start, end } = only;
    const ranged = {
      'content-length': String(end - start + 1),
      'content-range': `bytes ${start}-${end}/${size}`,
    };
    return { status: 206, headers: { ...headers, ...ranged }, bytes };
  }
  const parts = multipart(ranges, { contentType: headers['content-type'], size });
  const ranged = { 'content-type': parts.contentType, 'content-length': String(parts.length) };
  return { status: 206, headers: { ...headers, ...ranged }, bytes: parts.body(open) };
}

/** Headers that a 304 has too (RFC 9110 section 15.4.5). */
function commonHeaders(record: ReadableRecord, etag: string) {
  return {
    // A client may keep it, and asks each time whether it may still see it; nobody else may keep it.
    'cache-control': 'private, no-cache',
    vary: 'Authorization',
    etag,
    'last-modified': record.createdAt.toUTCString(),
  };
}

function contentHeaders(record: ReadableRecord, disposition: string) {
  return {
    'accept-ranges': 'bytes',
    'content-type': record.contentType,
    'content-disposition': disposition,
    // Active content in a browser can reach nothing of this origin.
    'content-security-policy': "default-src 'none'; sandbox",
    'repr-digest': `sha-256=:${Buffer.from(record.content.sha256, 'hex').toString('base64')}:`,
  };
}

/** The object that the record names, once it may be handed out and a receipt of that is there. */
async function cleared(
  stored: DownloadDeps,
  record: ReadableRecord,
  signal: AbortSignal,
  receipt: PendingReceipt | undefined,
): Promise<StoredObject> {
  const object = await locate(stored, record, signal);
  if ((await receipt?.written()) === 'recent') {
    // A recall lists receipts after its finding is there: either it has this one, or the finding is seen here.
    const known = await stored.findings.get(record.content.sha256, signal);
    if (known) throw infected(known);
  }
  return object;
}

/**
 * The object with the bytes of a file, as its record names them, in whose content nobody has found malware.
 * @throws {Problem} `file-infected`; {StorageError}, {BlobMismatch}, {Error} where the object is another
 */
export async function locate(
  { blobs, findings }: Pick<DownloadDeps, 'blobs' | 'findings'>,
  record: ReadableRecord,
  signal: AbortSignal,
): Promise<StoredObject> {
  const { id, content } = record;
  const [known, blob] = await Promise.all([
    findings.get(content.sha256, signal),
    record.state === 'clean'
      ? blobs.find(record, signal)
      : blobs.findAccepted(id, signal).then((object) => ({ object })),
  ]);
  const malware = known ?? (blob && 'signature' in blob ? blob : undefined);
  if (malware) throw infected(malware);
  const object = blob?.object;
  if (object && object.size === content.size && object.crc32c === content.crc32c) return object;
  throw new Error(`what is stored is not what the record of ${id} names`);
}

function infected({ signature }: { readonly signature: string }): Problem {
  return new Problem('file-infected', { members: { signature } });
}
