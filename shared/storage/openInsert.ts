import { Readable } from 'node:stream';
import { StorageError } from './error.ts';
import type { Answer } from './transport.ts';

/** Bytes: fewer are not worth a write of their own. */
const WORTH_SENDING = 1024 * 1024;

/**
 * An insert that is under way while its bytes still come, so that they have not all to be here before the first is
 * sent. The last byte is kept until {@link finish}, and without it there is no object. Whoever opens one keeps the bytes,
 * and can insert them as a whole where this fails.
 */
export class OpenInsert {
  /** Bytes, and not one more or less. */
  readonly size: number;
  readonly #body = new Readable({ read: () => undefined });
  readonly #stop = new AbortController();
  readonly #answer: Promise<Answer<unknown>>;
  #sent = 0;

  constructor(size: number, send: (body: Readable, signal: AbortSignal) => Promise<Answer<unknown>>) {
    this.size = size;
    this.#answer = send(this.#body, this.#stop.signal);
    // A failure is met by `finish`; without this it would be unhandled until then.
    this.#answer.catch(() => undefined);
  }

  /** @param bytes all that are here, from the first; they stay as they are until this is over */
  offer(bytes: Uint8Array): void {
    const ready = Math.min(bytes.length, this.size - 1);
    if (ready - this.#sent >= WORTH_SENDING) this.#send(bytes.subarray(0, ready));
  }

  /** @param timeoutMs milliseconds until the answer must be there @throws {StorageError} */
  async finish(bytes: Uint8Array, timeoutMs: number): Promise<Answer<unknown>> {
    this.#send(bytes);
    this.#body.push(null);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.abandon();
    }, timeoutMs);
    try {
      return await this.#answer;
    } catch (error) {
      throw late ? new StorageError('objects.insert', { status: 0, reason: 'deadline' }) : error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends it without an object. */
  abandon(): void {
    this.#stop.abort();
  }

  #send(bytes: Uint8Array): void {
    this.#body.push(bytes.subarray(this.#sent));
    this.#sent = bytes.length;
  }
}
