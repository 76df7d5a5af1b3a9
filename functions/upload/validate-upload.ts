import type { CorrelationId } from '../../shared/files/correlation-id.ts';
import { type Handle, toHandle } from '../../shared/files/handle.ts';
import type { FileRecord, Stored } from '../../shared/files/record.ts';
import { tooLarge } from '../../shared/http/body.ts';
import { safeFileName } from '../../shared/http/disposition.ts';
import { invalidRequest } from '../../shared/http/problems.ts';
import type { Principal } from '../../shared/identity/principal.ts';
import type { Traceparent } from '../../shared/runtime/trace.ts';
import { callbackFor } from './callbacks.ts';
import { requireAllowed } from './media/media-policy.ts';
import { mediaTypeOf } from './media/media-type.ts';
import type { UploadLimits } from './upload-headers.ts';

/** A client's description of a file before it sends it, unchanged. */
interface Announced {
  readonly owner: Principal;
  readonly contentType: string | undefined;
  readonly fileName: string | undefined;
  readonly callbackUrl: string | undefined;
  readonly correlationId: CorrelationId | undefined;
  readonly expiresAt: Date | undefined;
  readonly traceparent: Traceparent;
  /** Size in bytes, if known. */
  readonly size: number | undefined;
}

export type ValidUpload = Pick<
  Stored,
  'owner' | 'contentType' | 'fileName' | 'callbackUrl' | 'correlationId' | 'expiresAt' | 'traceparent'
>;

/**
 * The rules for what may be uploaded in steps, asked before anything is created.
 * @throws {Problem}
 */
export function validateUpload(
  { maxBytes, media, callbacks }: UploadLimits,
  { owner, ...announced }: Announced,
): ValidUpload {
  const contentType = mediaTypeOf(announced.contentType);
  if (!contentType) throw invalidRequest('The content type is not a media type.');
  const fileName = announced.fileName === undefined ? undefined : safeFileName(announced.fileName);
  if (fileName === 'invalid') throw invalidRequest('The file name is too long.');
  requireAllowed(media, contentType);
  if (announced.size !== undefined && announced.size > maxBytes) throw tooLarge(maxBytes);
  const callbackUrl = callbackFor(callbacks, owner, announced.callbackUrl);
  const { correlationId, expiresAt, traceparent } = announced;
  return { owner, contentType, fileName, callbackUrl, correlationId, expiresAt, traceparent };
}

/** When an upload is to be complete: its file may end before. @param expiresMs milliseconds from its creation */
export function uploadExpiry(createdAt: Date, expiresMs: number, { expiresAt }: ValidUpload): Date {
  const latest = createdAt.getTime() + expiresMs;
  return new Date(Math.min(latest, expiresAt?.getTime() ?? latest));
}

/** A handle for the owner, with the outcome that is certain before the scan, so that no gigabytes are sent in vain. */
export function handleOf(
  record: FileRecord,
  { maxScanBytes, filesUrl }: UploadLimits,
  offset?: number,
): Handle {
  const handle = toHandle(record, filesUrl, { forOwner: true, offset });
  const size = handle.size ?? handle.upload?.length;
  if (size === undefined || maxScanBytes === undefined || size <= maxScanBytes) return handle;
  return { ...handle, expected: { state: 'unscannable', reason: 'tooLarge' } };
}
