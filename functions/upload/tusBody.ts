import type { IncomingMessage } from 'node:http';
import { assemble } from '../../shared/files/parts.ts';
import type { PendingRecord } from '../../shared/files/record.ts';
import type { Versioned } from '../../shared/files/records.ts';
import { MAX_OBJECT_BYTES, type TusRecord } from '../../shared/files/uploading.ts';
import { framingOf } from '../../shared/http/framing.ts';
import { Problem } from '../../shared/http/problems.ts';
import type { Exchange } from '../../shared/http/service.ts';
import { sniffed } from '../../shared/http/sniff.ts';
import { type Appender, append, type Chunk } from './append.ts';
import { bodyOf } from './body.ts';
import { parseChecksum } from './checksum.ts';
import type { Terms } from './offer.ts';
import { header, OFFSET_CONTENT_TYPE } from './tusHeaders.ts';

export interface TusIntake extends Appender {
  readonly terms: Terms;
  /** Aborts when this process is about to end: what a request has sent by then is kept. */
  readonly shutdown: AbortSignal;
}

/** Adds a body to an upload, and makes the object where that was the last of it. */
export async function receive(
  tus: TusIntake,
  { request, response }: Exchange,
  read: Versioned<TusRecord>,
  chunk: Omit<Chunk, 'bytes'> = {},
): Promise<Versioned<TusRecord | PendingRecord>> {
  const { contentType, upload } = read.record;
  const body = bodyOf(request, response);
  // What a file is, its beginning says.
  const bytes = upload.offset === 0 ? sniffed(body, contentType, tus.terms.media) : body;
  const cut = () => request.destroy();
  tus.shutdown.addEventListener('abort', cut, { once: true });
  try {
    const written = await append(tus, read, { ...chunk, bytes });
    if (written.record.state === 'pending') await complete(tus, written.record);
    return written;
  } finally {
    tus.shutdown.removeEventListener('abort', cut);
  }
}

/** What can be refused of a body before it is sent. @throws {Problem} */
export function chunkOf({ request }: Exchange, atMost = MAX_OBJECT_BYTES): Omit<Chunk, 'bytes'> {
  requireOffsetType(request);
  const { contentLength: size } = framingOf(request);
  if (size !== undefined && size > atMost) throw new Problem('upload-too-long');
  return { size, checksum: parseChecksum(header(request, 'upload-checksum')) };
}

export function requireOffsetType(request: IncomingMessage): void {
  if (header(request, 'content-type') !== OFFSET_CONTENT_TYPE) throw new Problem('upload-content-type');
}

export function hasBody(request: IncomingMessage): boolean {
  const { contentLength = 0, chunked } = framingOf(request);
  return chunked || contentLength > 0;
}

/** Makes the object of a file whose parts are all there. @throws {StorageError}; {Error} where the parts are gone */
export async function complete(tus: TusIntake, record: PendingRecord): Promise<void> {
  if ((await assemble(tus, record)) === 'gone') throw new Error(`the parts of ${record.id} are gone`);
}
