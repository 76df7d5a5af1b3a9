import type { BorrowedBytes } from '../runtime/memory.ts';
import { ChunkBuffer } from './chunk.ts';
import { StorageError } from './error.ts';
import type { StoredObject } from './object.ts';
import type { OpenInsert } from './open-insert.ts';
import type { ResumableSession } from './resumable.ts';
import type { Checksums, RunningDigests } from './tally.ts';

/**
 * Bytes that have arrived completely but are not an object yet. The last ones are held back, so that other objects can
 * be written first. If neither committed nor discarded, Cloud Storage drops them eventually.
 */
export interface StagedUpload extends Checksums {
  /**
   * Creates the object, and compares the CRC32C and size that Cloud Storage reports with ours.
   * @throws {StorageError}; status 412 where an object of that name exists, reason `checksumMismatch` where
   * other bytes arrived than were sent: they are deleted
   */
  commit(): Promise<StoredObject>;
  discard(): Promise<void>;
}

/** The bucket operations that staging needs. */
export interface StageTarget<Known extends Checksums> {
  start(signal: AbortSignal): Promise<ResumableSession>;
  open(size: number): OpenInsert;
  insertWhole(bytes: Uint8Array, known: Known, open?: OpenInsert): Promise<StoredObject>;
  remove(object: StoredObject): Promise<void>;
}

/** Bytes: a shorter body arrives at once, and one write costs less than several. */
const WORTH_OPENING = 1024 * 1024;

/**
 * Each chunk is acknowledged before the next is sent, which costs a round trip. After this many, chunks are larger.
 * docs/adr/0005
 */
const LONG_AFTER_CHUNKS = 2;
const LONG_CHUNK = 4;
/** Concurrent uploads of this process that may use larger chunks. */
const MOST_LONG = 2;
let long = 0;

/**
 * Streams a source of unknown length to Cloud Storage. While one chunk is in flight the next is gathered, so
 * memory is bounded by two chunks, and any chunk can be sent again. A source of at most one chunk is sent
 * in one request: with its commit, or, where it is long and its size known, while it comes.
 * @param limits `chunkBytes` is a multiple of 256 KiB; a source need not keep to the `size` that was announced
 * @param tally a fresh one; what it makes of the bytes is in the result
 * @throws what the source throws, or {@link StorageError}; nothing is kept then
 */
export async function stageUpload<Known extends Checksums>(
  target: StageTarget<Known>,
  source: AsyncIterable<BorrowedBytes>,
  { chunkBytes, size = 0 }: { chunkBytes: number; size?: number | undefined },
  tally: RunningDigests<Known>,
): Promise<StagedUpload & Known> {
  const open = size >= WORTH_OPENING && size <= chunkBytes ? target.open(size) : undefined;
  const chunk = new ChunkBuffer(chunkBytes, open?.size);
  const stop = new AbortController();
  let session: ResumableSession | undefined;
  let inFlight: Promise<void> = Promise.resolve();
  let isLong = false;
  try {
    for await (const piece of source) {
      tally.update(piece);
      if (tally.size > size) open?.abandon();
      for (let taken = 0; taken < piece.length; ) {
        // The chunk is full and more follows. The last chunk is never empty; the commit sends it.
        if (chunk.full) {
          session ??= await target.start(stop.signal);
          await inFlight;
          inFlight = session.append(chunk.bytes);
          // Awaited later; without this, a failure would be an unhandled rejection until then.
          inFlight.catch(() => undefined);
          if (!isLong && long < MOST_LONG && tally.size - piece.length >= LONG_AFTER_CHUNKS * chunkBytes) {
            isLong = true;
            long += 1;
          }
          chunk.turn(isLong ? LONG_CHUNK * chunkBytes : chunkBytes);
        }
        taken += chunk.fill(taken === 0 ? piece : piece.subarray(taken));
        open?.offer(chunk.bytes);
      }
    }
    await inFlight;
    if (tally.size < size) open?.abandon();
  } catch (error) {
    stop.abort();
    open?.abandon();
    await inFlight.catch(() => undefined);
    await discard(session);
    throw error;
  } finally {
    if (isLong) long -= 1;
  }

  const digests = tally.digests();
  return {
    ...digests,
    commit: async () => {
      const object = session
        ? await session.finish(chunk.bytes)
        : await target.insertWhole(chunk.bytes, digests, open);
      if (object.crc32c !== digests.crc32c || object.size !== digests.size) {
        await target.remove(object);
        const message = `stored ${object.size} bytes ${object.crc32c}, sent ${digests.size} bytes ${digests.crc32c}`;
        throw new StorageError('objects.insert', { status: 0, reason: 'checksumMismatch', message });
      }
      // Cloud Storage has every byte of it, so no write is under way.
      chunk.free();
      return object;
    },
    discard: () => {
      open?.abandon();
      return discard(session);
    },
  };
}

/** Best effort: a session that is not cancelled expires after a week and was never an object. */
async function discard(session: ResumableSession | undefined): Promise<void> {
  await session?.cancel().catch(() => undefined);
}
