import type { IncomingMessage, ServerResponse } from 'node:http';
import { fileUrl } from '../../shared/files/file-url.ts';
import { framingOf } from '../../shared/framework/framing.ts';
import { authenticate } from '../../shared/http/authenticate.ts';
import { bodyOf } from '../../shared/http/body.ts';
import { requireReadable } from '../../shared/http/outcome.ts';
import { sendHandle } from '../../shared/http/respond.ts';
import type { RequestContext } from '../../shared/http/service.ts';
import { waitForVerdict } from '../../shared/http/wait-for-verdict.ts';
import type { Principal } from '../../shared/identity/principal.ts';
import type { TokenVerifier } from '../../shared/identity/tokens.ts';
import type { Shares } from '../../shared/runtime/shares.ts';
import { callbackFor } from './callbacks.ts';
import { createFile, type Upload } from './create-file.ts';
import { type CreateOnceDeps, createFileIdempotently, type Received } from './create-file-idempotently.ts';
import { DigestCheck, verified } from './digest-check.ts';
import { fileOfForm } from './form/form-file.ts';
import { requireAllowed } from './media/media-policy.ts';
import { sniffed } from './media/sniff.ts';
import { openUpload } from './open.ts';
import { type UploadHeaders, type UploadLimits, uploadHeadersOf } from './upload-headers.ts';
import { handleOf } from './validate-upload.ts';

export interface PostDeps {
  readonly tokens: TokenVerifier;
  readonly terms: UploadLimits;
  readonly receiver: CreateOnceDeps;
  /** Shares of each owner: bodies that are being read, and requests that wait for a verdict. */
  readonly uploads: Shares;
  readonly polls: Shares;
}

/**
 * `POST /files`: the body of a request, or the one file of a form, becomes a file, and the answer its handle.
 * @throws {Problem}; whatever is refused for its head is refused before its body is asked for
 */
export async function postFile(deps: PostDeps, context: RequestContext): Promise<void> {
  const { request, response, log, signal, audit } = context;
  const { principal: owner } = await authenticate(deps.tokens, request, 'write');
  const offer = uploadHeadersOf(request, deps.terms);
  const { record: received, replayed } = await createFromBody(deps, context, owner, offer);
  const { id, content } = received;
  audit.fileId = id;
  log.info({ fileId: id, owner, size: content?.size, replayed }, 'file received');

  // Set here, so that a problem carries them too: it may be about a file that there is.
  response.setHeader('location', fileUrl(deps.terms.filesUrl, id));
  if (replayed) response.setHeader('idempotency-replayed', 'true');
  // A caller with too many of them waiting is answered at once, which it has to expect anyway.
  using poll = offer.waitSeconds > 0 ? deps.polls.take(owner) : undefined;
  const waitSeconds = poll ? offer.waitSeconds : 0;
  const record = await waitForVerdict(deps.receiver.records, received, waitSeconds, signal);
  const headers: Record<string, string> = poll ? { 'preference-applied': `wait=${waitSeconds}` } : {};
  if (record.state === 'pending')
    sendHandle(response, 202, handleOf(record, deps.terms), { ...headers, 'retry-after': '1' });
  else sendHandle(response, 201, handleOf(requireReadable(record), deps.terms), headers);
}

async function createFromBody(
  { receiver, terms, uploads }: PostDeps,
  { request, response, traceparent }: RequestContext,
  owner: Principal,
  offer: UploadHeaders,
): Promise<Received> {
  using _ = openUpload(uploads, owner, response);
  const check = new DigestCheck(offer.digests);
  const { contentType, fileName, declaredBytes, bytes } = await fileOf(request, response, offer, terms);
  const upload: Upload = {
    owner,
    contentType,
    fileName,
    callbackUrl: callbackFor(terms.callbacks, owner, offer.callbackUrl),
    correlationId: offer.correlationId,
    traceparent,
    declaredBytes,
    bytes: check.through(sniffed(bytes, contentType, terms.media)),
    verify: ({ sha256 }) => check.verify(sha256),
  };
  const { idempotencyKey: key } = offer;
  if (key === undefined) return { record: await createFile(receiver, upload), replayed: false };
  return await createFileIdempotently(receiver, { ...upload, key });
}

type SentFile = Pick<Upload, 'contentType' | 'fileName' | 'declaredBytes' | 'bytes'>;

/** The file that is sent: the body, or the one part of a form. @throws {Problem} */
async function fileOf(
  request: IncomingMessage,
  response: ServerResponse,
  { contentType, fileName, boundary, formDigests }: UploadHeaders,
  { maxBytes, media }: UploadLimits,
): Promise<SentFile> {
  if (boundary === undefined) {
    const declaredBytes = framingOf(request).contentLength;
    return { contentType, fileName, declaredBytes, bytes: bodyOf(request, response, maxBytes) };
  }
  const file = await fileOfForm(verified(bodyOf(request, response), formDigests), boundary, maxBytes);
  requireAllowed(media, file.contentType);
  return file;
}
