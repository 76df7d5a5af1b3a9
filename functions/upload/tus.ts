import type { IncomingMessage } from 'node:http';
import { lengthOf } from '../../shared/files/parts.ts';
import type { FileRecord } from '../../shared/files/record.ts';
import { authenticate } from '../../shared/http/authenticate.ts';
import { invalidRequest, Problem } from '../../shared/http/problems.ts';
import { refuseHeaders } from '../../shared/http/refuse-headers.ts';
import { sendEmpty } from '../../shared/http/respond.ts';
import type { RequestContext } from '../../shared/http/service.ts';
import type { Caller } from '../../shared/identity/caller.ts';
import { defined } from '../../shared/runtime/defined.ts';
import { CHECKSUM_ALGORITHMS } from './checksum.ts';
import { AT_CREATION, AT_DELETION, OF_A_PART, WITH_BYTES } from './headers/refused.ts';
import { openUpload } from './open.ts';
import { sizeOf } from './received.ts';
import { appendBody, chunkOf, hasBody, requireOffsetType, standing } from './tus-body.ts';
import { isFinal, parseConcat } from './tus-concat.ts';
import { createPartial, createUpload } from './tus-create.ts';
import { createFinal } from './tus-final.ts';
import { completeHeaders, countIn, header, metadataOf, progressHeaders, TUS_VERSION } from './tus-headers.ts';
import { declare, requireFit, unfitLength } from './tus-length.ts';
import { alive, current, type Found, find, unlessOvertaken } from './tus-standing.ts';
import { terminate } from './tus-terminate.ts';
import { requireIdentity } from './upload-headers.ts';
import type { Tus } from './uploads.ts';

const METHODS = { collection: 'OPTIONS, POST', upload: 'OPTIONS, HEAD, PATCH, DELETE' };
const CAPABILITIES = {
  'tus-version': TUS_VERSION,
  'tus-extension':
    'creation,creation-with-upload,creation-defer-length,termination,checksum,expiration,concatenation',
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
  requireUnderstood(request, method, id);
  // The line of an older request may have died without a word. It holds a share that its successor needs.
  if (id !== undefined) await tus.active.giveWayTo(method ?? '', { id, owner: caller.principal });
  if (method === 'HEAD' && id !== undefined) return head(tus, context, await find(tus, caller, id));
  if (id === undefined || method === 'PATCH') {
    using _ = openUpload(tus.uploads, caller.principal, response);
    return await (id === undefined ? create(tus, context, caller) : patch(tus, context, caller, id));
  }
  await terminate(tus, context, caller, id);
  sendEmpty(response, 204);
}

/** @throws {Problem} where a header would be ignored */
function requireUnderstood(
  request: IncomingMessage,
  method: string | undefined,
  id: string | undefined,
): void {
  if (method === 'DELETE') refuseHeaders(request, AT_DELETION);
  if (method !== 'PATCH' && id !== undefined) return;
  requireIdentity(request.headers['content-encoding']);
  refuseHeaders(request, { ...WITH_BYTES, ...(id === undefined ? AT_CREATION : OF_A_PART) });
}

async function create(tus: Tus, context: RequestContext, caller: Caller): Promise<void> {
  const concat = parseConcat(header(context.request, 'upload-concat'));
  // Its parts are an upload under way.
  if (concat?.kind === 'final') return createFinal(tus, context, caller, concat.uploads);
  const reading = tus.intake.requireOpen();
  if (reading) await reading;
  return (concat ? createPartial : createUpload)(tus, context, caller);
}

async function head(
  tus: Tus,
  { response }: RequestContext,
  { record: current, upload }: Found,
): Promise<void> {
  const now = await standing(tus, current);
  const concat: Record<string, string> =
    upload?.concat === undefined ? {} : { 'upload-concat': upload.concat };
  const live = alive(tus, now);
  if (live) {
    const { metadata } = live.record.upload;
    const length = lengthOf(live.record.upload, live.chain);
    const { 'upload-offset': offset, ...progress } = progressHeaders(live);
    return sendEmpty(response, 200, {
      ...progress,
      ...concat,
      // A file that is not made of its partial uploads yet stands nowhere.
      ...(!isFinal(upload) && { 'upload-offset': String(offset) }),
      ...(length === undefined ? { 'upload-defer-length': '1' } : { 'upload-length': String(length) }),
      ...defined({ 'upload-metadata': metadata }),
    });
  }
  const { record } = now;
  const size = sizeOf(record);
  if (size === undefined) throw new Problem('not-found');
  sendEmpty(response, 200, {
    ...completeHeaders(record, size),
    ...concat,
    'upload-length': String(size),
    'upload-metadata': upload?.metadata ?? metadataOf(record),
  });
}

async function patch(tus: Tus, context: RequestContext, caller: Caller, id: string): Promise<void> {
  const { request, response, log } = context;
  const offset = countIn(request, 'Upload-Offset');
  const now = await current(tus, caller, id, offset);
  if (isFinal(now.upload)) throw new Problem('upload-final');
  const live = alive(tus, now);
  requireOffsetType(request);
  if (offset === undefined) throw invalidRequest('Send Upload-Offset.');
  if (!live) return patchComplete(context, now.record, offset);
  if (offset !== live.chain.end) throw standsAt(live.chain.end);
  const said = countIn(request, 'Upload-Length');
  requireFit(tus, live, said);
  const length = said ?? lengthOf(live.record.upload, live.chain);
  const chunk = chunkOf(context, length === undefined ? undefined : length - offset);
  const adding = declare(tus, live, said).then((goingOn) => appendBody(tus, context, goingOn, chunk));
  const received = await unlessOvertaken(tus, caller, { id, offset }, adding, (_, left) =>
    left ? standsAt(left.chain.end) : new Problem('upload-complete'),
  );
  const progress = alive(tus, received, false);
  if (progress) return sendEmpty(response, 204, progressHeaders(progress));
  const { record } = received;
  log.info({ fileId: record.id, owner: record.owner, size: length }, 'file received');
  sendEmpty(response, 204, completeHeaders(record, length));
}

function standsAt(offset: number): Problem {
  const headers = { 'upload-offset': String(offset) };
  return new Problem('upload-offset', { detail: `The current offset is ${offset}.`, headers });
}

/** Adds nothing. A request at the end without a byte is one that was answered before, as for tusd and @tus/server. */
function patchComplete({ request, response }: RequestContext, record: FileRecord, offset: number): void {
  const size = sizeOf(record);
  if (offset !== size) throw new Problem('upload-complete');
  if ((countIn(request, 'Upload-Length') ?? size) !== size) throw unfitLength();
  if (hasBody(request)) throw new Problem('upload-too-long');
  sendEmpty(response, 204, completeHeaders(record, size));
}
