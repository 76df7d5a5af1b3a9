import { newFileId } from '../../shared/files/file-id.ts';
import { toHandle } from '../../shared/files/handle.ts';
import { fileMetadata } from '../../shared/files/metadata.ts';
import { fitsNewMetadata } from '../../shared/files/metadata-budget.ts';
import { insertPartial } from '../../shared/files/partial-uploads.ts';
import { NO_PARTS } from '../../shared/files/parts.ts';
import type { TusUpload } from '../../shared/files/record.ts';
import type { TusRecord } from '../../shared/files/uploading.ts';
import { tooLarge } from '../../shared/http/body.ts';
import { endOf } from '../../shared/http/ends.ts';
import { invalidRequest } from '../../shared/http/problems.ts';
import { refuseHeaders } from '../../shared/http/refuse-headers.ts';
import { sendHandle, sendJson } from '../../shared/http/respond.ts';
import type { RequestContext } from '../../shared/http/service.ts';
import type { Caller } from '../../shared/identity/caller.ts';
import type { Progress } from './append.ts';
import { correlationIdOf } from './headers/correlation-id.ts';
import { claimedWhole } from './headers/digest-fields.ts';
import { OF_A_PART } from './headers/refused.ts';
import { appendBody, chunkOf, hasBody } from './tus-body.ts';
import {
  announcedLength,
  completeHeaders,
  header,
  parseUploadMetadata,
  progressHeaders,
} from './tus-headers.ts';
import type { Tus } from './uploads.ts';
import { handleOf, uploadExpiry, type ValidUpload, validateUpload } from './validate-upload.ts';

/** Creation, also with the first bytes, also with a length that comes later. */
export async function createUpload(tus: Tus, context: RequestContext, caller: Caller): Promise<void> {
  const { request, response, log } = context;
  const length = announcedLength(request);
  const metadata = header(request, 'upload-metadata') || undefined;
  const admitted = validateDescribed(tus, context, caller, length);
  const sha256 = claimedWhole(header(request, 'repr-digest'));
  const chunk = hasBody(request) ? chunkOf(context, length) : undefined;
  const begun = newUpload(tus, admitted, { length, metadata, sha256 });
  await tus.records.insert(begun.record);
  context.audit.fileId = begun.record.id;
  log.info({ fileId: begun.record.id, owner: caller.principal, length }, 'upload created');
  // A file without a byte is complete already.
  const { record, progress } = await appendBody(tus, context, begun, chunk);
  const offset = progress?.chain.end;
  const handle = handleOf(record, tus.terms, offset);
  const headers = progress ? progressHeaders(progress) : completeHeaders(record, length);
  sendHandle(response, 201, handle, { location: `/uploads/${record.id}`, ...headers });
}

/** Creation of an upload that is no file. Its type and name are those of the file that it becomes a part of. */
export async function createPartial(tus: Tus, context: RequestContext, caller: Caller): Promise<void> {
  const { request, response, log } = context;
  const length = announcedLength(request);
  refuseHeaders(request, OF_A_PART);
  const { maxBytes } = tus.terms;
  if (length !== undefined && length > maxBytes) throw tooLarge(maxBytes);
  const metadata = header(request, 'upload-metadata') || undefined;
  parseUploadMetadata(metadata);
  const chunk = hasBody(request) ? chunkOf(context, length) : undefined;
  const admitted = { owner: caller.principal, contentType: 'application/octet-stream' };
  const begun = newUpload(tus, admitted, { length, metadata, concat: 'partial' });
  const { record } = begun;
  await insertPartial(tus.unscanned, record);
  log.info({ upload: record.id, owner: caller.principal, length }, 'partial upload created');
  const { progress = begun } = await appendBody(tus, context, begun, chunk);
  const { upload } = toHandle(record, undefined, { offset: progress.chain.end });
  const headers = { location: `/uploads/${record.id}`, ...progressHeaders(progress) };
  sendJson(response, 201, 'application/json', { id: record.id, upload }, headers);
}

/** The file as Upload-Metadata describes it. @throws {Problem} */
export function validateDescribed(
  { terms, now }: Pick<Tus, 'terms' | 'now'>,
  { request, span }: Pick<RequestContext, 'request' | 'span'>,
  caller: Caller,
  size: number | undefined,
): ValidUpload {
  const pairs = parseUploadMetadata(header(request, 'upload-metadata'));
  return validateUpload(terms, {
    owner: caller.principal,
    contentType: pairs.get('filetype') ?? pairs.get('contentType'),
    fileName: pairs.get('filename'),
    callbackUrl: pairs.get('callbackUrl'),
    correlationId: correlationIdOf(pairs.get('correlationId'), 'correlationId in Upload-Metadata'),
    expiresAt: endOf(pairs.get('expiresAt'), 'expiresAt in Upload-Metadata', now()),
    traceparent: span.traceparent,
    size,
  });
}

/** An upload without a byte. @throws {Problem} where Upload-Metadata leaves no room for the rest of the record */
export function newUpload(
  { now, expiresMs }: Tus,
  admitted: ValidUpload,
  upload: Omit<TusUpload, 'kind' | 'expiresAt'>,
): Progress {
  const createdAt = now();
  const record = requireRoom({
    ...admitted,
    id: newFileId(admitted.owner, createdAt),
    createdAt,
    viewers: [],
    state: 'uploading',
    upload: { kind: 'tus', expiresAt: uploadExpiry(createdAt, expiresMs, admitted), ...upload },
  });
  return { record, chain: NO_PARTS, seenAt: createdAt };
}

/** @throws {Problem} */
export function requireRoom(record: TusRecord): TusRecord {
  if (fitsNewMetadata(fileMetadata(record))) return record;
  throw invalidRequest('Upload-Metadata is too long.');
}
