import { sleep } from './backoff.ts';
import { bodyOf } from './download-body.ts';
import { FileshareConnectionError, FileshareIntegrityError } from './errors.ts';
import { type Http, isPassing, pauseMs } from './http.ts';
import { hex, runningSha256 } from './sha256.ts';

/** A file that is downloaded in parts. */
export interface RangedFile {
  readonly path: string;
  readonly size: number;
  /** Hex. */
  readonly sha256: string;
  readonly etag: string | undefined;
}

/** Where parts are written to, in any order, and read from again to be verified. */
export interface RangeTarget {
  /** Whether an earlier attempt has written this part. */
  has(part: number): boolean;
  write(bytes: Uint8Array, position: number): Promise<void>;
  /** Says that all bytes of a part are written. */
  complete(part: number): Promise<void>;
  read(position: number, length: number): Promise<Uint8Array>;
}

export interface RangeOptions {
  readonly connections: number;
  /** Bytes. */
  readonly partSize: number;
  readonly signal: AbortSignal | undefined;
  readonly onReceived: (received: number) => void;
}

/** The service, or something in front of it, answers with the whole file. */
export class RangesIgnored extends Error {}

/** Bytes that are read at once to be verified. */
const READ_BYTES = 4 * 1024 * 1024;

/**
 * Fetches the parts that are missing, several at a time, and verifies the whole as it is in the target: each byte is hashed
 * once it and all before it are there.
 * @throws {RangesIgnored}, {FileshareProblem}, {FileshareConnectionError}, {FileshareIntegrityError}, the reason of the signal
 */
export async function fetchRanges(
  http: Http,
  file: RangedFile,
  target: RangeTarget,
  { connections, partSize, signal, onReceived }: RangeOptions,
): Promise<void> {
  const parts = Array.from({ length: Math.ceil(file.size / partSize) }, (_, part) => part);
  const missing = parts.filter((part) => !target.has(part));
  const sizeOf = (part: number) => Math.min(partSize, file.size - part * partSize);
  let received = file.size - missing.reduce((sum, part) => sum + sizeOf(part), 0);
  if (received > 0) onReceived(received);
  const stop = new AbortController();
  const each = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  const arrived = parts.map(() => Promise.withResolvers<void>());
  for (const part of parts) if (target.has(part)) arrived[part]?.resolve();
  const work = async (): Promise<void> => {
    for (let part = missing.shift(); part !== undefined; part = missing.shift()) {
      const range = { start: part * partSize, end: part * partSize + sizeOf(part) };
      await fetchRange(http, file, range, each, async (bytes, position) => {
        await target.write(bytes, position);
        received += bytes.length;
        onReceived(received);
      });
      await target.complete(part);
      arrived[part]?.resolve();
    }
  };
  const failed = new Promise<never>((_, reject) => {
    each.addEventListener('abort', () => reject(each.reason), { once: true });
  });
  failed.catch(() => undefined);
  signal?.throwIfAborted();
  const hash = runningSha256();
  const verify = async (): Promise<void> => {
    for (const part of parts) {
      await Promise.race([arrived[part]?.promise, failed]);
      const end = part * partSize + sizeOf(part);
      for (let at = part * partSize; at < end; at += READ_BYTES) {
        each.throwIfAborted();
        hash.update(await target.read(at, Math.min(READ_BYTES, end - at)));
      }
    }
  };
  const running = [...Array.from({ length: connections }, work), verify()].map((one) =>
    one.catch((error: unknown) => {
      stop.abort(error);
      throw error;
    }),
  );
  const outcomes = await Promise.allSettled(running);
  signal?.throwIfAborted();
  // The first fault stopped the others.
  if (outcomes.some(({ status }) => status === 'rejected')) throw stop.signal.reason;
  const actual = hex(hash.digest());
  if (actual === file.sha256) return;
  throw new FileshareIntegrityError(`${file.path} has the digest ${actual}, and should have ${file.sha256}.`);
}

/** One range, in as many requests as it takes. An attempt that brought something does not count as failed. */
async function fetchRange(
  http: Http,
  file: RangedFile,
  { start, end }: { readonly start: number; readonly end: number },
  signal: AbortSignal,
  write: (bytes: Uint8Array, position: number) => Promise<void>,
): Promise<void> {
  let at = start;
  for (let attempt = 0; ; ) {
    const before = at;
    try {
      const headers = { range: `bytes=${at}-${end - 1}` };
      const response = await http.call('GET', file.path, { headers, signal });
      requireRange(response, file, at, end);
      for await (const piece of bodyOf(response, at, http.options.idleMs)) {
        signal.throwIfAborted();
        if (at + piece.length > end)
          throw new FileshareIntegrityError('The service sent more than the range it was asked for.');
        await write(piece, at);
        at += piece.length;
      }
      if (at === end) return;
      throw new FileshareConnectionError(`a range of ${file.path} ended at ${at} of ${end}`);
    } catch (error) {
      signal.throwIfAborted();
      attempt = at > before ? 0 : attempt + 1;
      if (!isPassing(error) || attempt > http.options.retries) throw error;
      await sleep(pauseMs(error, attempt), signal);
    }
  }
}

/** Every part is of the same version, or the whole could not have its digest: this tells early. */
function requireRange(
  response: Response,
  { etag, path, size }: RangedFile,
  start: number,
  end: number,
): void {
  const fault = faultOf();
  if (!fault) return;
  response.body?.cancel().catch(() => undefined);
  throw fault;

  function faultOf(): Error | undefined {
    // Cloud Storage, to which a large file may be redirected, has other tags.
    const tag = response.redirected ? undefined : response.headers.get('etag');
    if (tag && etag && tag !== etag)
      return new FileshareIntegrityError(`${path} changed during its download.`);
    if (response.status !== 206) return new RangesIgnored(`${path}: answered ${response.status} to a range`);
    if (response.headers.get('content-range') === `bytes ${start}-${end - 1}/${size}`) return undefined;
    return new FileshareIntegrityError('The service sent another range than it was asked for.');
  }
}
