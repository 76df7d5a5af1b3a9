import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FileRecord } from '../../shared/files/record.ts';
import { invalidRequest } from '../../shared/http/problems.ts';
import { sendHandle } from '../../shared/http/respond.ts';
import type { RequestContext } from '../../shared/http/service.ts';
import type { Principal } from '../../shared/identity/principal.ts';
import { claimedSha256 } from './headers/digest-fields.ts';
import { openUpload } from './open.ts';
import { sendInterim, takesInterim, uploadLimit, wholeLength } from './resumable-headers.ts';
import { offsetHeaders, receivePart } from './resumable-part.ts';
import { newUpload } from './tus-create.ts';
import type { UploadHeaders } from './upload-headers.ts';
import type { Tus } from './uploads.ts';
import { handleOf, validateUpload } from './validate-upload.ts';

/**
 * Whether `POST /files` makes an upload resource: where the body is not all of the file, and where the client can be told the
 * address before it sends the body. Any other body is stored as without the draft, which costs less.
 */
export function isResumable(
  request: IncomingMessage,
  response: ServerResponse,
  offer: UploadHeaders,
): boolean {
  if (offer.complete === undefined) return false;
  const obstacle = obstacleOf(offer);
  if (offer.complete) return obstacle === undefined && takesInterim(request, response);
  if (obstacle) throw invalidRequest(obstacle);
  return true;
}

/** Why a file cannot be uploaded in parts. */
function obstacleOf({ boundary, idempotencyKey, digests }: UploadHeaders): string | undefined {
  if (boundary !== undefined) return 'A form is not sent in parts. Send the bytes of the file.';
  if (idempotencyKey !== undefined)
    return 'Send Upload-Complete or Idempotency-Key: the upload resource is asked whether its file is there.';
  if (digests.length > 0 && !claimedSha256(digests))
    return 'Send the sha-256 of the file: no other digest can be continued in another process.';
  return undefined;
}

/**
 * Begins an upload of draft-ietf-httpbis-resumable-upload with the first bytes of its file.
 * @returns the file where it is complete already; undefined where the answer is sent
 * @throws {Problem}
 */
export async function beginUpload(
  tus: Tus,
  context: RequestContext,
  owner: Principal,
  offer: UploadHeaders,
): Promise<FileRecord | undefined> {
  const { request, response, log, audit, span } = context;
  const { complete = true } = offer;
  using _ = openUpload(tus.uploads, owner, response);
  const length = wholeLength(request, { offset: 0, complete, known: undefined });
  const { traceparent } = span;
  const admitted = validateUpload(tus.terms, { ...offer, owner, size: length, traceparent });
  // Of an upload that has yet to be called complete, the length completes nothing.
  const lengths = complete ? { length } : { announced: length };
  const begun = newUpload(tus, admitted, { ...lengths, sha256: claimedSha256(offer.digests) });
  const { record } = begun;
  await tus.records.insert(record);
  audit.fileId = record.id;
  log.info({ fileId: record.id, owner, length }, 'upload created');
  const location = `/uploads/resumable/${record.id}`;
  if (takesInterim(request, response))
    sendInterim(response, { location, ...uploadLimit(tus, record.upload.expiresAt) });
  const now = await receivePart(tus, context, begun, { complete, length, digests: offer.contentDigests });
  if (!now.progress) return now.record;
  const handle = handleOf(now.record, tus.terms, now.progress.chain.end);
  sendHandle(response, 201, handle, { location, ...offsetHeaders(tus, now.progress) });
  return undefined;
}
