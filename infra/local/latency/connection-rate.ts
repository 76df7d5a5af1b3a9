import { setTimeout as delay } from 'node:timers/promises';

/** A timer fires up to a few milliseconds late. What a connection lost to that, it may catch up with. */
const CREDIT_MS = 5;

/** Limits how many bytes a second each connection carries in one direction, as one TCP connection to Cloud Storage would. */
export class ConnectionRate {
  readonly #bytesPerMs: number;
  readonly #now: () => number;
  readonly #sleep: (ms: number) => Promise<unknown>;
  readonly #freeAt = new WeakMap<object, number>();

  /** @param now milliseconds, of any clock that only goes forward */
  constructor(bytesPerSecond: number, now = () => performance.now(), sleep = (ms: number) => delay(ms)) {
    this.#bytesPerMs = bytesPerSecond / 1000;
    this.#now = now;
    this.#sleep = sleep;
  }

  /** Resolves once the connection may carry more than these bytes. */
  async pass(connection: object, bytes: number): Promise<void> {
    const now = this.#now();
    const start = Math.max(now - CREDIT_MS, this.#freeAt.get(connection) ?? now - CREDIT_MS);
    const freeAt = start + bytes / this.#bytesPerMs;
    this.#freeAt.set(connection, freeAt);
    // A timer is no shorter than a millisecond.
    if (freeAt - now >= 1) await this.#sleep(freeAt - now);
  }
}
