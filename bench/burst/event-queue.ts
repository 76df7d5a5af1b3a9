interface Event {
  readonly at: number;
  /** Events of one moment happen in the order in which they were scheduled. */
  readonly order: number;
  readonly happen: () => void;
}

/** Events to come, the soonest first: a binary heap, and a clock that jumps. */
export class EventQueue {
  /** Seconds. */
  now = 0;
  readonly #heap: Event[] = [];
  #scheduled = 0;

  after(seconds: number, happen: () => void): void {
    const event = { at: this.now + seconds, order: this.#scheduled, happen };
    this.#scheduled += 1;
    let at = this.#heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = this.#heap[parent];
      if (!above || isBefore(above, event)) break;
      this.#heap[at] = above;
      at = parent;
    }
    this.#heap[at] = event;
  }

  /** Lets everything happen, and what comes of it, until nothing is left or `over` says so. */
  run(over: () => boolean): void {
    while (!over()) {
      const next = this.#take();
      if (!next) return;
      this.now = next.at;
      next.happen();
    }
  }

  #take(): Event | undefined {
    const [first] = this.#heap;
    const last = this.#heap.pop();
    if (!first || !last || this.#heap.length === 0) return first;
    let at = 0;
    for (;;) {
      const [left, right] = [this.#heap[2 * at + 1], this.#heap[2 * at + 2]];
      if (!left) break;
      const below = right && isBefore(right, left) ? 2 * at + 2 : 2 * at + 1;
      const child = this.#heap[below];
      if (!child || isBefore(last, child)) break;
      this.#heap[at] = child;
      at = below;
    }
    this.#heap[at] = last;
    return first;
  }
}

function isBefore(one: Event, other: Event): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
