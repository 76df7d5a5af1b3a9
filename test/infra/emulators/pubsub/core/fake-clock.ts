import assert from 'node:assert/strict';
import type { Clock } from '../../../../../infra/emulators/pubsub/src/core/clock.ts';

interface Task {
  readonly due: number;
  readonly run: () => void;
}

// A Node timer that is set for longer runs at once instead.
const longest = 2 ** 31 - 1;

/** A clock that stands still until told to advance. */
export class FakeClock implements Clock {
  #now = Date.parse('2026-01-01T00:00:00Z');
  readonly #tasks = new Set<Task>();

  now(): number {
    return this.#now;
  }

  after(delayMs: number, run: () => void): () => void {
    assert.ok(delayMs <= longest, `a Node timer cannot wait ${delayMs} ms`);
    const task = { due: this.#now + delayMs, run };
    this.#tasks.add(task);
    return () => this.#tasks.delete(task);
  }

  /** Timers still set: none may be left when everything has ended. */
  get pending(): number {
    return this.#tasks.size;
  }

  /** Runs what falls due on the way, in its order. */
  advance(milliseconds: number): void {
    const until = this.#now + milliseconds;
    for (let task = this.#nextBy(until); task; task = this.#nextBy(until)) {
      this.#tasks.delete(task);
      this.#now = task.due;
      task.run();
    }
    this.#now = until;
  }

  #nextBy(until: number): Task | undefined {
    return [...this.#tasks].filter(({ due }) => due <= until).sort((a, b) => a.due - b.due)[0];
  }
}
