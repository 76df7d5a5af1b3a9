import { sleep } from '../backoff.ts';
import { FileshareIntegrityError, FileshareProblem } from '../errors.ts';
import { isPassing, pauseMs } from '../http.ts';
import { type RunningHash, runningSha256 } from '../sha256.ts';
import type { Chunk, ChunkReader } from '../source.ts';
import type { Job } from './options.ts';

/** An upload in several requests, at the service or at Cloud Storage. */
export interface Session {
  /** Digest of all that is there, in hex, where an answer told it. */
  readonly sha256?: string | undefined;
  /** How many bytes are there. @throws {FileshareProblem} where it is over: 404 or 410 */
  offset(signal: AbortSignal | undefined): Promise<number>;
  /** Sends the bytes from `start` on. @returns how many bytes are there now */
  send(part: Part, signal: AbortSignal | undefined): Promise<number>;
}

export interface Part {
  readonly start: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly last: boolean;
  readonly onSent: (bytes: number) => void;
}

/**
 * Brings a source there, from `from` on, whatever breaks meanwhile. Bytes that are there already are read again, and
 * hashed.
 * @param reader what the source gives, from its first byte
 * @returns the digest of all of it
 * @throws {FileshareProblem}, {FileshareConnectionError}, {FileshareIntegrityError}
 */
export async function transfer(
  job: Job,
  session: Session,
  reader: ChunkReader,
  from: number,
): Promise<Uint8Array> {
  const hash = runningSha256();
  if (from > 0) job.onProgress({ sent: from, size: job.source.size, resumedFrom: from });
  await skip(reader, hash, from, job);
  await sendRest(job, session, reader, from, { size: job.source.size, hash });
  return hash.digest();
}

/**
 * Brings the rest of a source there, whatever breaks meanwhile.
 * @param reader what the source gives, from `from` on
 * @param size bytes that the session was begun for, where they were announced
 * @param hash told of each byte
 * @throws {FileshareProblem}, {FileshareConnectionError}, {FileshareIntegrityError}: also where the source has become shorter
 */
export async function sendRest(
  job: Job,
  session: Session,
  reader: ChunkReader,
  from: number,
  { size, hash }: { readonly size: number | undefined; readonly hash?: Pick<RunningHash, 'update'> },
): Promise<void> {
  let start = from;
  for (let last = false; !last; ) {
    const chunk = await reader.read(job.chunkSize);
    job.signal?.throwIfAborted();
    const end = start + chunk.bytes.length;
    // An upload that is not complete is no failure at the service: it only expires.
    if (chunk.last && size !== undefined && end < size)
      throw new FileshareIntegrityError(`The file has become shorter: ${end} bytes instead of ${size}.`);
    hash?.update(chunk.bytes);
    await sendChunk(job, session, { chunk, start, from });
    start = end;
    last = chunk.last;
  }
}

/** Reads over what is there already. */
async function skip(reader: ChunkReader, hash: RunningHash, bytes: number, job: Job): Promise<void> {
  for (let left = bytes; left > 0; ) {
    job.signal?.throwIfAborted();
    const chunk = await reader.read(Math.min(left, job.chunkSize));
    if (chunk.bytes.length === 0)
      throw new FileshareIntegrityError('The file is shorter than what was sent of it.');
    hash.update(chunk.bytes);
    left -= chunk.bytes.length;
  }
}

/** One chunk, in as many requests as it takes. An attempt that brought something does not count as failed. */
async function sendChunk(
  job: Job,
  session: Session,
  { chunk, start, from }: { readonly chunk: Chunk; readonly start: number; readonly from: number },
): Promise<void> {
  const end = start + chunk.bytes.length;
  const report = (sent: number) => job.onProgress({ sent, size: job.source.size, resumedFrom: from });
  let at = start;
  for (let attempt = 0; ; ) {
    try {
      const bytes = chunk.bytes.subarray(at - start);
      const part = { start: at, bytes, last: chunk.last, onSent: (sent: number) => report(at + sent) };
      at = within(await session.send(part, job.signal), start, end);
      attempt = 0;
    } catch (error) {
      job.signal?.throwIfAborted();
      if (!(isPassing(error) || isElsewhere(error)) || attempt >= job.http.options.retries) throw error;
      await sleep(pauseMs(error, attempt), job.signal);
      const before = at;
      at = within(await session.offset(job.signal), start, end);
      attempt = at > before ? 0 : attempt + 1;
    }
    report(at);
    if (at === end) return;
  }
}

/** The upload stands elsewhere than we thought: an answer got lost, or a parallel request was quicker. */
function isElsewhere(error: unknown): boolean {
  return (
    error instanceof FileshareProblem && (error.code === 'upload-offset' || error.code === 'upload-complete')
  );
}

function within(offset: number, start: number, end: number): number {
  if (offset >= start && offset <= end) return offset;
  throw new FileshareIntegrityError(
    `The offset of the upload is ${offset}, which is not between ${start} and ${end}.`,
  );
}
