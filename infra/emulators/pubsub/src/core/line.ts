import type { Cancel } from './clock.ts';
import type { Message } from './message.ts';

/** A message in one subscription's backlog. */
export interface Entry {
  readonly message: Message;
  /** Negative acknowledgements and missed ack deadlines so far. */
  failures: number;
  /** Set while the entry is out on a lease or waits for its back-off: ends that. */
  stop: Cancel | undefined;
}

/**
 * The next in line. Messages without an ordering key come as they arrive. Of those that share a key only the
 * first is ever out; the next follows once it is settled. That is stricter than the service, which may have
 * several of a key out with one subscriber, and keeps its promise that a redelivery repeats those that follow.
 */
export class Line {
  readonly #ready = new Set<Entry>();
  readonly #keys = new Map<string, Set<Entry>>();
  readonly #ordered: boolean;

  constructor(ordered: boolean) {
    this.#ordered = ordered;
  }

  join(entry: Entry): void {
    const key = this.#keyOf(entry);
    if (key === '') {
      this.#ready.add(entry);
      return;
    }
    const sharing = this.#keys.get(key);
    if (sharing) {
      sharing.add(entry);
      return;
    }
    this.#keys.set(key, new Set([entry]));
    this.#ready.add(entry);
  }

  first(): Entry | undefined {
    return head(this.#ready);
  }

  /** The entry goes out on a lease, or waits; it keeps its place before those that share its key. */
  hold(entry: Entry): void {
    this.#ready.delete(entry);
  }

  /** Ready again, behind those that are ready already. */
  release(entry: Entry): void {
    this.#ready.add(entry);
  }

  leave(entry: Entry): void {
    this.#ready.delete(entry);
    const key = this.#keyOf(entry);
    const sharing = this.#keys.get(key);
    if (!sharing) return;
    const wasFirst = head(sharing) === entry;
    sharing.delete(entry);
    const next = head(sharing);
    if (!next) this.#keys.delete(key);
    else if (wasFirst) this.#ready.add(next);
  }

  #keyOf(entry: Entry): string {
    return this.#ordered ? entry.message.orderingKey : '';
  }
}

function head<T>(set: ReadonlySet<T>): T | undefined {
  const [first] = set;
  return first;
}
