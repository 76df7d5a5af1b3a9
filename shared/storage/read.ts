import type { Readable } from 'node:stream';
import { type BorrowedBytes, detach } from '../runtime/memory.ts';
import { StorageError } from './error.ts';
import { type Generation, parseGeneration } from './object.ts';
import { type RetryPolicy, retrying } from './retry.ts';
import type { Answer, Transport } from './transport.ts';

/** Bytes `start` to `end`, both included; none where `end` is before `start`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface ReadOptions {
  /** Pins the read to this generation. Without it, the read is pinned to the generation of the first response. */
  readonly generation?: Generation;
  readonly range: ByteRange;
  readonly signal?: AbortSignal | undefined;
}

export interface Reading {
  /** That these are bytes of, where Cloud Storage says so. */
  readonly generation: Generation | undefined;
  /** Iterate it or abort the signal; the connection stays open until then. */
  readonly bytes: AsyncGenerator<BorrowedBytes, void, undefined>;
}

const NOT_FOUND = 404;

/**
 * Reads a range of at least one byte of one generation of an object. If the connection fails or stalls, the read
 * resumes where it stopped, so each byte is read once. Awaits the first response, so that a missing generation is a
 * return value.
 * @returns undefined if the generation does not exist; otherwise exactly the requested bytes, or the iteration throws
 * @throws {StorageError} from the call, or from the iteration
 */
export async function readRange(
  transport: Transport,
  path: string,
  options: ReadOptions,
  limits: { retry: RetryPolicy; timeoutMs: number },
): Promise<Reading | undefined> {
  let { generation } = options;
  const open = (start: number) =>
    retrying(limits.retry, options.signal, () =>
      transport.stream({
        operation: 'objects.getMedia',
        method: 'GET',
        url: path,
        query: { alt: 'media', generation },
        headers: { range: `bytes=${start}-${options.range.end}` },
        expect: [NOT_FOUND],
        timeoutMs: limits.timeoutMs,
        signal: options.signal,
      }),
    );
  const first = await open(options.range.start);
  if (first.status === NOT_FOUND) {
    first.body.resume();
    return undefined;
  }
  generation ??= parseGeneration(first.headers.get('x-goog-generation'));
  return { generation, bytes: resumed(first, open, options.range, limits) };
}

async function* resumed(
  first: Answer<Readable>,
  open: (start: number) => Promise<Answer<Readable>>,
  range: ByteRange,
  limits: { retry: RetryPolicy; timeoutMs: number },
): AsyncGenerator<BorrowedBytes, void, undefined> {
  let next = range.start;
  let answer = first;
  for (let breaks = 0; ; ) {
    const before = next;
    try {
      assertStartsAt(answer, next);
      for await (const piece of watched(answer.body, limits.timeoutMs)) {
        next += piece.length;
        if (next > range.end + 1) throw fault('tooLong', 'more bytes than asked');
        yield piece;
      }
    } catch (error) {
      if (!(error instanceof StorageError) || !error.transient) throw error;
    }
    if (next === range.end + 1) return;
    breaks = next > before ? 1 : breaks + 1;
    if (breaks >= limits.retry.attempts) throw fault('cutShort', `ended ${range.end + 1 - next} bytes early`);
    answer = await open(next);
    // Gone in the middle of the read: what was handed on is not the whole of anything.
    if (answer.status === NOT_FOUND) throw new StorageError('objects.getMedia', GONE);
  }
}

const GONE = { status: NOT_FOUND, reason: 'notFound', message: 'the generation went away while it was read' };

/** Content-Range decides, not the status: Google's storage-testbench may answer 200 with one. */
function assertStartsAt(answer: Answer<Readable>, start: number): void {
  const range = /^bytes (\d+)-/.exec(answer.headers.get('content-range') ?? '');
  const actual = range ? Number(range[1]) : 0;
  if (actual === start) return;
  answer.body.destroy();
  throw new StorageError('objects.getMedia', {
    status: 400,
    reason: 'wrongRange',
    message: `asked for ${start}, got ${actual}`,
  });
}

/** Aborts a body that sends nothing for `timeoutMs` while the consumer is waiting; a slow consumer does not count. */
async function* watched(body: Readable, timeoutMs: number): AsyncGenerator<BorrowedBytes, void, undefined> {
  let waiting = true;
  const timer = setTimeout(() => {
    if (waiting) body.destroy(new Error('idle'));
    else timer.refresh();
  }, timeoutMs);
  try {
    for await (const piece of body as AsyncIterable<Uint8Array>) {
      waiting = false;
      yield piece;
      detach(piece);
      waiting = true;
      timer.refresh();
    }
  } catch (cause) {
    const aborted = (cause as Error).name === 'AbortError';
    throw fault(aborted ? 'aborted' : 'connection', (cause as Error).message, cause);
  } finally {
    clearTimeout(timer);
    body.destroy();
  }
}

function fault(reason: string, message: string, cause?: unknown): StorageError {
  return new StorageError('objects.getMedia', { status: 0, reason, message }, { cause });
}
