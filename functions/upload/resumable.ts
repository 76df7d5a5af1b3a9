import { isPartial } from '../../shared/files/uploading.ts';
import { authenticate } from '../../shared/http/authenticate.ts';
import { waitSecondsOf } from '../../shared/http/prefer.ts';
import { invalidRequest, Problem } from '../../shared/http/problems.ts';
import { refuseHeaders } from '../../shared/http/refuse-headers.ts';
import { sendEmpty } from '../../shared/http/respond.ts';
import type { RequestContext } from '../../shared/http/service.ts';
import type { Caller } from '../../shared/identity/caller.ts';
import { defined } from '../../shared/runtime/defined.ts';
import type { Progress } from './append.ts';
import { claimedDigests } from './headers/digest-fields.ts';
import { AT_DELETION, IN_EVERY_WAY } from './headers/refused.ts';
import { essence } from './media/media-policy.ts';
import { mediaTypeOf } from './media/media-type.ts';
import { openUpload } from './open.ts';
import { answerReceived, sayComplete, sizeOf } from './received.ts';
import { bytesIn, PARTIAL_UPLOAD, uploadCompleteOf, uploadLimit, wholeLength } from './resumable-headers.ts';
import { knownLength, offsetHeaders, receivePart } from './resumable-part.ts';
import { hasBody, type Standing, standing } from './tus-body.ts';
import { header } from './tus-headers.ts';
import { alive, current, find, locked, unlessOvertaken } from './tus-standing.ts';
import { terminate } from './tus-terminate.ts';
import { requireIdentity } from './upload-headers.ts';
import type { Tus, Uploads } from './uploads.ts';

const METHODS = 'OPTIONS, HEAD, GET, PATCH, DELETE';

/**
 * The upload resource of draft-ietf-httpbis-resumable-upload, `/uploads/resumable/{id}`. The id of an upload is the id of
 * its file, and its parts are those of tus: docs/adr/0015.
 */
export async function resumableRoute(tus: Uploads, context: RequestContext, id: string): Promise<void> {
  const { request, response } = context;
  const { method = '' } = request;
  if (method === 'OPTIONS') {
    return sendEmpty(response, 204, { allow: METHODS, 'accept-patch': PARTIAL_UPLOAD, ...generalLimit(tus) });
  }
  if (!METHODS.split(', ').includes(method))
    throw new Problem('method-not-allowed', { headers: { allow: METHODS } });
  const caller = await authenticate(tus.tokens, request, 'write');
  await tus.active.giveWayTo(method, { id, owner: caller.principal });
  if (method === 'PATCH') return patch(tus, context, caller, id);
  if (method !== 'DELETE') return head(tus, context, caller, id);
  refuseHeaders(request, AT_DELETION);
  await terminate(tus, context, caller, id);
  sendEmpty(response, 204);
}

/** The limits of an upload that begins now. */
export function generalLimit(tus: Tus): Record<string, string> {
  return uploadLimit(tus, new Date(tus.now().getTime() + tus.expiresMs));
}

async function head(tus: Tus, { response }: RequestContext, caller: Caller, id: string): Promise<void> {
  const now = requireFile(await standing(tus, (await find(tus, caller, id)).record));
  const live = alive(tus, now);
  const length = live ? knownLength(live) : sizeOf(now.record);
  if (!live && length === undefined) throw new Problem('not-found');
  sendEmpty(response, 204, {
    ...(live
      ? offsetHeaders(tus, live)
      : { 'upload-complete': '?1', 'upload-offset': String(length), ...generalLimit(tus) }),
    ...(length !== undefined && { 'upload-length': String(length) }),
  });
}

async function patch(tus: Uploads, context: RequestContext, caller: Caller, id: string): Promise<void> {
  const { request, response, log, audit } = context;
  requirePartialUpload(header(request, 'content-type'));
  requireIdentity(request.headers['content-encoding']);
  refuseHeaders(request, IN_EVERY_WAY);
  const offset = bytesIn(request, 'upload-offset');
  const complete = uploadCompleteOf(request);
  if (offset === undefined || complete === undefined)
    throw invalidRequest('Send Upload-Offset and Upload-Complete.');
  const digests = claimedDigests('Content-Digest', header(request, 'content-digest'));
  const found = requireFile(await current(tus, caller, id, offset));
  const live = alive(tus, found);
  audit.fileId = found.record.id;
  if (offset !== endOf(found, live)) throw mismatching(endOf(found, live), offset);
  if (!live && !(complete && !hasBody(request))) throw new Problem('upload-complete');
  const add = async (begun: Progress): Promise<Standing> => {
    const length = wholeLength(request, { offset, complete, known: knownLength(begun) });
    using _ = openUpload(tus.uploads, caller.principal, response);
    const adding = receivePart(tus, context, begun, { complete, length, digests });
    return await unlessOvertaken(tus, caller, { id, offset }, adding, (now, left) => {
      const end = endOf(now, left);
      return end === offset ? locked({ 'upload-offset': String(offset) }) : mismatching(end, offset);
    });
  };
  const received = live ? await add(live) : found;
  const progress = alive(tus, received, false);
  if (progress) return sendEmpty(response, 204, offsetHeaders(tus, progress));
  const { record } = received;
  log.info({ fileId: record.id, owner: record.owner, size: sizeOf(record) }, 'file received');
  sayComplete(response, record);
  await answerReceived(tus, context, record, waitSecondsOf(request.headers['prefer']));
}

/** A partial upload of tus never becomes a file under its id. @throws {Problem} */
function requireFile(now: Standing): Standing {
  if (now.progress && isPartial(now.progress.record)) throw new Problem('not-found');
  return now;
}

function requirePartialUpload(contentType: string | undefined): void {
  const type = contentType === undefined ? undefined : mediaTypeOf(contentType);
  if (type !== undefined && essence(type) === PARTIAL_UPLOAD) return;
  const headers = { 'accept-patch': PARTIAL_UPLOAD };
  throw new Problem('upload-content-type', { detail: `Send Content-Type: ${PARTIAL_UPLOAD}.`, headers });
}

function endOf(now: Standing, live: Progress | undefined): number | undefined {
  return live ? live.chain.end : sizeOf(now.record);
}

function mismatching(expected: number | undefined, provided: number): Problem {
  return new Problem('mismatching-upload-offset', {
    members: defined({ 'expected-offset': expected, 'provided-offset': provided }),
    headers: {
      'upload-complete': '?0',
      ...(expected !== undefined && { 'upload-offset': String(expected) }),
    },
  });
}
