import { sleep } from './backoff.ts';
import { bodyOf } from './download-body.ts';
import { FileshareConnectionError, FileshareIntegrityError } from './errors.ts';
import { fileNameIn, plainName } from './file-name.ts';
import type { Handle } from './handle.ts';
import { type Http, isPassing, pauseMs } from './http.ts';
import { hex, type RunningHash, runningSha256, sha256In } from './sha256.ts';

export interface DownloadOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
}

export interface DownloadProgress {
  /** Bytes. */
  readonly received: number;
  readonly size: number;
}

/** A download that has begun. Its stream fails where the bytes are not those of the file; use them at its end only. */
export interface Download {
  readonly size: number;
  readonly contentType: string;
  /** Name without folders and control characters. */
  readonly fileName: string | undefined;
  /** The expected digest, in hex. */
  readonly sha256: string;
  /** Version of the bytes at the service; undefined where Cloud Storage sends them. */
  readonly etag: string | undefined;
  readonly stream: ReadableStream<Uint8Array>;
  /** Everything, in memory. @throws {FileshareIntegrityError}, {FileshareConnectionError} */
  bytes(): Promise<Uint8Array<ArrayBuffer>>;
}

interface Wanted {
  readonly http: Http;
  readonly id: string;
  readonly options: DownloadOptions;
}

/** @throws {FileshareProblem} where it is refused, {FileshareConnectionError} */
export async function download(http: Http, id: string, options: DownloadOptions = {}): Promise<Download> {
  const wanted = { http, id, options };
  const response = await http.call('GET', pathOf(id), { signal: options.signal });
  const length = Number(response.headers.get('content-length') ?? Number.NaN);
  const told = sha256In(response.headers.get('repr-digest'));
  // Cloud Storage, which a large file may come from, tells another digest; the handle always has it.
  const handle =
    told !== undefined && Number.isSafeInteger(length)
      ? undefined
      : await http.json<Handle>('GET', `${pathOf(id)}/status`, { signal: options.signal });
  const sha256 = told ?? handle?.sha256;
  const size = handle?.size ?? length;
  if (sha256 === undefined || !Number.isSafeInteger(size)) {
    await response.body?.cancel();
    throw new FileshareIntegrityError(`The service sent no digest for ${id}.`);
  }
  const stream = streamOf(verified(wanted, response, { sha256, size }), response);
  return {
    size,
    sha256,
    contentType: response.headers.get('content-type') ?? 'application/octet-stream',
    fileName: fileNameIn(response.headers.get('content-disposition')) ?? plainName(handle?.fileName),
    etag: response.redirected ? undefined : (response.headers.get('etag') ?? undefined),
    stream,
    bytes: async () => new Uint8Array(await new Response(stream).arrayBuffer()),
  };
}

/** The bytes, across as many connections as it takes, and an error at their end where they are not the file. */
async function* verified(
  wanted: Wanted,
  first: Response,
  { sha256, size }: { readonly sha256: string; readonly size: number },
): AsyncGenerator<Uint8Array> {
  const { http, options } = wanted;
  const hash = runningSha256();
  let received = 0;
  let response = first;
  for (let attempt = 0; ; ) {
    const before = received;
    try {
      for await (const piece of bodyOf(response, received, http.options.idleMs)) {
        received += piece.length;
        if (received > size)
          throw new FileshareIntegrityError(`${wanted.id} has more than its ${size} bytes.`);
        hash.update(piece);
        options.onProgress?.({ received, size });
        yield piece;
      }
      if (received === size) return check(hash, sha256, wanted.id);
      throw new FileshareConnectionError(
        `the download of ${wanted.id} ended at ${received} of ${size} bytes`,
      );
    } catch (error) {
      options.signal?.throwIfAborted();
      attempt = received > before ? 0 : attempt + 1;
      if (!isPassing(error) || attempt > http.options.retries) throw error;
      await sleep(pauseMs(error, attempt), options.signal);
    }
    response = await rest(wanted, first, received);
  }
}

function check(hash: RunningHash, sha256: string, id: string): void {
  const actual = hex(hash.digest());
  if (actual === sha256) return;
  throw new FileshareIntegrityError(`${id} has the digest ${actual}, and should have ${sha256}.`);
}

/** Asks for what is missing, of the same version (RFC 9110 section 13.1.5). */
function rest({ http, id, options }: Wanted, first: Response, received: number): Promise<Response> {
  const etag = first.headers.get('etag');
  const headers = { range: `bytes=${received}-`, ...(etag && { 'if-range': etag }) };
  return http.call('GET', pathOf(id), { signal: options.signal, headers });
}

function streamOf(pieces: AsyncGenerator<Uint8Array>, first: Response): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await pieces.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await pieces.return(undefined);
        // Nobody does where no byte was read.
        if (!first.body?.locked) await first.body?.cancel();
      },
    },
    { highWaterMark: 0 },
  );
}

function pathOf(id: string): string {
  return `/files/${encodeURIComponent(id)}`;
}
