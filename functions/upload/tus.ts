import type { ServerResponse } from 'node:http';
import { newFileId, parseFileId } from '../../shared/files/fileId.ts';
import { removeParts } from '../../shared/files/parts.ts';
import type { FileRecord } from '../../shared/files/record.ts';
import type { Versioned } from '../../shared/files/records.ts';
import { isTus, type TusRecord, type TusUpload } from '../../shared/files/uploading.ts';
import { authenticate } from '../../shared/http/authenticate.ts';
import { Problem } from '../../shared/http/problems.ts';
import { sendHandle, sendHead } from '../../shared/http/respond.ts';
import type { Exchange } from '../../shared/http/service.ts';
import { type Caller, mayChange } from '../../shared/identity/caller.ts';
import type { TokenVerifier } from '../../shared/identity/tokens.ts';
import type { Shares } from '../../shared/runtime/shares.ts';
import { NOTHING_TALLIED } from '../../shared/storage/runningTally.ts';
import { type Admitted, admit, handleOf } from './admit.ts';
import { tooLarge } from './body.ts';
import { CHECKSUM_ALGORITHMS } from './checksum.ts';
import type { LatestUploads } from './latestUploads.ts';
import { openUpload } from './open.ts';
import { chunkOf, complete, hasBody, receive, requireOffsetType, type TusIntake } from './tusBody.ts';
import {
  announcedLength,
  countIn,
  header,
  metadataOf,
  parseUploadMetadata,
  progressHeaders,
  TUS_VERSION,
} from './tusHeaders.ts';

export interface Tus extends TusIntake {
  readonly latest: LatestUploads;
  /** Milliseconds from its creation in which an upload is to be completed. */
  readonly expiresMs: number;
  readonly tokens: TokenVerifier;
  readonly now: () => Date;
  /** Of each owner: bodies that are being read. */
  readonly uploads: Shares;
}

/** Who loses a compare-and-swap this often is not racing with a client. */
const MAX_RACES = 5;
const METHODS = { collection: 'OPTIONS, POST', upload: 'OPTIONS, HEAD, PATCH, DELETE' };
const CAPABILITIES = {
  'tus-version': TUS_VERSION,
  'tus-extension': 'creation,creation-with-upload,creation-defer-length,termination,checksum,expiration',
  'tus-checksum-algorithm': CHECKSUM_ALGORITHMS.join(),
};

/**
 * tus 1.0.0, https://tus.io/protocols/resumable-upload: `/uploads` and `/uploads/{id}`. The id of an upload is
 * the id of its file.
 * @param id of the path
 */
export async function tusRoute(tus: Tus, exchange: Exchange, id: string | undefined): Promise<void> {
  const { request, response } = exchange;
  // Also on problems, wherever they are thrown.
  response.setHeader('tus-resumable', TUS_VERSION);
  const method = header(request, 'x-http-method-override')?.toUpperCase() ?? request.method;
  const allow = id === undefined ? METHODS.collection : METHODS.upload;
  if (method === 'OPTIONS')
    return sendEmpty(response, 204, { ...CAPABILITIES, 'tus-max-size': String(tus.terms.maxBytes), allow });
  if (header(request, 'tus-resumable') !== TUS_VERSION) {
    throw new Problem('tus-version', { headers: { 'tus-version': TUS_VERSION } });
  }
  if (!allow.split(', ').includes(method ?? ''))
    throw new Problem('method-not-allowed', { headers: { allow } });
  const caller = await authenticate(tus.tokens, request, 'write');
  if (method === 'HEAD' && id !== undefined) return head(tus, exchange, await find(tus, caller, id));
  if (id === undefined || method === 'PATCH') {
    using _ = openUpload(tus.uploads, caller.principal, response);
    return await (id === undefined ? create(tus, exchange, caller) : patch(tus, exchange, caller, id));
  }
  await terminate(tus, caller, id);
  sendEmpty(response, 204);
}

/** Creation, also with the first bytes, also with a length that comes later. */
async function create(tus: Tus, exchange: Exchange, caller: Caller): Promise<void> {
  const { request, response, log } = exchange;
  const length = announcedLength(request);
  const metadata = header(request, 'upload-metadata');
  const pairs = parseUploadMetadata(metadata);
  const admitted = admit(tus.terms, {
    owner: caller.principal,
    contentType: pairs.get('filetype') ?? pairs.get('contentType'),
    fileName: pairs.get('filename'),
    size: length,
  });
  const chunk = hasBody(request) ? chunkOf(exchange, length) : undefined;
  const created = await insert(tus, admitted, { length, metadata });
  exchange.audit.fileId = created.record.id;
  log.info({ fileId: created.record.id, owner: caller.principal, length }, 'upload created');
  // A file without a byte is complete already.
  const written = chunk || length === 0 ? await receive(tus, exchange, created, chunk) : created;
  const { record } = keep(tus, written);
  const handle = handleOf(record, tus.terms);
  const progress = isTus(record) ? progressHeaders(record.upload) : { 'upload-offset': String(length) };
  sendHandle(response, 201, handle, { location: `/uploads/${record.id}`, ...progress });
}

function insert(
  { records, now, expiresMs }: Tus,
  admitted: Admitted,
  { length, metadata }: { length: number | undefined; metadata: string | undefined },
): Promise<Versioned<TusRecord>> {
  const createdAt = now();
  return records.insert<TusRecord>({
    ...admitted,
    id: newFileId(admitted.owner, createdAt),
    createdAt,
    viewers: [],
    state: 'uploading',
    upload: {
      kind: 'tus',
      ...(length !== undefined && { length }),
      offset: 0,
      parts: [],
      running: NOTHING_TALLIED,
      ...(metadata && { metadata }),
      expiresAt: new Date(createdAt.getTime() + expiresMs),
    },
  });
}

async function head(tus: Tus, { response }: Exchange, { record }: Versioned): Promise<void> {
  const live = alive(tus, record);
  if (live) {
    const { length, metadata } = live.upload;
    return sendEmpty(response, 200, {
      ...progressHeaders(live.upload),
      ...(length === undefined ? { 'upload-defer-length': '1' } : { 'upload-length': String(length) }),
      ...(metadata !== undefined && { 'upload-metadata': metadata }),
    });
  }
  // Its last request may have ended before the object was made: whoever is told "complete" must be right.
  if (record.state === 'pending') await complete(tus, record);
  const claims = record.state === 'pending' ? record.claims : undefined;
  const size = record.content?.size ?? claims?.size;
  if (size === undefined) throw new Problem('not-found');
  sendEmpty(response, 200, {
    'upload-offset': String(size),
    'upload-length': String(size),
    'upload-metadata': metadataOf(record),
  });
}

async function patch(tus: Tus, exchange: Exchange, caller: Caller, id: string): Promise<void> {
  const { request, response, log } = exchange;
  const latest = tus.latest.take(id);
  const ours = latest && mayChange(caller, latest.record);
  const offset = countIn(request, 'Upload-Offset');
  // It may have gone on in another instance, which shows at the latest when it is written.
  const read = ours && latest.record.upload.offset === offset ? latest : await find(tus, caller, id);
  requireOffsetType(request);
  if (offset === undefined) throw new Problem('invalid-request', { detail: 'Send Upload-Offset.' });
  const live = alive(tus, read.record);
  if (!live) throw new Problem('upload-complete');
  if (offset !== live.upload.offset) throw standsAt(live.upload.offset);
  const upload = declared(tus, live.upload, countIn(request, 'Upload-Length'));
  const chunk = chunkOf(exchange, upload.length === undefined ? undefined : upload.length - offset);
  const goingOn = { ...read, record: { ...live, upload } };
  const written = await receive(tus, exchange, goingOn, chunk).catch(async (error: unknown) => {
    const isOvertaken = error instanceof Problem && error.type === 'upload-offset';
    throw isOvertaken ? await whyNot(tus, caller, id, offset) : error;
  });
  const { record } = keep(tus, written);
  if (isTus(record)) return sendEmpty(response, 204, progressHeaders(record.upload));
  log.info({ fileId: record.id, owner: record.owner, size: upload.length }, 'file received');
  sendEmpty(response, 204, { 'upload-offset': String(upload.length) });
}

/** What to tell a request that was overtaken. @throws {Problem} where nothing can be added to it any more */
async function whyNot(tus: Tus, caller: Caller, id: string, offset: number): Promise<Problem> {
  const live = alive(tus, (await find(tus, caller, id)).record);
  if (!live) return new Problem('upload-complete');
  return live.upload.offset === offset ? keepsChanging() : standsAt(live.upload.offset);
}

function keepsChanging(): Problem {
  return new Problem('unavailable', {
    detail: 'The upload keeps changing.',
    headers: { 'retry-after': '1' },
  });
}

function standsAt(offset: number): Problem {
  const headers = { 'upload-offset': String(offset) };
  return new Problem('upload-offset', { detail: `It stands at ${offset}.`, headers });
}

function keep<R extends FileRecord>({ latest }: Tus, { record, object }: Versioned<R>): Versioned<R> {
  if (isTus(record)) latest.keep({ record, object });
  return { record, object };
}

/** A length that was deferred may be said once. @throws {Problem} */
function declared({ terms }: Tus, upload: TusUpload, length: number | undefined): TusUpload {
  if (length === undefined) return upload;
  if (length > terms.maxBytes) throw tooLarge(terms.maxBytes);
  if (length === (upload.length ?? length) && length >= upload.offset) return { ...upload, length };
  throw new Problem('invalid-request', { detail: 'Upload-Length does not fit what is known of the upload.' });
}

async function terminate(tus: Tus, caller: Caller, id: string): Promise<void> {
  tus.latest.take(id);
  for (let races = 0; races < MAX_RACES; races++) {
    const read = await find(tus, caller, id);
    const live = alive(tus, read.record);
    if (!live) throw new Problem('upload-complete');
    const { upload: _, content: __, ...stored } = live;
    if (!(await tus.records.replace(read, { ...stored, state: 'expired' }))) continue;
    await removeParts(tus.unscanned, live.id);
    return;
  }
  throw keepsChanging();
}

/** @throws {Problem} the same for an upload of others, for none, and for what is not even an id */
async function find({ records }: Tus, caller: Caller, id: string): Promise<Versioned> {
  const fileId = parseFileId(id);
  const read = fileId && (await records.get(fileId));
  if (!read || !mayChange(caller, read.record)) throw new Problem('not-found');
  return read;
}

/** An upload that can be added to; undefined where it is complete. @throws {Problem} */
function alive({ now }: Tus, record: FileRecord): TusRecord | undefined {
  if (isTus(record)) {
    if (now() < record.upload.expiresAt) return record;
    throw new Problem('file-expired');
  }
  if (record.state === 'uploading') throw new Problem('not-found');
  if (record.state === 'expired') throw new Problem('file-expired');
  if (record.state === 'deleted') throw new Problem('file-deleted');
  return undefined;
}

function sendEmpty(response: ServerResponse, status: number, headers: Record<string, string> = {}): void {
  sendHead(response, status, headers);
  response.end();
}
