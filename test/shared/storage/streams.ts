import { setImmediate } from 'node:timers/promises';
import type { RetryPolicy } from '../../../shared/storage/retry.ts';

/** Bytes: two of Cloud Storage's quanta, so that tests meet chunk borders soon. */
export const CHUNK = 512 * 1024;

/**
 * The clock by which emulators in this process take one write a second of a name. Code that waits for such a second
 * moves it on and need not wait.
 */
class WriteClock {
  #ahead = 0;

  /** Milliseconds since 1970. */
  readonly now = (): number => Date.now() + this.#ahead;

  /** A second goes by. */
  readonly tick = (): void => {
    this.#ahead += 1_000;
  };
}

export const WRITE_CLOCK = new WriteClock();

/** A clock by which each write comes a second after the one before: for tests in which nothing is in a hurry. */
export const UNHURRIED = (): number => {
  WRITE_CLOCK.tick();
  return WRITE_CLOCK.now();
};

/** Retries as often as in production, without its pauses. */
export const FAST_RETRY: RetryPolicy = {
  attempts: 6,
  baseMs: 1,
  maxMs: 5,
  totalMs: 30_000,
  pause: async (_ms, signal) => {
    WRITE_CLOCK.tick();
    await setImmediate(undefined, signal ? { signal } : {});
  },
};

/** The bytes in pieces of awkward sizes, an empty one among them. */
export async function* piecesOf(bytes: Buffer): AsyncGenerator<Buffer> {
  const sizes = [1, 0, 100, 4095, 4096, 70_001];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

export async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of source) pieces.push(Uint8Array.from(piece));
  return Buffer.concat(pieces);
}
