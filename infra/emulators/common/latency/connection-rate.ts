import { setTimeout as delay } from 'node:timers/promises';

/** The milliseconds that a busy machine may be late by, and a connection catches up with. */
const MOST_LATE_MS = 200;

/** Limits how many bytes a second each connection carries in one direction, as one TCP connection to Cloud Storage would. */
export class ConnectionRate {
  readonly #bytesPerMs: number;
  readonly #now: () => number;
  readonly #sleep: (ms: number) => Promise<unknown>;
  /** Time until when a connection is busy, and how late the last wait for that ended. Milliseconds. */
  readonly #busy = new WeakMap<object, { readonly until: number; readonly late: number }>();

  /** @param now milliseconds, of any clock that only goes forward */
  constructor(bytesPerSecond: number, now = () => performance.now(), sleep = (ms: number) => delay(ms)) {
    this.#bytesPerMs = bytesPerSecond / 1000;
    this.#now = now;
    this.#sleep = sleep;
  }

  /** Resolves once the connection may carry more than these bytes. */
  async pass(connection: object, bytes: number): Promise<void> {
    const now = this.#now();
    const { until, late } = this.#busy.get(connection) ?? { until: now, late: 0 };
    // Late timers cost a connection nothing; a pause of its sender does.
    const start = Math.max(until, now - late);
    const end = start + bytes / this.#bytesPerMs;
    // A timer is no shorter than a millisecond.
    if (end - now >= 1) await this.#sleep(end - now);
    this.#busy.set(connection, {
      until: end,
      late: Math.min(MOST_LATE_MS, Math.max(0, this.#now() - end)),
    });
  }
}
