import { StorageError } from './error.ts';
import { answeredObject, type StoredObject } from './object.ts';
import { type RetryPolicy, retrying } from './retry.ts';
import type { Transport } from './transport.ts';

/** Every chunk but the last is a multiple of this: https://cloud.google.com/storage/docs/performing-resumable-uploads */
export const CHUNK_QUANTUM = 256 * 1024;

const RESUME_INCOMPLETE = 308;
const CLIENT_CLOSED = 499;

type Progress = { readonly persisted: number } | { readonly object: StoredObject };

/**
 * A resumable upload session. Its URI is a bearer token: it is neither logged nor part of an error.
 * A chunk is resent from the offset that Cloud Storage reports, so a lost response duplicates nothing.
 */
export class ResumableSession {
  readonly #transport: Transport;
  readonly #uri: string;
  readonly #retry: RetryPolicy;
  readonly #timeoutMs: number;
  readonly #signal: AbortSignal | undefined;
  #persisted = 0;

  constructor(
    transport: Transport,
    uri: string,
    limits: { retry: RetryPolicy; timeoutMs: number; signal: AbortSignal | undefined },
  ) {
    this.#transport = transport;
    this.#uri = uri;
    this.#retry = limits.retry;
    this.#timeoutMs = limits.timeoutMs;
    this.#signal = limits.signal;
  }

  /**
   * Sends the next chunk of a stream whose end is not known; its length is a multiple of {@link CHUNK_QUANTUM}.
   * @throws {StorageError}
   */
  async append(chunk: Uint8Array): Promise<void> {
    const progress = await this.#send(chunk, undefined);
    if ('object' in progress) throw this.#broken('ended before its last chunk');
  }

  /**
   * Sends the last chunk (not empty), after which the object is final.
   * @throws {StorageError}
   */
  async finish(chunk: Uint8Array): Promise<StoredObject> {
    const progress = await this.#send(chunk, this.#persisted + chunk.length);
    if (!('object' in progress)) throw this.#broken('did not end with its last chunk');
    return progress.object;
  }

  /** Cancels the session and discards its bytes. Succeeds if the session no longer exists. */
  async cancel(): Promise<void> {
    await this.#transport.json({
      operation: 'resumable.cancel',
      method: 'DELETE',
      url: this.#uri,
      expect: [CLIENT_CLOSED, 404, 410],
      timeoutMs: this.#timeoutMs,
    });
  }

  async #send(chunk: Uint8Array, total: number | undefined): Promise<Progress> {
    const start = this.#persisted;
    const end = start + chunk.length;
    return retrying(this.#retry, this.#signal, async (triesBefore) => {
      const standing = triesBefore === 0 ? { persisted: start } : await this.#ask(total);
      if ('object' in standing) return standing;
      const from = standing.persisted;
      if (from < start || from > end) throw this.#broken(`stands at ${from}, outside ${start}..${end}`);
      if (from === end && total === undefined) return this.#advance(end);
      const progress = await this.#put(chunk.subarray(from - start), from, total);
      if ('object' in progress) return progress;
      // A 308 may acknowledge less than was sent; the rest must be sent again.
      if (progress.persisted < end) throw this.#incomplete(progress.persisted, end);
      return this.#advance(end);
    });
  }

  #advance(to: number): Progress {
    this.#persisted = to;
    return { persisted: to };
  }

  async #put(bytes: Uint8Array, from: number, total: number | undefined): Promise<Progress> {
    const range = bytes.length === 0 ? '*' : `${from}-${from + bytes.length - 1}`;
    return this.#exchange('resumable.chunk', `bytes ${range}/${total ?? '*'}`, bytes);
  }

  async #ask(total: number | undefined): Promise<Progress> {
    return this.#exchange('resumable.query', `bytes */${total ?? '*'}`);
  }

  async #exchange(operation: string, contentRange: string, bytes?: Uint8Array): Promise<Progress> {
    const answer = await this.#transport.json({
      operation,
      method: 'PUT',
      url: this.#uri,
      headers: { 'content-range': contentRange },
      ...(bytes && { body: { pieces: [bytes], length: bytes.length } }),
      expect: [RESUME_INCOMPLETE],
      timeoutMs: this.#timeoutMs,
      signal: this.#signal,
    });
    if (answer.status !== RESUME_INCOMPLETE) return { object: answeredObject(operation, answer.body) };
    const range = answer.headers.get('range');
    if (range === null) return { persisted: 0 };
    const last = /^bytes=0-(\d+)$/.exec(range)?.[1];
    if (last === undefined) throw this.#broken('answered with a range that is none');
    return { persisted: Number(last) + 1 };
  }

  #broken(message: string): StorageError {
    return new StorageError('resumable.chunk', { status: 400, reason: 'sessionBroken', message });
  }

  #incomplete(persisted: number, end: number): StorageError {
    const message = `persisted ${persisted} of ${end}`;
    return new StorageError('resumable.chunk', { status: 503, reason: 'chunkIncomplete', message });
  }
}
