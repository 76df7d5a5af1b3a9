import type { Logger } from './log.ts';

/**
 * Work that outlasts the request that began it. For functions whose CPU is always allocated, and for work that somebody
 * else finishes where the process ends before.
 */
export class Background {
  readonly #log: Logger;
  readonly #running = new Set<Promise<void>>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** @param failure what is logged where it fails */
  run(work: Promise<unknown>, failure: string): void {
    const running = work
      .then(
        () => undefined,
        (err: unknown) => this.#log.warn({ err }, failure),
      )
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Resolves once nothing is under way. */
  async ended(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
