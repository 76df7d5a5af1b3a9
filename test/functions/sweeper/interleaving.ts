import { setImmediate as turn } from 'node:timers/promises';
import type { Hook, Operation } from './hooked-bucket.ts';

/** The end of a process, as far as a test is concerned. */
class Crash extends Error {
  override readonly name = 'Crash';
}

/**
 * Lets several actors work on the same buckets, one operation at a time, in an order that a test chooses: the next
 * is chosen once all of them wait for their turn.
 */
export class Interleaving {
  readonly #choose: (choices: number) => number;
  readonly #after: (operation: Operation) => Promise<void>;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /**
   * @param choose from 0 to one less than there are choices
   * @param after each operation, before the next
   */
  constructor(choose: (choices: number) => number, after: (operation: Operation) => Promise<void>) {
    this.#choose = choose;
    this.#after = after;
  }

  /** @param operations after which the actor ends, with or without the last of them */
  hook(operations = Number.POSITIVE_INFINITY, withLast = false): Hook {
    let left = operations;
    return async (operation, _name, run) => {
      if (left <= 0) throw new Crash();
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
      try {
        left--;
        if (left <= 0 && !withLast) throw new Crash();
        const result = await run();
        await this.#after(operation);
        if (left <= 0) throw new Crash();
        return result;
      } finally {
        this.#running--;
      }
    };
  }

  /** Runs until all are at their end. @throws what one of them throws, but for a {@link Crash} */
  async run(actors: readonly Promise<unknown>[]): Promise<void> {
    let ended = 0;
    const failures: unknown[] = [];
    for (const actor of actors) {
      actor
        .catch((error: unknown) => {
          const died = error instanceof Crash || (error as Error).cause instanceof Crash;
          if (!died) failures.push(error);
        })
        .finally(() => ended++);
    }
    while (ended < actors.length) {
      // Two turns: what an operation has resolved goes on to its next one.
      await turn();
      await turn();
      if (this.#running > 0 || this.#waiting.length === 0) continue;
      const [next] = this.#waiting.splice(this.#choose(this.#waiting.length), 1);
      this.#running++;
      next?.();
    }
    if (failures.length > 0) throw failures[0];
  }
}
