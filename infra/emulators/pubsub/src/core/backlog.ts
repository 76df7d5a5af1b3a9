import type { Cancel, Clock } from './clock.ts';
import { type Entry, Line } from './line.ts';
import type { Message } from './message.ts';
import type { Subscription } from './subscription.ts';

/** Limits of one subscription's memory, acknowledged messages that it retains included. */
export interface BacklogCap {
  readonly messages: number;
  readonly bytes: number;
}

export interface BacklogOptions {
  readonly clock: Clock;
  readonly cap: BacklogCap;
  readonly log: (line: string) => void;
}

const day = 24 * 60 * 60 * 1000;
const logEvery = 1000;

/**
 * The messages of one subscription: until acknowledged, until they outlive the retention, or until newer ones
 * need the memory. Acknowledged ones stay for Seek where the subscription says so.
 */
export class Backlog {
  readonly line: Line;
  readonly #options: BacklogOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #acknowledged = new Map<string, Message>();
  #subscription: Subscription;
  #bytes = 0;
  #dropped = 0;
  #timer: Cancel | undefined;

  constructor(subscription: Subscription, options: BacklogOptions) {
    this.#subscription = subscription;
    this.#options = options;
    this.line = new Line(subscription.enableMessageOrdering);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** When the oldest message was published, ms since 1970; undefined without any. */
  get oldest(): number | undefined {
    const [oldest] = this.#entries.values();
    return oldest?.message.publishTime;
  }

  configure(subscription: Subscription): void {
    this.#subscription = subscription;
    if (!subscription.retainAckedMessages) this.#forgetAcknowledged(() => true);
    this.#timer?.();
    this.#timer = undefined;
    this.#watch();
  }

  add(message: Message): void {
    this.#enter(message);
    this.#trim();
    this.#watch();
  }

  /** The entry was acknowledged. */
  settle(entry: Entry): void {
    this.remove(entry);
    if (!this.#subscription.retainAckedMessages) return;
    this.#acknowledged.set(entry.message.messageId, entry.message);
    this.#bytes += entry.message.size;
  }

  remove(entry: Entry): void {
    if (!this.#entries.delete(entry.message.messageId)) return;
    entry.stop?.();
    entry.stop = undefined;
    this.#bytes -= entry.message.size;
    this.line.leave(entry);
  }

  /** Seek: what was published before `time` counts as acknowledged, everything retained from then on does not. */
  seek(time: number): void {
    for (const entry of [...this.#entries.values()]) {
      if (entry.message.publishTime < time) this.settle(entry);
    }
    const restored = [...this.#acknowledged.values()].filter((message) => message.publishTime >= time);
    if (restored.length === 0) return;
    const waiting = [...this.#entries.values()];
    for (const entry of waiting) this.remove(entry);
    this.#forgetAcknowledged((message) => message.publishTime >= time);
    const all = [...restored, ...waiting.map((entry) => entry.message)];
    for (const message of all.sort((a, b) => Number(a.messageId) - Number(b.messageId))) this.#enter(message);
    this.#watch();
  }

  clear(): void {
    for (const entry of [...this.#entries.values()]) this.remove(entry);
    this.#forgetAcknowledged(() => true);
    this.#timer?.();
    this.#timer = undefined;
  }

  #enter(message: Message): void {
    const entry: Entry = { message, failures: 0, stop: undefined };
    this.#entries.set(message.messageId, entry);
    this.#bytes += message.size;
    this.line.join(entry);
  }

  #forgetAcknowledged(which: (message: Message) => boolean): void {
    for (const message of [...this.#acknowledged.values()].filter(which)) this.#forget(message);
  }

  #forget(message: Message): void {
    this.#acknowledged.delete(message.messageId);
    this.#bytes -= message.size;
  }

  #trim(): void {
    const { messages, bytes } = this.#options.cap;
    while (this.#entries.size + this.#acknowledged.size > messages || this.#bytes > bytes) {
      const [acknowledged] = this.#acknowledged.values();
      const [oldest] = this.#entries.values();
      if (acknowledged) this.#forget(acknowledged);
      else if (oldest) this.#drop(oldest);
      else return;
    }
  }

  #drop(entry: Entry): void {
    this.remove(entry);
    if (this.#dropped++ % logEvery === 0) {
      this.#options.log(
        `pubsub: ${this.#subscription.name} is full, dropped its oldest message (${this.#dropped} so far)`,
      );
    }
  }

  #watch(): void {
    const [oldest] = this.#entries.values();
    const [acknowledged] = this.#acknowledged.values();
    if (this.#timer || (!oldest && !acknowledged)) return;
    const published = Math.min(
      oldest?.message.publishTime ?? Number.POSITIVE_INFINITY,
      acknowledged?.publishTime ?? Number.POSITIVE_INFINITY,
    );
    const due = published + this.#subscription.messageRetentionDuration - this.#options.clock.now();
    // A Node timer holds 24.8 days, the longest retention is 31: look in once a day.
    this.#timer = this.#options.clock.after(Math.max(0, Math.min(due, day)), () => this.#expire());
  }

  #expire(): void {
    this.#timer = undefined;
    const oldestKept = this.#options.clock.now() - this.#subscription.messageRetentionDuration;
    for (const entry of [...this.#entries.values()]) {
      if (entry.message.publishTime <= oldestKept) this.remove(entry);
    }
    this.#forgetAcknowledged((message) => message.publishTime <= oldestKept);
    this.#watch();
  }
}
