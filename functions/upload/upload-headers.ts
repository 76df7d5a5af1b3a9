import type { IncomingMessage } from 'node:http';
import type { CallbackUrl } from '../../shared/files/callback-url.ts';
import { requireLength } from '../../shared/http/body.ts';
import { fileNameOf } from '../../shared/http/disposition.ts';
import { waitSecondsOf } from '../../shared/http/prefer.ts';
import { Problem } from '../../shared/http/problems.ts';
import { type Callbacks, requireCallback } from './callbacks.ts';
import { type ClaimedDigest, claimedDigests } from './headers/digest-fields.ts';
import { idempotencyKeyOf } from './headers/idempotency-key.ts';
import { essence, type MediaPolicy, requireAllowed } from './media/media-policy.ts';
import { mediaTypeOf } from './media/media-type.ts';

/** Limits of a deployment, and the address at which its files are read. */
export interface UploadLimits {
  readonly maxBytes: number;
  /** Larger files are not scanned; undefined if this deployment has no such limit. */
  readonly maxScanBytes: number | undefined;
  readonly media: MediaPolicy;
  readonly callbacks: Callbacks;
  /** Where clients reach the files function; undefined where that is the host name of this one. */
  readonly filesUrl: string | undefined;
}

/** The body as the head of an upload describes it. */
export interface UploadHeaders {
  readonly contentType: string;
  readonly fileName: string | undefined;
  readonly callbackUrl: CallbackUrl | undefined;
  readonly digests: readonly ClaimedDigest[];
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
): UploadHeaders {
  const { headers } = request;
  requireIdentity(headers['content-encoding']);
  const contentType = mediaTypeOf(headers['content-type']);
  if (!contentType) throw invalid('The Content-Type is not a media type.');
  if (essence(contentType) === 'multipart/form-data') throw formNotSupported();
  requireWhole(headers['upload-complete']);
  const fileName = fileNameOf(headers['content-disposition']);
  if (fileName === 'invalid') throw invalid('The file name is too long.');
  const offer = {
    contentType,
    fileName,
    callbackUrl: requireCallback(callbacks, text(headers['callback-url'])),
    digests: [
      ...claimedDigests('Repr-Digest', text(headers['repr-digest'])),
      ...claimedDigests('Content-Digest', text(headers['content-digest'])),
    ],
    idempotencyKey: idempotencyKeyOf(headers['idempotency-key']),
    waitSeconds: waitSecondsOf(headers['prefer']),
  };
  requireAllowed(media, contentType);
  requireLength(request, maxBytes);
  return offer;
}

/**
 * Bytes are kept and scanned as they come: what is inside a coding would be looked at by nobody.
 * @throws {Problem} with the codings that are taken instead (RFC 9110 section 15.5.16)
 */
function requireIdentity(encoding: string | undefined): void {
  if (['', 'identity'].includes((encoding ?? '').trim().toLowerCase())) return;
  throw new Problem('unsupported-encoding', { headers: { 'accept-encoding': 'identity' } });
}

/** The envelope of a form would be stored around the file, and no reader of the file would expect it. */
function formNotSupported(): Problem {
  const detail =
    "Send the bytes of the file as the body: curl --data-binary @FILE -H 'Content-Type: TYPE' URL.";
  return new Problem('form-not-supported', { detail });
}

/**
 * A client of draft-ietf-httpbis-resumable-upload says `?0` of a part, which must not become a file.
 * @throws {Problem}
 */
function requireWhole(uploadComplete: string | string[] | undefined): void {
  if (uploadComplete === undefined || /^\s*\?1\s*(;|$)/.test(String(uploadComplete))) return;
  throw invalid('The request is a part of an upload (Upload-Complete). Upload in parts by tus, at /uploads.');
}

function text(header: string | string[] | undefined): string | undefined {
  return header === undefined ? undefined : [header].flat().join(', ');
}

function invalid(detail: string): Problem {
  return new Problem('invalid-request', { detail });
}
