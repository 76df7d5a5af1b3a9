import { setImmediate as turn } from 'node:timers/promises';
import type fc from 'fast-check';
import type { Hook, Operation } from '../functions/sweeper/hooked-bucket.ts';

/** Number of operations after which a process ends, with or without the last of them. */
export interface Death {
  readonly operations: number;
  readonly withLast: boolean;
}

/** The error that ends a process, as far as a test is concerned. */
class Crash extends Error {
  override readonly name = 'Crash';
}

interface Actor {
  waiting: number;
  isDead: boolean;
}

/** Longer than any pause between two tries of a call. */
const QUIET_WITHIN_MS = 60_000;

/**
 * Lets several actors work at once, one operation at a time. fast-check's scheduler chooses whose is next once each of
 * them waits for its turn, so that an order can be repeated.
 */
export class Turns {
  readonly #scheduler: fc.Scheduler;
  readonly #after: (operation: Operation) => Promise<void>;
  readonly #actors = new Set<Actor>();
  readonly #failures: unknown[] = [];

  /** @param after each operation, before the next */
  constructor(scheduler: fc.Scheduler, after: (operation: Operation) => Promise<void>) {
    this.#scheduler = scheduler;
    this.#after = after;
  }

  /** Begins something that goes on while others work. Its errors are thrown by {@link pass} or {@link settle}. */
  start(label: string, death: Death | undefined, work: (hook: Hook) => Promise<void>): void {
    const actor: Actor = { waiting: 0, isDead: false };
    this.#actors.add(actor);
    work(this.#hookOf(label, actor, death))
      .catch((error: unknown) => {
        // The process that has died may have taken that for a failure of storage, and made another error of it.
        if (!actor.isDead) this.#failures.push(error);
      })
      .finally(() => this.#actors.delete(actor));
  }

  /** So many operations, or as many as there are. */
  async pass(operations: number): Promise<void> {
    for (let left = operations; left > 0 && (await this.#next()); left--);
    this.#check();
  }

  /** Waits until all actors are at their end. */
  async settle(): Promise<void> {
    while (await this.#next());
    this.#check();
  }

  #check(): void {
    if (this.#failures.length > 0) throw this.#failures[0];
  }

  async #next(): Promise<boolean> {
    await this.#quiet();
    if (this.#scheduler.count() === 0) return false;
    await this.#scheduler.waitOne();
    await this.#quiet();
    return true;
  }

  /** Waits until each actor waits for its turn. */
  async #quiet(): Promise<void> {
    const end = performance.now() + QUIET_WITHIN_MS;
    do {
      // Two turns: what an operation has resolved goes on to its next one.
      await turn();
      await turn();
      if (performance.now() > end) throw new Error('an actor neither works on storage nor ends');
    } while ([...this.#actors].some(({ waiting }) => waiting === 0));
  }

  #hookOf(label: string, actor: Actor, death: Death | undefined): Hook {
    let left = death?.operations ?? Number.POSITIVE_INFINITY;
    const die = (): never => {
      actor.isDead = true;
      throw new Crash();
    };
    return async <T>(operation: Operation, name: string, run: () => Promise<T>): Promise<T> => {
      const perform = async (): Promise<T> => {
        actor.waiting--;
        left--;
        if (actor.isDead || (left <= 0 && !death?.withLast)) die();
        const value = await run();
        await this.#after(operation);
        return left <= 0 ? die() : value;
      };
      if (actor.isDead) die();
      actor.waiting++;
      let outcome: Promise<T> | undefined;
      const builder = () => {
        outcome = perform();
        return outcome.then(
          () => undefined,
          () => undefined,
        );
      };
      await this.#scheduler.scheduleSequence([{ builder, label: `${label}: ${operation} ${name}` }]).task;
      if (!outcome) throw new Error('an operation without its turn');
      return outcome;
    };
  }
}
