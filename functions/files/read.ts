import type { ServerResponse } from 'node:http';
import type { FileRecord } from '../../shared/files/record.ts';
import { isCrossOrigin } from '../../shared/framework/cors.ts';
import { requireReadable } from '../../shared/http/outcome.ts';
import { sendHead } from '../../shared/http/respond.ts';
import type { RequestContext } from '../../shared/http/service.ts';
import type { Principal } from '../../shared/identity/principal.ts';
import type { BorrowedBytes } from '../../shared/runtime/memory.ts';
import { type DownloadDeps, openDownload } from './download.ts';

/**
 * Cloud Run's front end passes an HTTP/1 answer of at most 32 MiB, unless it is chunked: a larger one becomes an empty
 * 500, of which the function sees nothing. https://cloud.google.com/run/quotas. It is not documented whether the head
 * counts, so there is room for one.
 */
export const MAX_SIZED_BODY_BYTES = 32 * 1024 * 1024 - 64 * 1024;

interface ReadRequest {
  readonly method: 'GET' | 'HEAD';
  readonly record: FileRecord;
  readonly reader: Principal;
  /** When the reader ceases to see the file; absent where that has no end. */
  readonly until: Date | undefined;
}

/**
 * Answers a read of a file that the caller may see. A client that goes away ends the read from Cloud Storage; bytes
 * that cannot be had or are not those of the record break the connection, which is never ended short.
 * @throws {Problem}, {StorageError}
 */
export async function sendFile(
  deps: DownloadDeps,
  { request, response, audit, signal }: RequestContext,
  { method, record, reader, until }: ReadRequest,
): Promise<void> {
  const download = await openDownload(deps, requireReadable(record), {
    method,
    reader,
    until,
    headers: request.headers,
    crossOrigin: isCrossOrigin(response),
    signal,
  });
  const iterator = download.bytes[Symbol.asyncIterator]();
  try {
    // Before the head is out, a fault can still be reported.
    let step = await iterator.next();
    sendHead(response, download.status, method === 'GET' ? framed(download.headers) : download.headers);
    audit.bytes = 0;
    for (const write = writer(response); !step.done; step = await iterator.next()) {
      await write(step.value);
      audit.bytes += step.value.length;
    }
    response.end();
  } finally {
    await iterator.return?.();
  }
}

/** The headers without the `content-length` of a body that is to be chunked. Of either framing, a short body is seen to be short. */
function framed(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const { 'content-length': length, ...others } = headers;
  return Number(length) > MAX_SIZED_BODY_BYTES ? others : headers;
}

/**
 * Writes pieces one by one, and resolves once the connection has all of one. A client that goes away rejects what is under way.
 */
function writer(response: ServerResponse): (piece: BorrowedBytes) => Promise<void> {
  let gone: (reason: Error) => void = () => undefined;
  response.once('close', () => gone(new Error('the connection was closed')));
  return (piece) =>
    new Promise((resolve, reject) => {
      gone = reject;
      response.write(piece, (error) => (error ? reject(error) : resolve()));
    });
}
