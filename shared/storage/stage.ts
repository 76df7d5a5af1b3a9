import { ChunkBuffer } from './chunk.ts';
import { StorageError } from './error.ts';
import type { StoredObject } from './object.ts';
import type { ResumableSession } from './resumable.ts';
import type { Checksums, RunningDigests } from './tally.ts';

/**
 * Bytes that arrived whole and are not an object yet: the last of them are held back, so that whatever has
 * to exist before the object does can be written in between. Neither committed nor discarded, Cloud Storage
 * forgets them by itself.
 */
export interface StagedUpload extends Checksums {
  /**
   * Makes the object final. Its CRC32C and size, as Cloud Storage answers them, are compared with ours.
   * @throws {StorageError}; status 412 where an object of that name exists, reason `checksumMismatch` where
   * other bytes arrived than were sent: they are deleted
   */
  commit(): Promise<StoredObject>;
  discard(): Promise<void>;
}

/** What staging needs of a bucket. */
export interface StageTarget {
  start(signal: AbortSignal): Promise<ResumableSession>;
  insertWhole(bytes: Uint8Array, checksums: Checksums): Promise<StoredObject>;
  remove(object: StoredObject): Promise<void>;
}

/**
 * Streams a source of unknown length to Cloud Storage. While one chunk is in flight the next is gathered, so
 * memory is bounded by two chunks, and any chunk can be sent again. A source of at most one chunk is sent
 * with its commit, in one request.
 * @param chunkBytes a multiple of 256 KiB
 * @param tally a fresh one; what it makes of the bytes is in the result
 * @throws what the source throws, or {@link StorageError}; nothing is kept then
 */
export async function stageUpload<Known extends Checksums>(
  target: StageTarget,
  source: AsyncIterable<Uint8Array>,
  chunkBytes: number,
  tally: RunningDigests<Known>,
): Promise<StagedUpload & Known> {
  const chunk = new ChunkBuffer(chunkBytes);
  const stop = new AbortController();
  let session: ResumableSession | undefined;
  let inFlight: Promise<void> = Promise.resolve();
  try {
    for await (const piece of source) {
      tally.update(piece);
      for (let taken = 0; taken < piece.length; ) {
        // Full, and there is more: the last chunk is never empty, and is the commit's to send.
        if (chunk.full) {
          session ??= await target.start(stop.signal);
          await inFlight;
          inFlight = session.append(chunk.bytes);
          // Its failure is met where it is awaited; without this it would be unhandled until then.
          inFlight.catch(() => undefined);
          chunk.turn();
        }
        taken += chunk.fill(taken === 0 ? piece : piece.subarray(taken));
      }
    }
    await inFlight;
  } catch (error) {
    stop.abort();
    await inFlight.catch(() => undefined);
    await discard(session);
    throw error;
  }

  const digests = tally.digests();
  return {
    ...digests,
    commit: async () => {
      const object = session
        ? await session.finish(chunk.bytes)
        : await target.insertWhole(chunk.bytes, digests);
      if (object.crc32c !== digests.crc32c || object.size !== digests.size) {
        await target.remove(object);
        const message = `stored ${object.size} bytes ${object.crc32c}, sent ${digests.size} bytes ${digests.crc32c}`;
        throw new StorageError('objects.insert', { status: 0, reason: 'checksumMismatch', message });
      }
      // Cloud Storage has every byte of it, so no write is under way.
      chunk.free();
      return object;
    },
    discard: () => discard(session),
  };
}

/** Best effort: a session that is not cancelled ends by itself after a week and was never an object. */
async function discard(session: ResumableSession | undefined): Promise<void> {
  await session?.cancel().catch(() => undefined);
}
