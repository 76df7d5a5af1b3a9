import type { IncomingMessage } from 'node:http';
import { finalOf } from '../../shared/files/partial-uploads.ts';
import { assemble, type Chain, isWhole, objectOf, readChain, removeChain } from '../../shared/files/parts.ts';
import type { FileRecord, Sha256 } from '../../shared/files/record.ts';
import {
  asPending,
  isPartial,
  isTus,
  MAX_OBJECT_BYTES,
  type TusRecord,
} from '../../shared/files/uploading.ts';
import { framingOf } from '../../shared/framework/framing.ts';
import { bodyOf } from '../../shared/http/body.ts';
import { Problem } from '../../shared/http/problems.ts';
import type { RequestContext } from '../../shared/http/service.ts';
import { decodeCrc32c } from '../../shared/storage/crc32c.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import { append, type Chunk, digestOf, type Progress } from './append.ts';
import { parseChecksum } from './checksum.ts';
import { essence } from './media/media-policy.ts';
import { sniffed } from './media/sniff.ts';
import { requireClaimed } from './refute.ts';
import { header, OFFSET_CONTENT_TYPE } from './tus-headers.ts';
import type { Tus } from './uploads.ts';

/** A tus upload: a complete file, or the bytes received so far. */
export interface Standing {
  /** `pending` where all of its bytes are there and no verdict is, also where nobody has written that yet. */
  readonly record: FileRecord;
  /** Absent if nothing can be added. */
  readonly progress?: Progress;
}

/**
 * How the upload of a file stands, as its parts say. Where they are complete and their request died, the object is
 * made. Parts are looked for first, then the object that they become, then the record that outlasts it: what is
 * missed at one place is found at the next.
 */
export async function standing(tus: Tus, record: FileRecord): Promise<Standing> {
  if (!isTus(record)) return { record };
  const { id } = record;
  const seenAt = tus.now();
  const progress = { record, seenAt, chain: await readChain(tus.unscanned, id) };
  if (isOver(record, progress.chain)) throw new Problem('not-found');
  if (isPartial(record)) return { record, progress };
  // To make it again within a second of its creation would be refused.
  const object = await objectOf(tus.unscanned, id);
  if (!object && isWhole(record.upload, progress.chain))
    return complete(tus, progress, digestOf(tus, progress));
  const now = await recordOf(tus, record);
  if (object || !isTus(now)) return { record: object ? asPending(now, object) : now };
  return { record: now, progress: { ...progress, record: now } };
}

/** A partial upload that is gone, or was ended and not removed yet. */
export function isOver(record: TusRecord, { partial, final }: Chain): boolean {
  return isPartial(record) && (!partial || (final !== undefined && finalOf(final) === undefined));
}

/** Adds a body to an upload, and creates the object if that completes it. */
export async function appendBody(
  tus: Tus,
  { request, response, span }: RequestContext,
  progress: Progress,
  chunk?: Omit<Chunk, 'bytes'>,
): Promise<Standing> {
  const { record, chain } = progress;
  const { contentType, upload, traceparent } = record;
  if (traceparent && traceparent !== span.traceparent) span.link(traceparent);
  let latest = progress;
  if (!chunk) tus.latest.keep(progress);
  else {
    const body = bodyOf(request, response);
    // The beginning of a file says what it is.
    const begins = chain.end === 0 && !isPartial(record);
    const bytes = begins ? sniffed(body, contentType, tus.terms.media) : body;
    const cut = () => request.destroy();
    tus.shutdown.addEventListener('abort', cut, { once: true });
    try {
      latest = await tus.active.run(record, (way) =>
        append(tus, progress, { ...chunk, bytes, way }, (added) => tus.latest.keep(added)),
      );
    } finally {
      tus.shutdown.removeEventListener('abort', cut);
    }
  }
  if (isPartial(record) || !isWhole(upload, latest.chain)) return { record, progress: latest };
  tus.latest.take(record.id);
  const { record: now, object } = await complete(tus, latest, digestOf(tus, latest));
  // Two requests may have sent the same file differently, through two processes: of one, this is not true.
  const stored = now.content ?? object;
  if (stored && decodeCrc32c(stored.crc32c) !== latest.chain.crc32c) throw new Problem('upload-complete');
  return { record: now };
}

/** Makes the object. The record is read last: what was deleted meanwhile is not called complete. */
async function complete(
  tus: Tus,
  { record, chain }: Progress,
  sha256: Sha256 | undefined,
): Promise<Standing & { readonly object?: StoredObject }> {
  await requireClaimed(tus, record, sha256);
  const object = await assemble(tus.unscanned, record.id, chain, sha256);
  const now = await recordOf(tus, record);
  // Nobody waits for that: Cloud Storage takes one mutation of a name a second. The sweeper removes what stays.
  if (object) removeChain(tus.unscanned, record.id, chain).catch(() => undefined);
  if (object) return { record: asPending(now, object), object };
  if (isTus(now)) throw new Error(`the parts of ${record.id} are gone`);
  return { record: now };
}

export async function recordOf(
  { records }: Pick<Tus, 'records'>,
  { id }: Pick<FileRecord, 'id'>,
): Promise<FileRecord> {
  const current = await records.get(id);
  if (!current) throw new Problem('not-found');
  return current.record;
}

/** Refuses a body before it is sent, if possible. @throws {Problem} */
export function chunkOf({ request }: RequestContext, atMost = MAX_OBJECT_BYTES): Omit<Chunk, 'bytes'> {
  requireOffsetType(request);
  const { contentLength: size } = framingOf(request);
  if (size !== undefined && size > atMost) throw new Problem('upload-too-long');
  return { size, checksum: parseChecksum(header(request, 'upload-checksum')) };
}

export function requireOffsetType(request: IncomingMessage): void {
  if (essence(header(request, 'content-type') ?? '') !== OFFSET_CONTENT_TYPE)
    throw new Problem('upload-content-type');
}

export function hasBody(request: IncomingMessage): boolean {
  const { contentLength = 0, chunked } = framingOf(request);
  return chunked || contentLength > 0;
}
