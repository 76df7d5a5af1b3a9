import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import type { Cutoff } from './cutoff.ts';
import { ScanFault } from './verdict.ts';

/**
 * The most that is written at once. A bigger write is still under way when clamd, which has seen a stream grow too
 * large, has replied and hung up: the write then fails before the reply has been read. Smaller ones gain no speed.
 */
const FRAME_BYTES = 65_536;

/** Overhead of clamdjs beside the bytes: its command, and the length of each frame. The one of 0 ends the stream. */
const COMMAND_BYTES = 'zINSTREAM\0'.length;
const LENGTH_BYTES = 4;
const NOTHING = Buffer.alloc(0);

/**
 * The private stream that clamdjs reads in place of the caller's source. It ends, and so lets clamdjs send the
 * terminator that makes clamd scan, only after exactly `size` bytes; everything else cuts the exchange off, and it
 * never emits 'error', for which clamdjs does not listen until it is connected
 * (docs/platform-facts.md#the-terminator, docs/platform-facts.md#errors-of-the-source).
 *
 * Chunks are `BorrowedBytes`: the source is not asked for the next before the kernel has all of this one. That
 * clamdjs writes what is counted here is checked at the end, in {@link isAllWritten}.
 */
export class Feed extends Readable {
  readonly #source: AsyncIterable<unknown>;
  readonly #iterator: AsyncIterator<unknown>;
  readonly #cutoff: Cutoff;
  readonly #idleTimeoutMs: number;
  #idle: NodeJS.Timeout | undefined;
  #remaining: number;
  #socket: Socket | undefined;
  /** Bytes that clamdjs has written to its socket once all that was pushed here has passed it. */
  #due = COMMAND_BYTES;
  #waitsForSource = false;
  #sourceDone = false;

  constructor(
    source: AsyncIterable<unknown>,
    options: { readonly size: number; readonly idleTimeoutMs: number; readonly cutoff: Cutoff },
  ) {
    super();
    this.#source = source;
    this.#iterator = source[Symbol.asyncIterator]();
    this.#cutoff = options.cutoff;
    this.#idleTimeoutMs = options.idleTimeoutMs;
    this.#remaining = options.size;
    // A stream can fail before the iterator, which listens only from its first read, has been asked for anything.
    if (source instanceof Readable) source.on('error', (error) => this.#fail('sourceFailed', error));
  }

  /** @param socket the one that clamdjs pipes this to */
  leadsTo(socket: Socket): void {
    this.#socket = socket;
  }

  /** Whether clamdjs has written exactly what it should of a stream that has ended. */
  get isAllWritten(): boolean {
    return this.#socket?.bytesWritten === this.#due + LENGTH_BYTES;
  }

  override _read(): void {
    this.#progress();
    void this.#pull();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    clearTimeout(this.#idle);
    if (this.#source instanceof Readable) this.#source.destroy();
    if (!this.#sourceDone) void this.#abandon();
    callback(error);
  }

  async #pull(): Promise<void> {
    try {
      if (!this.#isWritten && !(await this.#written())) return;
      this.#waitsForSource = true;
      const chunk = await this.#next();
      this.#waitsForSource = false;
      if (this.destroyed) return;
      if (chunk === undefined) this.#finish();
      else this.#pass(chunk);
    } catch (error) {
      this.#fail('sourceFailed', error);
    }
  }

  get #isWritten(): boolean {
    const socket = this.#socket;
    return socket === undefined || socket.bytesWritten - socket.writableLength >= this.#due;
  }

  /** Resolves once the kernel has every byte that was pushed; to false where it will not get them. */
  async #written(): Promise<boolean> {
    for (const socket = this.#socket; socket && !this.#isWritten; ) {
      // The last bytes are done after the others. Where nothing is under way, it is still inside clamdjs.
      if (socket.writableLength > 0) await new Promise((resolve) => socket.write(NOTHING, resolve));
      else await setImmediate();
      if (socket.destroyed || this.destroyed) return false;
    }
    this.#progress();
    return !this.destroyed;
  }

  /** The next chunk with anything in it: to clamd, a chunk of length 0 is the end of the stream. */
  async #next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const { done, value } = await this.#iterator.next();
      if (done) {
        this.#sourceDone = true;
        return undefined;
      }
      if (!(value instanceof Uint8Array)) throw new TypeError('the source must yield bytes');
      if (value.byteLength > 0) return value;
    }
  }

  #pass(chunk: Uint8Array): void {
    this.#remaining -= chunk.byteLength;
    if (this.#remaining < 0) {
      this.#fail('longStream');
      return;
    }
    this.#progress();
    const socket = this.#socket;
    // clamdjs writes the length of a frame and its bytes apart: they leave in one system call, and wake clamd once.
    socket?.cork();
    for (let start = 0; start < chunk.byteLength; start += FRAME_BYTES) {
      const frame = chunk.subarray(start, start + FRAME_BYTES);
      this.#due += LENGTH_BYTES + frame.byteLength;
      this.push(frame);
    }
    socket?.uncork();
  }

  #finish(): void {
    if (this.#remaining > 0) {
      this.#fail('shortStream');
      return;
    }
    // From here on clamd scans, and is silent: only the total deadline applies.
    clearTimeout(this.#idle);
    this.push(null);
  }

  #progress(): void {
    this.#idle ??= this.#cutoff.cutAfter(this.#idleTimeoutMs, () => this.#stalled());
    this.#idle.refresh();
  }

  #stalled(): ScanFault {
    const who = this.#waitsForSource ? 'the source gave' : 'clamd took';
    return new ScanFault('timeout', `${who} no bytes for ${this.#idleTimeoutMs} ms`);
  }

  #fail(code: 'sourceFailed' | 'shortStream' | 'longStream', cause?: unknown): void {
    this.#cutoff.cut(new ScanFault(code, MESSAGES[code], { cause }));
  }

  /** Not awaited by anyone: a generator that is stuck in `next` does not return before that settles. */
  async #abandon(): Promise<void> {
    try {
      await this.#iterator.return?.();
    } catch {
      // The exchange is over.
    }
  }
}

const MESSAGES = {
  sourceFailed: 'the bytes to scan could not be read to their end',
  shortStream: 'there were fewer bytes than the file has',
  longStream: 'there were more bytes than the file has',
} as const;
