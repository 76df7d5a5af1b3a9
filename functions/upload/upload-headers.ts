import type { IncomingMessage } from 'node:http';
import { parse } from 'content-type';
import type { CallbackUrl } from '../../shared/files/callback-url.ts';
import type { CorrelationId } from '../../shared/files/correlation-id.ts';
import { requireLength } from '../../shared/http/body.ts';
import { fileNameOf } from '../../shared/http/disposition.ts';
import { endOf } from '../../shared/http/ends.ts';
import { waitSecondsOf } from '../../shared/http/prefer.ts';
import { invalidRequest, Problem } from '../../shared/http/problems.ts';
import { refuseHeaders } from '../../shared/http/refuse-headers.ts';
import { type Callbacks, requireCallback } from './callbacks.ts';
import { ENVELOPE_BYTES } from './form/form-file.ts';
import { correlationIdOf } from './headers/correlation-id.ts';
import { type ClaimedDigest, claimedDigests } from './headers/digest-fields.ts';
import { idempotencyKeyOf } from './headers/idempotency-key.ts';
import { IN_EVERY_WAY, WITHOUT_UPLOAD_COMPLETE } from './headers/refused.ts';
import { type MediaPolicy, requireAllowed } from './media/media-policy.ts';
import { mediaTypeOf } from './media/media-type.ts';
import { PARTIAL_UPLOAD, uploadCompleteOf } from './resumable-headers.ts';

/** Limits of a deployment, and the address at which its files are read. */
export interface UploadLimits {
  readonly maxBytes: number;
  /** Larger files are not scanned; undefined if this deployment has no such limit. */
  readonly maxScanBytes: number | undefined;
  readonly media: MediaPolicy;
  readonly callbacks: Callbacks;
  /** URL of the files function for clients; undefined if it shares the host name of this one. */
  readonly filesUrl: string | undefined;
}

/** The body as the head of an upload describes it. */
export interface UploadHeaders {
  /** Type of the body, and the name of the file where the body is one. */
  readonly contentType: string;
  readonly fileName: string | undefined;
  readonly callbackUrl: CallbackUrl | undefined;
  readonly correlationId: CorrelationId | undefined;
  /** The end of the file. */
  readonly expiresAt: Date | undefined;
  /** Separates the parts of a form; undefined where the body is the file. */
  readonly boundary: string | undefined;
  /** Digests of the file. */
  readonly digests: readonly ClaimedDigest[];
  /** Digests of the body, which may be a form or a part of the file. */
  readonly contentDigests: readonly ClaimedDigest[];
  /** Upload-Complete: whether the body is all of the file. */
  readonly complete: boolean | undefined;
  readonly idempotencyKey: string | undefined;
  readonly waitSeconds: number;
}

/**
 * Reads the head of an upload, and refuses what can be refused before a byte of the body is read.
 * @throws {Problem}
 */
export function uploadHeadersOf(
  request: IncomingMessage,
  { maxBytes, media, callbacks }: UploadLimits,
  now: Date,
): UploadHeaders {
  const { headers } = request;
  requireIdentity(headers['content-encoding']);
  refuseHeaders(request, IN_EVERY_WAY);
  const complete = uploadCompleteOf(request);
  if (complete === undefined) refuseHeaders(request, WITHOUT_UPLOAD_COMPLETE);
  const declaredType = mediaTypeOf(headers['content-type']);
  // Some clients say of the first part too that it is one.
  const isPart = complete !== undefined && declaredType === PARTIAL_UPLOAD;
  const contentType = isPart ? mediaTypeOf(undefined) : declaredType;
  if (!contentType) throw invalidRequest('The Content-Type is not a media type.');
  const boundary = boundaryOf(contentType);
  const fileName = fileNameOf(headers['content-disposition']);
  if (fileName === 'invalid') throw invalidRequest('The file name is too long.');
  const isForm = boundary !== undefined;
  const offer = {
    contentType,
    fileName,
    callbackUrl: requireCallback(callbacks, text(headers['callback-url'])),
    correlationId: correlationIdOf(headers['correlation-id'], 'Correlation-Id'),
    expiresAt: endOf(text(headers['expires-at']), 'Expires-At', now),
    boundary,
    digests: claimedDigests('Repr-Digest', text(headers['repr-digest'])),
    contentDigests: claimedDigests('Content-Digest', text(headers['content-digest'])),
    complete,
    idempotencyKey: idempotencyKeyOf(headers['idempotency-key']),
    waitSeconds: waitSecondsOf(headers['prefer']),
  };
  if (!isForm) requireAllowed(media, contentType);
  requireLength(request, isForm ? maxBytes + ENVELOPE_BYTES : maxBytes, maxBytes);
  return offer;
}

/**
 * Bytes are kept and scanned as they come: what is inside a coding would be looked at by nobody.
 * @throws {Problem} with the codings that are taken instead (RFC 9110 section 15.5.16)
 */
export function requireIdentity(encoding: string | undefined): void {
  if (['', 'identity'].includes((encoding ?? '').trim().toLowerCase())) return;
  throw new Problem('unsupported-encoding', { headers: { 'accept-encoding': 'identity' } });
}

/** The boundary of a form; undefined for any other type. @throws {Problem} where RFC 2046 section 5.1.1 does not allow it */
function boundaryOf(contentType: string): string | undefined {
  const { type, parameters } = parse(contentType);
  if (type !== 'multipart/form-data') return undefined;
  const { boundary = '' } = parameters;
  if (/^[\x21-\x7e]([\x20-\x7e]{0,68}[\x21-\x7e])?$/.test(boundary)) return boundary;
  throw new Problem('form-invalid', {
    detail: 'Its Content-Type has no boundary. Leave the header to the library that writes the form.',
  });
}

function text(header: string | string[] | undefined): string | undefined {
  return header === undefined ? undefined : [header].flat().join(', ');
}
