import { Readable } from 'node:stream';
import { StorageError } from './error.ts';
import type { Answer } from './transport.ts';

/** Bytes: fewer are not worth a separate write. */
const WORTH_SENDING = 1024 * 1024;

/** The rest of a request: before the bytes of an object, and behind them. */
export interface Frame {
  readonly head: Buffer;
  readonly tail: Buffer;
}

/**
 * An insert that is sent while its bytes still come, so that they have not all to be here before the first is on its way.
 * The last byte is kept until {@link finish}, and without it there is no object. The code that opens one keeps the
 * bytes, and can insert them as a whole where this fails. docs/adr/0024
 */
export class OpenInsert {
  /** Bytes, and not one more or less. */
  readonly size: number;
  readonly #frame: Frame;
  readonly #open: (body: Readable, signal: AbortSignal) => Promise<Answer<unknown>>;
  readonly #body = new Readable({ read: () => undefined });
  readonly #stop = new AbortController();
  #answer: Promise<Answer<unknown>> | undefined;
  #sent = 0;

  /**
   * @param frame is sent around the bytes
   * @param open sends a request with such a body
   */
  constructor(
    size: number,
    frame: Frame,
    open: (body: Readable, signal: AbortSignal) => Promise<Answer<unknown>>,
  ) {
    this.size = size;
    this.#frame = frame;
    this.#open = open;
  }

  /** Bytes of it are on their way, so that it is worth to be finished. */
  get underWay(): boolean {
    return this.#answer !== undefined && !this.#stop.signal.aborted;
  }

  /** @param bytes all that are here, from the first; they stay as they are until this is over */
  offer(bytes: Uint8Array): void {
    if (this.#stop.signal.aborted) return;
    const ready = Math.min(bytes.length, this.size - 1);
    if (ready - this.#sent >= WORTH_SENDING) this.#send(bytes.subarray(0, ready));
  }

  /** @param timeoutMs milliseconds until the answer must be there @throws {StorageError} */
  async finish(bytes: Uint8Array, timeoutMs: number): Promise<Answer<unknown>> {
    const answer = this.#send(bytes);
    this.#body.push(this.#frame.tail);
    this.#body.push(null);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.abandon();
    }, timeoutMs);
    try {
      return await answer;
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

  #send(bytes: Uint8Array): Promise<Answer<unknown>> {
    if (!this.#answer) this.#body.push(this.#frame.head);
    this.#body.push(bytes.subarray(this.#sent));
    this.#sent = bytes.length;
    if (!this.#answer) {
      this.#answer = this.#open(this.#body, this.#stop.signal);
      // A failure is met by `finish`; without this it would be unhandled until then.
      this.#answer.catch(() => undefined);
    }
    return this.#answer;
  }
}
