import { Readable } from 'node:stream';
import { StorageError } from './error.ts';
import type { Answer } from './transport.ts';

/** Bytes: fewer are not worth a separate write. */
const WORTH_SENDING = 1024 * 1024;

/** The parts of a request body before and after the object's bytes. */
export interface Frame {
  readonly head: Buffer;
  readonly tail: Buffer;
}

/**
 * An insert whose bytes are sent as they arrive. The last byte is held back until {@link finish}; without it, no object
 * is created. The caller keeps the bytes, and can insert them as a whole if this fails. docs/adr/0024
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

  /** Whether bytes have been sent, so that finishing it is worthwhile. */
  get underWay(): boolean {
    return this.#answer !== undefined && !this.#stop.signal.aborted;
  }

  /** @param bytes all bytes so far, from the first; they must not change until this insert is over */
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
      // `finish` reports the failure; without this, it would be an unhandled rejection until then.
      this.#answer.catch(() => undefined);
    }
    return this.#answer;
  }
}
