import type { Handle } from '../handle.ts';
import type { UploadSource } from '../source.ts';
import type { UploadOptions } from './options.ts';

/** A file of a folder. */
export interface Entry {
  /** Path in the folder, with `/` between its parts. The service keeps the last part alone, as the name of the file. */
  readonly path: string;
  readonly source: UploadSource;
}

/** Outcome of one upload of several. */
export type Uploaded =
  | { readonly path: string; readonly handle: Handle; readonly error?: undefined }
  | { readonly path: string; readonly handle?: undefined; readonly error: unknown };

export interface UploadAllProgress {
  /** The file that moved, and its bytes that have gone out. */
  readonly path: string;
  readonly sent: number;
  readonly size: number | undefined;
  /** Bytes of all files that have gone out so far. */
  readonly totalSent: number;
  /** Files that are over, and those that have begun. */
  readonly finished: number;
  readonly begun: number;
}

export interface UploadAllOptions
  extends Pick<UploadOptions, 'via' | 'signal' | 'correlationId' | 'callbackUrl' | 'expiresAt'> {
  /** Files at a time; 4 by default. */
  readonly parallel?: number | undefined;
  readonly onProgress?: ((progress: UploadAllProgress) => void) | undefined;
}

type Upload = (source: UploadSource, options: UploadOptions) => Promise<Handle>;

/** @throws {RangeError}, the reason of the signal, and what reading the folder throws */
export async function* uploadAll(
  upload: Upload,
  entries: Iterable<Entry> | AsyncIterable<Entry>,
  { parallel = 4, onProgress, signal, via, correlationId, callbackUrl, expiresAt }: UploadAllOptions,
): AsyncGenerator<Uploaded> {
  if (!Number.isSafeInteger(parallel) || parallel < 1) throw new RangeError('parallel should be 1 or more.');
  const stop = new AbortController();
  const each = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  const sent = new Map<number, number>();
  let finished = 0;
  const start = async (at: number, { path, source }: Entry): Promise<Uploaded & { readonly at: number }> => {
    const told = (bytes: number, size: number | undefined) => {
      sent.set(at, bytes);
      const totalSent = [...sent.values()].reduce((sum, one) => sum + one, 0);
      onProgress?.({ path, sent: bytes, size, totalSent, finished, begun: sent.size });
    };
    told(0, undefined);
    try {
      const name = path.slice(path.lastIndexOf('/') + 1);
      const progress = {
        onProgress: (now: { sent: number; size: number | undefined }) => told(now.sent, now.size),
      };
      const options = { name, via, correlationId, callbackUrl, expiresAt, signal: each, ...progress };
      return { at, path, handle: await upload(source, options) };
    } catch (error) {
      return { at, path, error };
    } finally {
      finished++;
    }
  };
  const running = new Map<number, Promise<Uploaded & { readonly at: number }>>();
  const iterator =
    Symbol.asyncIterator in entries ? entries[Symbol.asyncIterator]() : entries[Symbol.iterator]();
  try {
    for (let begun = 0, ended = false; ; ) {
      while (!ended && running.size < parallel) {
        signal?.throwIfAborted();
        const { done = false, value } = await iterator.next();
        ended = done;
        if (!done) running.set(begun, start(begun++, value as Entry));
      }
      if (running.size === 0) return;
      const { at, ...uploaded } = await Promise.race(running.values());
      running.delete(at);
      signal?.throwIfAborted();
      yield uploaded;
    }
  } finally {
    stop.abort();
    await Promise.all(running.values());
    await iterator.return?.();
  }
}

/** Files of an `<input type="file" webkitdirectory>`, or of any other file input, with their paths in the chosen folder. */
export function* pickedFiles(files: Iterable<File>): Generator<Entry> {
  for (const file of files) {
    const { webkitRelativePath } = file as File & { readonly webkitRelativePath?: string };
    yield { path: webkitRelativePath || file.name, source: file };
  }
}
