import { pipeline } from 'node:stream/promises';
import type { Blobs } from '../../shared/files/blobs.ts';
import type { FileRecord } from '../../shared/files/record.ts';
import type { Audit } from '../../shared/http/audit.ts';
import { requireReadable } from '../../shared/http/outcome.ts';
import { sendHead } from '../../shared/http/respond.ts';
import type { Exchange } from '../../shared/http/service.ts';
import { openDownload } from './download.ts';
import type { Redirect } from './redirect.ts';

export interface Reader {
  readonly blobs: Blobs;
  readonly redirect?: Redirect | undefined;
}

/**
 * Answers a read of a file that the caller may see. A client that goes away ends the read from Cloud Storage; bytes
 * that cannot be had or are not those of the record break the connection, which is never ended short.
 * @throws {Problem}, {StorageError}
 */
export async function sendFile(
  reader: Reader,
  { request, response, audit, signal }: Exchange,
  { method, record }: { readonly method: 'GET' | 'HEAD'; readonly record: FileRecord },
): Promise<void> {
  const download = await openDownload(reader, requireReadable(record), {
    method,
    headers: request.headers,
    signal,
  });
  const iterator = download.bytes[Symbol.asyncIterator]();
  // Before the head is out, a fault can still be said.
  const first = await iterator.next();
  sendHead(response, download.status, download.headers);
  audit.bytes = 0;
  if (method === 'HEAD') response.end();
  else await pipeline(counted(iterator, first, audit), response, { signal });
}

async function* counted(
  iterator: AsyncIterator<Uint8Array>,
  first: IteratorResult<Uint8Array, unknown>,
  audit: Audit,
): AsyncGenerator<Uint8Array> {
  try {
    for (let step = first; !step.done; step = await iterator.next()) {
      yield step.value;
      audit.bytes = (audit.bytes ?? 0) + step.value.length;
    }
  } finally {
    await iterator.return?.();
  }
}
