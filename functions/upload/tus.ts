import type { ServerResponse } from 'node:http';
import { type FileId, newFileId } from '../../shared/files/file-id.ts';
import { fileMetadata, sentMetadata } from '../../shared/files/metadata.ts';
import { fitsNewMetadata } from '../../shared/files/metadata-budget.ts';
import { lengthOf, NO_PARTS, removeParts } from '../../shared/files/parts.ts';
import type { Versioned } from '../../shared/files/records.ts';
import type { References } from '../../shared/files/references.ts';
import type { TusRecord } from '../../shared/files/uploading.ts';
import { withdraw } from '../../shared/files/withdraw.ts';
import { authenticate } from '../../shared/http/authenticate.ts';
import { Problem } from '../../shared/http/problems.ts';
import { sendHandle, sendHead } from '../../shared/http/respond.ts';
import type { RequestContext } from '../../shared/http/service.ts';
import type { Caller } from '../../shared/identity/caller.ts';
import type { TokenVerifier } from '../../shared/identity/tokens.ts';
import type { Shares } from '../../shared/runtime/shares.ts';
import { CHECKSUM_ALGORITHMS } from './checksum.ts';
import { correlationIdOf } from './headers/correlation-id.ts';
import { openUpload } from './open.ts';
import {
  type AppendBodyDeps,
  appendBody,
  chunkOf,
  hasBody,
  requireOffsetType,
  standing,
} from './tus-body.ts';
import {
  announcedLength,
  completeHeaders,
  countIn,
  header,
  metadataOf,
  parseUploadMetadata,
  progressHeaders,
  TUS_VERSION,
} from './tus-headers.ts';
import { declare, declared } from './tus-length.ts';
import { alive, current, find, keepsChanging, standsAt, whyNot } from './tus-standing.ts';
import { handleOf, type ValidUpload, validateUpload } from './validate-upload.ts';

export interface Tus extends AppendBodyDeps {
  /** Milliseconds from its creation in which an upload is to be completed. */
  readonly expiresMs: number;
  readonly tokens: TokenVerifier;
  readonly references: References;
  /** Shares of each owner: bodies that are being read. */
  readonly uploads: Shares;
}

/** This many lost compare-and-swaps cannot come from a race with a client. */
const MAX_RACES = 5;
/** References that are counted for an answer, at most. */
const MOST_COUNTED = 1000;
const REFERENCED = 'The upload is complete and its file is in use. Remove the references first.';
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
export async function tusRoute(tus: Tus, context: RequestContext, id: string | undefined): Promise<void> {
  const { request, response } = context;
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
  if (method === 'HEAD' && id !== undefined) return head(tus, context, await find(tus, caller, id));
  if (id === undefined || method === 'PATCH') {
    using _ = openUpload(tus.uploads, caller.principal, response);
    return await (id === undefined ? create(tus, context, caller) : patch(tus, context, caller, id));
  }
  await terminate(tus, context, caller, id);
  sendEmpty(response, 204);
}

/** Creation, also with the first bytes, also with a length that comes later. */
async function create(tus: Tus, context: RequestContext, caller: Caller): Promise<void> {
  const { request, response, traceparent, log } = context;
  const length = announcedLength(request);
  const metadata = header(request, 'upload-metadata');
  const pairs = parseUploadMetadata(metadata);
  const admitted = validateUpload(tus.terms, {
    owner: caller.principal,
    contentType: pairs.get('filetype') ?? pairs.get('contentType'),
    fileName: pairs.get('filename'),
    callbackUrl: pairs.get('callbackUrl'),
    correlationId: correlationIdOf(pairs.get('correlationId'), 'correlationId in Upload-Metadata'),
    traceparent,
    size: length,
  });
  const chunk = hasBody(request) ? chunkOf(context, length) : undefined;
  const created = await insert(tus, admitted, { length, metadata });
  context.audit.fileId = created.record.id;
  log.info({ fileId: created.record.id, owner: caller.principal, length }, 'upload created');
  // A file without a byte is complete already.
  const begun = { record: created.record, chain: NO_PARTS, seenAt: created.record.createdAt };
  const { record, progress } = await appendBody(tus, context, begun, chunk);
  const offset = progress?.chain.end;
  const handle = handleOf(record, tus.terms, offset);
  const headers = progress ? progressHeaders(progress) : completeHeaders(record, length);
  sendHandle(response, 201, handle, { location: `/uploads/${record.id}`, ...headers });
}

async function insert(
  { records, now, expiresMs }: Tus,
  admitted: ValidUpload,
  { length, metadata }: { length: number | undefined; metadata: string | undefined },
): Promise<{ record: TusRecord }> {
  const createdAt = now();
  const record: TusRecord = {
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
  };
  if (fitsNewMetadata(fileMetadata(record))) return records.insert(record);
  throw new Problem('invalid-request', { detail: 'Upload-Metadata is too long.' });
}

async function head(tus: Tus, { response }: RequestContext, found: Versioned): Promise<void> {
  const now = await standing(tus, found.record);
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
    'upload-metadata': sentMetadata(found.object.metadata) ?? metadataOf(record),
  });
}

async function patch(tus: Tus, context: RequestContext, caller: Caller, id: string): Promise<void> {
  const { request, response, log } = context;
  const offset = countIn(request, 'Upload-Offset');
  const live = alive(tus, await current(tus, caller, id, offset));
  requireOffsetType(request);
  if (offset === undefined) throw new Problem('invalid-request', { detail: 'Send Upload-Offset.' });
  if (!live) throw new Problem('upload-complete');
  if (offset !== live.chain.end) throw standsAt(live.chain.end);
  const said = declared(tus, live, countIn(request, 'Upload-Length'));
  const length = said ?? lengthOf(live.record.upload, live.chain);
  const chunk = chunkOf(context, length === undefined ? undefined : length - offset);
  const received = await declare(tus, live, said)
    .then((goingOn) => appendBody(tus, context, goingOn, chunk))
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

/** Ends an upload. One that is complete is a file, which its owner takes back with it. */
async function terminate(tus: Tus, { audit }: RequestContext, caller: Caller, id: string): Promise<void> {
  tus.latest.take(id);
  for (let races = 0; races < MAX_RACES; races++) {
    const current = await find(tus, caller, id);
    const now = await standing(tus, current.record);
    const live = alive(tus, now);
    if (!live) {
      audit.action = 'delete';
      audit.fileId = now.record.id;
      const step = await withdraw(tus, { ...current, record: now.record });
      if (step === 'referenced') throw await stillReferenced(tus, now.record.id);
      if (typeof step === 'object') return;
      continue;
    }
    const { upload: _, content: __, ...stored } = live.record;
    if (!(await tus.records.replace(current, { ...stored, state: 'expired' }))) continue;
    await removeParts(tus.unscanned, stored.id);
    return;
  }
  throw keepsChanging();
}

async function stillReferenced({ references }: Tus, id: FileId): Promise<Problem> {
  const members = { references: await references.count(id, MOST_COUNTED) };
  return new Problem('file-referenced', { detail: REFERENCED, members });
}

function sendEmpty(response: ServerResponse, status: number, headers: Record<string, string> = {}): void {
  sendHead(response, status, headers);
  response.end();
}
