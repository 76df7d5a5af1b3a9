/** More are never under way: https://cloud.google.com/pubsub/docs/push#delivery_rate */
const LARGEST = 3_000;
/** "a small single-digit window size", same source. */
const FIRST = 5;
/** Documented is that failures make it smaller. By how much and how often is assumed: to half, at most once in so many seconds. */
const SHRINKS_EVERY_SECONDS = 1;

/** How many pushes Pub/Sub has under way at a time: each success makes the window larger by one, so that it doubles each round trip. */
export class PushWindow {
  #size = FIRST;
  #shrunkAt = Number.NEGATIVE_INFINITY;

  get size(): number {
    return Math.floor(this.#size);
  }

  grow(): void {
    this.#size = Math.min(LARGEST, this.#size + 1);
  }

  /** @param now seconds */
  shrink(now: number): void {
    if (now - this.#shrunkAt < SHRINKS_EVERY_SECONDS) return;
    this.#shrunkAt = now;
    this.#size = Math.max(1, this.#size / 2);
  }
}
