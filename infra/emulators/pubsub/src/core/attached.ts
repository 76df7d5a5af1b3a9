import { Backlog, type BacklogOptions } from './backlog.ts';
import { Deliverer, type DelivererOptions } from './deliverer.ts';
import { compileFilter, type Filter } from './filter.ts';
import type { Message } from './message.ts';
import { Pusher, type PushSender } from './pusher.ts';
import { deletedTopic } from './resource-name.ts';
import { RpcError } from './status.ts';
import { isPush, type Subscription } from './subscription.ts';

interface AttachedOptions extends BacklogOptions, DelivererOptions {
  readonly send: PushSender;
}

/** A subscription at work: its settings, its backlog, and its consumers. */
export class Attached {
  readonly #backlog: Backlog;
  readonly #deliverer: Deliverer;
  readonly #filter: Filter;
  readonly #send: PushSender;
  #subscription: Subscription;
  #pusher: Pusher | undefined;

  constructor(subscription: Subscription, options: AttachedOptions) {
    this.#subscription = subscription;
    this.#backlog = new Backlog(subscription, options);
    this.#deliverer = new Deliverer(subscription, this.#backlog, options);
    this.#filter = compileFilter(subscription.filter);
    this.#send = options.send;
    this.#startPushing();
  }

  get subscription(): Subscription {
    return this.#subscription;
  }

  /** Messages that are not acknowledged, and when the oldest was published, ms since 1970. */
  get waiting(): { readonly messages: number; readonly oldest: number | undefined } {
    return { messages: this.#backlog.size, oldest: this.#backlog.oldest };
  }

  /** Deliverer for the calls that pull. Throws FAILED_PRECONDITION where the messages go to an endpoint, or nowhere. */
  get pullable(): Deliverer {
    if (isPush(this.#subscription)) {
      throw new RpcError('FAILED_PRECONDITION', 'This method is not supported for this subscription type.');
    }
    if (this.#subscription.detached) throw detachedError(this.#subscription);
    return this.#deliverer;
  }

  get deliverer(): Deliverer {
    return this.#deliverer;
  }

  /** A message that the filter does not let through counts as acknowledged. */
  publish(message: Message): void {
    if (this.#subscription.detached || !this.#filter(message.attributes)) return;
    this.#backlog.add(message);
    this.#deliverer.pump();
  }

  configure(subscription: Subscription): void {
    const wasPush = isPush(this.#subscription);
    this.#subscription = subscription;
    this.#backlog.configure(subscription);
    this.#deliverer.configure(subscription);
    if (!wasPush && isPush(subscription)) {
      this.#deliverer.endConsumers(new RpcError('FAILED_PRECONDITION', 'The subscription now pushes.'));
    }
    this.#startPushing();
  }

  seek(time: number): void {
    this.#backlog.seek(time);
    this.#deliverer.pump();
  }

  orphan(): void {
    this.configure({ ...this.#subscription, topic: deletedTopic });
  }

  detach(): void {
    this.configure({ ...this.#subscription, detached: true });
    this.end(detachedError(this.#subscription));
  }

  /** Drops the backlog and all timers with it. */
  end(reason: RpcError): void {
    if (this.#pusher) this.#deliverer.detach(this.#pusher);
    this.#deliverer.endConsumers(reason);
    this.#backlog.clear();
  }

  #startPushing(): void {
    if (this.#pusher) this.#deliverer.detach(this.#pusher);
    this.#pusher = undefined;
    if (!isPush(this.#subscription) || this.#subscription.detached) return;
    this.#pusher = new Pusher(this.#subscription, this.#deliverer, this.#send);
    this.#deliverer.attach(this.#pusher);
  }
}

const detachedError = ({ name }: Subscription) =>
  new RpcError('FAILED_PRECONDITION', `Subscription is detached (resource=${name}).`);
