import type { IncomingMessage } from 'node:http';
import { newFileId } from '../../shared/files/file-id.ts';
import { fileUrl } from '../../shared/files/file-url.ts';
import type { Sha256 } from '../../shared/files/record.ts';
import type { DirectRecord } from '../../shared/files/uploading.ts';
import { authenticate } from '../../shared/http/authenticate.ts';
import { endOf } from '../../shared/http/ends.ts';
import { refuseHeaders } from '../../shared/http/refuse-headers.ts';
import { sendJson } from '../../shared/http/respond.ts';
import type { RequestContext } from '../../shared/http/service.ts';
import { defined } from '../../shared/runtime/defined.ts';
import { directRequest, isOrigin } from './direct-request.ts';
import { correlationIdOf } from './headers/correlation-id.ts';
import { AT_DIRECT } from './headers/refused.ts';
import { requireIdentity } from './upload-headers.ts';
import type { Uploads } from './uploads.ts';
import { handleOf, uploadExpiry, type ValidUpload, validateUpload } from './validate-upload.ts';

interface DirectRequest extends ValidUpload {
  /** Bytes, exactly. */
  readonly size: number;
  /** Digest that the client claims: what arrives must have it, and nothing is concluded from it. */
  readonly sha256: Sha256 | undefined;
  /** Origin of the web page that will send the bytes. */
  readonly origin: string | undefined;
}

/**
 * `POST /uploads/direct`: 201 with the URI of a session, and the handle of the file to be.
 * @throws {Problem}, {StorageError}
 */
export async function postDirect(deps: Uploads, context: RequestContext): Promise<void> {
  const { request, response, span, log, audit } = context;
  const { principal: owner } = await authenticate(deps.tokens, request, 'write');
  const reading = deps.intake.requireOpen();
  if (reading) await reading;
  requireIdentity(request.headers['content-encoding']);
  refuseHeaders(request, AT_DIRECT);
  const described = await directRequest(request, response);
  const { contentType, fileName, correlationId, callbackUrl, expiresAt, ...order } = described;
  const admitted = validateUpload(deps.terms, {
    owner,
    contentType,
    fileName,
    correlationId: correlationIdOf(correlationId, 'correlationId'),
    expiresAt: endOf(expiresAt, 'expiresAt', deps.now()),
    traceparent: span.traceparent,
    callbackUrl,
    size: order.size,
  });
  const origin = pageOf(request);
  const opened = await openDirect(deps, { sha256: undefined, origin, ...order, ...admitted });
  audit.fileId = opened.id;
  log.info({ fileId: opened.id, owner, size: order.size }, 'direct session opened');
  const { session: uploadUrl, expiresAt: sessionEnd } = opened.upload;
  const handle = handleOf(opened, deps.terms);
  const body = { uploadUrl, expiresAt: sessionEnd.toISOString(), handle };
  sendJson(response, 201, 'application/json', body, {
    location: fileUrl(deps.terms.filesUrl, opened.id),
  });
}

/** Cloud Storage lets the page of one origin send the bytes: by default the page that ordered the session. */
function pageOf({ headers: { origin } }: IncomingMessage): string | undefined {
  return origin !== undefined && isOrigin(origin) ? origin : undefined;
}

/**
 * Opens a session of Cloud Storage for the client to send the bytes to: their number, their name and the bucket
 * are fixed, the client chooses nothing but the bytes. The record is there before anybody knows the session.
 * docs/adr/0016
 * @throws {StorageError}
 */
export async function openDirect(
  deps: Pick<Uploads, 'unscanned' | 'records' | 'expiresMs' | 'now'>,
  order: DirectRequest,
): Promise<DirectRecord> {
  const { size: length, sha256, origin, ...admitted } = order;
  const createdAt = deps.now();
  const id = newFileId(order.owner, createdAt);
  const opening = { contentType: 'application/octet-stream', size: length, origin };
  const session = await deps.unscanned.openSession(id, opening);
  const expiresAt = uploadExpiry(createdAt, deps.expiresMs, admitted);
  const upload = { kind: 'direct', length, session, expiresAt, ...defined({ sha256 }) } as const;
  try {
    const record: DirectRecord = { ...admitted, id, createdAt, viewers: [], state: 'uploading', upload };
    await deps.records.insert(record);
    return record;
  } catch (error) {
    // Best effort: an unused session expires, and never becomes an object.
    await deps.unscanned.cancelSession(session).catch(() => undefined);
    throw error;
  }
}
