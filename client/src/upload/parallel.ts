import { FileshareProblem } from '../errors.ts';
import { digestField, runningSha256 } from '../sha256.ts';
import { ChunkReader } from '../source.ts';
import type { Job } from './options.ts';
import { sendRest } from './session.ts';
import { concatenate, createPartial, TusSession } from './tus.ts';

/** A source whose parts can be read apart. */
export interface Divisible {
  readonly size: number;
  readonly slice: (start: number, end: number) => AsyncIterable<Uint8Array>;
}

/** The source, if it can be sent in several parts at once. */
export function divisible({ source: { size, slice } }: Job): Divisible | undefined {
  return size !== undefined && size > 0 && slice ? { size, slice } : undefined;
}

/** Begins a partial upload for each of `count` parts. @returns their paths, in the order of their bytes */
export async function beginParts(job: Job, { size }: Divisible, count: number): Promise<readonly string[]> {
  const ids = await Promise.all(rangesOf(size, count).map(([start, end]) => createPartial(job, end - start)));
  return ids.map((id) => `/uploads/${id}`);
}

/**
 * Sends the parts at once, each from where it stands, while another reader works out the digest of the whole; then makes them a file.
 * A part that fails ends the others: what they have brought stays.
 * @param paths as {@link beginParts} told them
 * @returns id of the file, and its digest
 * @throws {FileshareProblem}: 404 or 410 where a part is over; {FileshareConnectionError}, {FileshareIntegrityError}
 */
export async function sendParts(
  job: Job,
  { size, slice }: Divisible,
  paths: readonly string[],
): Promise<{ readonly id: string; readonly digest: Uint8Array }> {
  const failed = new AbortController();
  const signal = AbortSignal.any([failed.signal, ...(job.signal ? [job.signal] : [])]);
  const ranges = rangesOf(size, paths.length);
  const sessions = ranges.map(([start, end], at) => new TusSession(job.http, paths[at] ?? '', end - start));
  const stands = await Promise.all(sessions.map((session) => offsetOf(session, job.signal)));
  const lengths = ranges.map(([start, end]) => end - start);
  // Parts that are over or complete may be a file already, whose id was not told: the same request finds it.
  const isMade = stands.every((offset, at) => offset === undefined || offset === lengths[at]);
  const resumed = lengths.map((length, at) => (isMade ? length : (stands[at] ?? 0)));
  const resumedFrom = sum(resumed);
  const sent = [...resumed];
  const report = () => job.onProgress({ sent: sum(sent), size, resumedFrom });
  report();
  const sending = ranges.map(async ([start, end], at) => {
    const from = resumed[at] ?? 0;
    const session = sessions[at];
    if (!session || start + from === end) return;
    const onProgress = (progress: { readonly sent: number }) => {
      sent[at] = progress.sent;
      report();
    };
    const reader = new ChunkReader(slice(start + from, end));
    try {
      await sendRest({ ...job, signal, onProgress }, session, reader, from, { size: end - start });
    } finally {
      await reader.close();
    }
  });
  const work = [digestOf(job, signal), ...sending] as const;
  try {
    const [digest] = await Promise.all(work);
    return { id: await concatenate(job, paths, digestField(digest)), digest };
  } catch (error) {
    failed.abort(error);
    await Promise.allSettled(work);
    throw error;
  }
}

/** Where a part stands; undefined where it is over. */
async function offsetOf(session: TusSession, signal: AbortSignal | undefined): Promise<number | undefined> {
  try {
    return await session.offset(signal);
  } catch (error) {
    if (error instanceof FileshareProblem && (error.status === 404 || error.status === 410)) return undefined;
    throw error;
  }
}

/** The digest of the whole, read at the pace of the disk. */
async function digestOf({ source, chunkSize }: Job, signal: AbortSignal): Promise<Uint8Array> {
  const hash = runningSha256();
  const reader = new ChunkReader(source.open());
  try {
    for (let last = false; !last; ) {
      signal.throwIfAborted();
      const chunk = await reader.read(chunkSize);
      hash.update(chunk.bytes);
      last = chunk.last;
    }
    return hash.digest();
  } finally {
    await reader.close();
  }
}

/** Ranges of about one length: the first byte of each, and the end. */
function rangesOf(size: number, count: number): readonly (readonly [start: number, end: number])[] {
  const at = (part: number) => Math.floor((size * part) / count);
  return Array.from({ length: count }, (_, part) => [at(part), at(part + 1)] as const);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
