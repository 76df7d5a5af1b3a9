import type { IncomingMessage, ServerResponse } from 'node:http';
import { framingOf } from '../../shared/framework/framing.ts';
import { authenticate } from '../../shared/http/authenticate.ts';
import { bodyOf } from '../../shared/http/body.ts';
import { invalidRequest } from '../../shared/http/problems.ts';
import type { RequestContext } from '../../shared/http/service.ts';
import type { Principal } from '../../shared/identity/principal.ts';
import { callbackFor } from './callbacks.ts';
import { createFile, type Upload } from './create-file.ts';
import { createFileIdempotently, type Received } from './create-file-idempotently.ts';
import { DigestCheck, verified } from './digest-check.ts';
import { fileOfForm } from './form/form-file.ts';
import { requireAllowed } from './media/media-policy.ts';
import { sniffed } from './media/sniff.ts';
import { openUpload } from './open.ts';
import { answerReceived, sayComplete } from './received.ts';
import { beginUpload, isResumable } from './resumable-create.ts';
import { wholeLength } from './resumable-headers.ts';
import { type UploadHeaders, type UploadLimits, uploadHeadersOf } from './upload-headers.ts';
import type { Uploads } from './uploads.ts';

/**
 * `POST /files`: the body of a request, or the one file of a form, becomes a file, and the answer its handle.
 * @throws {Problem}; whatever is refused for its head is refused before its body is asked for
 */
export async function postFile(deps: Uploads, context: RequestContext): Promise<void> {
  const { request, response } = context;
  const { principal: owner } = await authenticate(deps.tokens, request, 'write');
  requireOnce(request);
  const offer = uploadHeadersOf(request, deps.terms, deps.now());
  // The file of a key may be there already: createFileIdempotently looks first.
  const reading = offer.idempotencyKey === undefined ? deps.intake.requireOpen() : undefined;
  if (reading) await reading;
  if (isResumable(request, response, offer)) {
    const record = await beginUpload(deps, context, owner, offer);
    return record && answer(deps, context, { record, replayed: false }, offer);
  }
  if (offer.complete) wholeLength(request, { offset: 0, complete: true, known: undefined });
  await answer(deps, context, await createFromBody(deps, context, owner, offer), offer);
}

/**
 * Refuses headers that are there twice: Node joins their lines, or takes the first, and a file would get a name or an
 * identifier that nobody gave it.
 * @throws {Problem}
 */
function requireOnce({ headersDistinct }: IncomingMessage): void {
  for (const name of ['content-type', 'content-disposition', 'correlation-id', 'callback-url'])
    if ((headersDistinct[name]?.length ?? 0) > 1) throw invalidRequest(`Send one ${name} header.`);
}

async function answer(
  deps: Uploads,
  context: RequestContext,
  { record, replayed }: Received,
  { complete, waitSeconds }: UploadHeaders,
): Promise<void> {
  const { response, log, audit } = context;
  const { id, owner, content } = record;
  audit.fileId = id;
  log.info({ fileId: id, owner, size: content?.size, replayed }, 'file received');
  if (replayed) response.setHeader('idempotency-replayed', 'true');
  if (complete !== undefined) sayComplete(response, record);
  await answerReceived(deps, context, record, waitSeconds);
}

async function createFromBody(
  deps: Uploads,
  { request, response, span }: RequestContext,
  owner: Principal,
  offer: UploadHeaders,
): Promise<Received> {
  const { terms } = deps;
  using _ = openUpload(deps.uploads, owner, response);
  const { boundary, digests, contentDigests } = offer;
  const check = new DigestCheck(boundary === undefined ? [...digests, ...contentDigests] : digests);
  const { contentType, fileName, declaredBytes, bytes } = await fileOf(request, response, offer, terms);
  const upload: Upload = {
    owner,
    contentType,
    fileName,
    callbackUrl: callbackFor(terms.callbacks, owner, offer.callbackUrl),
    correlationId: offer.correlationId,
    expiresAt: offer.expiresAt,
    traceparent: span.traceparent,
    declaredBytes,
    bytes: check.through(sniffed(bytes, contentType, terms.media)),
    verify: ({ sha256 }) => check.verify(sha256),
  };
  const { idempotencyKey: key } = offer;
  if (key === undefined) return { record: await createFile(deps, upload), replayed: false };
  return await createFileIdempotently(deps, { ...upload, key });
}

type SentFile = Pick<Upload, 'contentType' | 'fileName' | 'declaredBytes' | 'bytes'>;

/** The uploaded file: the body, or the one part of a form. @throws {Problem} */
async function fileOf(
  request: IncomingMessage,
  response: ServerResponse,
  { contentType, fileName, boundary, contentDigests }: UploadHeaders,
  { maxBytes, media }: UploadLimits,
): Promise<SentFile> {
  if (boundary === undefined) {
    const declaredBytes = framingOf(request).contentLength;
    return { contentType, fileName, declaredBytes, bytes: bodyOf(request, response, maxBytes) };
  }
  const file = await fileOfForm(verified(bodyOf(request, response), contentDigests), boundary, maxBytes);
  requireAllowed(media, file.contentType);
  return file;
}
