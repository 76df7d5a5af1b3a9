import type { Ahead, Blobs } from '../../shared/files/blobs.ts';
import type { ReadableRecord } from '../../shared/files/readable.ts';
import { EitherSignal } from '../../shared/runtime/abort.ts';
import type { BorrowedBytes } from '../../shared/runtime/memory.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import type { ByteRange } from '../../shared/storage/read.ts';

const ABANDONED = new Error('nobody may have these bytes');

/**
 * A read that begins while Cloud Storage is still asked whether the file may be handed out, which saves a download one
 * round trip. Holds the bytes until {@link take} names the expected object: those of any other are never handed out.
 */
export class ReadAhead {
  readonly #stop: EitherSignal;
  readonly #ahead: Promise<Ahead | undefined>;

  constructor(blobs: Blobs, record: ReadableRecord, range: ByteRange, signal: AbortSignal) {
    this.#stop = new EitherSignal(signal);
    this.#ahead = blobs.readAhead(record, range, this.#stop.signal);
    // A failure is met by `take`; without this it would be unhandled until then.
    this.#ahead.catch(() => undefined);
  }

  /**
   * @returns the bytes, where they are of exactly this object; undefined where they are to be read anew
   * @throws {StorageError}
   */
  async take({ name, generation }: StoredObject): Promise<AsyncIterable<BorrowedBytes> | undefined> {
    const ahead = await this.#ahead;
    if (ahead?.name === name && ahead.generation === generation) return ahead.bytes;
    this.abandon();
    return undefined;
  }

  abandon(): void {
    this.#stop.abort(ABANDONED);
  }
}
