import type { ServerResponse } from 'node:http';
import { newFileId, parseFileId } from '../../shared/files/fileId.ts';
import { isWhole, lengthName, lengthOf, NO_PARTS, readChain, removeParts } from '../../shared/files/parts.ts';
import type { Versioned } from '../../shared/files/records.ts';
import { isTus, type TusRecord } from '../../shared/files/uploading.ts';
import { authenticate } from '../../shared/http/authenticate.ts';
import { tooLarge } from '../../shared/http/body.ts';
import { Problem } from '../../shared/http/problems.ts';
import { sendHandle, sendHead } from '../../shared/http/respond.ts';
import type { Exchange } from '../../shared/http/service.ts';
import { type Caller, mayChange } from '../../shared/identity/caller.ts';
import type { TokenVerifier } from '../../shared/identity/tokens.ts';
import type { Shares } from '../../shared/runtime/shares.ts';
import { type Admitted, admit, handleOf } from './admit.ts';
import type { Progress } from './append.ts';
import { CHECKSUM_ALGORITHMS } from './checksum.ts';
import { openUpload } from './open.ts';
import {
  chunkOf,
  hasBody,
  receive,
  requireOffsetType,
  type Standing,
  standing,
  type TusIntake,
} from './tusBody.ts';
import {
  announcedLength,
  completeHeaders,
  countIn,
  header,
  metadataOf,
  parseUploadMetadata,
  progressHeaders,
  TUS_VERSION,
} from './tusHeaders.ts';

export interface Tus extends TusIntake {
  /** Milliseconds from its creation in which an upload is to be completed. */
  readonly expiresMs: number;
  readonly tokens: TokenVerifier;
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
  const begun = { record: created.record, chain: NO_PARTS, seenAt: created.record.createdAt };
  const { record, progress } = await receive(tus, exchange, begun, chunk);
  const offset = progress?.chain.end;
  const handle = handleOf(record, tus.terms, offset);
  const headers = progress ? progressHeaders(progress) : completeHeaders(record, length);
  sendHandle(response, 201, handle, { location: `/uploads/${record.id}`, ...headers });
}

async function insert(
  { records, now, expiresMs }: Tus,
  admitted: Admitted,
  { length, metadata }: { length: number | undefined; metadata: string | undefined },
): Promise<{ record: TusRecord }> {
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
      ...(metadata && { metadata }),
      expiresAt: new Date(createdAt.getTime() + expiresMs),
    },
  });
}

async function head(tus: Tus, { response }: Exchange, { record: read }: Versioned): Promise<void> {
  const now = await standing(tus, read);
  const live = alive(tus, now);
  if (live) {
    const { upload } = live.record;
    const length = lengthOf(upload, live.chain);
    return sendEmpty(response, 200, {
      ...progressHeaders(live),
      ...(length === undefined ? { 'upload-defer-length': '1' } : { 'upload-length': String(length) }),
      ...(upload.metadata !== undefined && { 'upload-metadata': upload.metadata }),
    });
  }
  const { record } = now;
  const claims = record.state === 'pending' ? record.claims : undefined;
  const size = record.content?.size ?? claims?.size;
  if (size === undefined) throw new Problem('not-found');
  sendEmpty(response, 200, {
    ...completeHeaders(record, size),
    'upload-length': String(size),
    'upload-metadata': metadataOf(record),
  });
}

async function patch(tus: Tus, exchange: Exchange, caller: Caller, id: string): Promise<void> {
  const { request, response, log } = exchange;
  const offset = countIn(request, 'Upload-Offset');
  const live = alive(tus, latest(tus, caller, id, offset) ?? (await found(tus, caller, id, offset)));
  requireOffsetType(request);
  if (offset === undefined) throw new Problem('invalid-request', { detail: 'Send Upload-Offset.' });
  if (!live) throw new Problem('upload-complete');
  if (offset !== live.chain.end) throw standsAt(live.chain.end);
  const said = declared(tus, live, countIn(request, 'Upload-Length'));
  const length = said ?? lengthOf(live.record.upload, live.chain);
  const chunk = chunkOf(exchange, length === undefined ? undefined : length - offset);
  const received = await declare(tus, live, said)
    .then((goingOn) => receive(tus, exchange, goingOn, chunk))
    .catch(async (error: unknown) => {
      const isOvertaken = error instanceof Problem && error.type === 'upload-offset';
      throw isOvertaken ? await whyNot(tus, caller, id, offset) : error;
    });
  const progress = alive(tus, received, false);
  if (progress) return sendEmpty(response, 204, progressHeaders(progress));
  const { record } = received;
  log.info({ fileId: record.id, owner: record.owner, size: length }, 'file received');
  sendEmpty(response, 204, completeHeaders(record, length));
}

/** The upload as this process left it, where the request goes on from there. That it went on elsewhere shows later. */
function latest(tus: Tus, caller: Caller, id: string, offset: number | undefined): Standing | undefined {
  const progress = tus.latest.take(id);
  if (!progress || !mayChange(caller, progress.record) || progress.chain.end !== offset) return undefined;
  return { record: progress.record, progress };
}

/**
 * The upload as another process left it: where the request goes on from its parts, whether it is over is looked for while the
 * bytes are sent.
 */
async function found(tus: Tus, caller: Caller, id: string, offset: number | undefined): Promise<Standing> {
  const seenAt = tus.now();
  const fileId = parseFileId(id);
  const [{ record }, chain] = await Promise.all([
    find(tus, caller, id),
    fileId ? readChain(tus.unscanned, fileId) : NO_PARTS,
  ]);
  const goesOn = isTus(record) && chain.end === offset && !isWhole(record.upload, chain);
  return goesOn ? { record, progress: { record, chain, seenAt, mayBeOver: true } } : standing(tus, record);
}

/** What to tell a request that was overtaken. @throws {Problem} where nothing can be added to it any more */
async function whyNot(tus: Tus, caller: Caller, id: string, offset: number): Promise<Problem> {
  const live = alive(tus, await standing(tus, (await find(tus, caller, id)).record));
  if (!live) return new Problem('upload-complete');
  return live.chain.end === offset ? keepsChanging() : standsAt(live.chain.end);
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

/** The length that a request says and that is news. A length that was deferred may be said once. @throws {Problem} */
function declared(
  { terms }: Tus,
  { record, chain }: Progress,
  length: number | undefined,
): number | undefined {
  if (length === undefined) return undefined;
  if (length > terms.maxBytes) throw tooLarge(terms.maxBytes);
  const known = lengthOf(record.upload, chain);
  if (length < chain.end || length !== (known ?? length)) throw unfitLength();
  return known === undefined ? length : undefined;
}

/** Writes a length down, before the bytes of the request that says it. @throws {Problem} where another was said */
async function declare(tus: Tus, progress: Progress, length: number | undefined): Promise<Progress> {
  if (length === undefined) return progress;
  const name = lengthName(progress.record.id);
  const options = { contentType: 'application/x-empty', metadata: { length: String(length) } };
  const object = (await tus.unscanned.insertEmpty(name, options)) ?? (await tus.unscanned.stat(name));
  if (!object) throw new Problem('upload-offset');
  if (object.metadata['length'] !== String(length)) throw unfitLength();
  return { ...progress, chain: { ...progress.chain, declared: { length, object } } };
}

function unfitLength(): Problem {
  return new Problem('invalid-request', {
    detail: 'Upload-Length does not fit what is known of the upload.',
  });
}

async function terminate(tus: Tus, caller: Caller, id: string): Promise<void> {
  tus.latest.take(id);
  for (let races = 0; races < MAX_RACES; races++) {
    const read = await find(tus, caller, id);
    const live = alive(tus, await standing(tus, read.record));
    if (!live) throw new Problem('upload-complete');
    const { upload: _, content: __, ...stored } = live.record;
    if (!(await tus.records.replace(read, { ...stored, state: 'expired' }))) continue;
    await removeParts(tus.unscanned, stored.id);
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

/**
 * An upload that can be added to; undefined where it is complete. A request that begins in time may end later, by an
 * hour at most: the sweeper waits for longer than that before it expires an upload.
 * @throws {Problem}
 */
function alive({ now }: Tus, { record, progress }: Standing, begins = true): Progress | undefined {
  if (progress) {
    if (!begins || now() < progress.record.upload.expiresAt) return progress;
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
