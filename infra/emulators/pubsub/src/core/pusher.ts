import type { Capacity, Consumer, Deliverer, Delivery } from './deliverer.ts';
import type { Subscription } from './subscription.ts';

/**
 * Brings one message to the endpoint; true where the answer acknowledged it. Rejects where there was no answer.
 * The signal ends an attempt whose ack deadline has passed.
 */
export type PushSender = (
  subscription: Subscription,
  delivery: Delivery,
  signal: AbortSignal,
) => Promise<boolean>;

const inFlight = 100;

/** Pushes a subscription's messages; the lease on a message is the deadline of its request. */
export class Pusher implements Consumer {
  readonly #deliverer: Deliverer;
  readonly #send: PushSender;
  readonly #subscription: Subscription;
  readonly #sending = new Map<string, AbortController>();

  constructor(subscription: Subscription, deliverer: Deliverer, send: PushSender) {
    this.#subscription = subscription;
    this.#deliverer = deliverer;
    this.#send = send;
  }

  capacity(): Capacity {
    return { messages: inFlight - this.#sending.size, bytes: Number.POSITIVE_INFINITY };
  }

  deliver(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) {
      const controller = new AbortController();
      this.#sending.set(delivery.ackId, controller);
      void this.#push(delivery, controller.signal);
    }
  }

  settled(delivery: Delivery): void {
    this.#sending.get(delivery.ackId)?.abort();
    this.#sending.delete(delivery.ackId);
  }

  ended(): void {}

  async #push(delivery: Delivery, signal: AbortSignal): Promise<void> {
    // An endpoint that cannot be reached refuses the message like one that answers with an error.
    const acknowledged = await this.#send(this.#subscription, delivery, signal).catch(() => false);
    if (acknowledged) this.#deliverer.acknowledge([delivery.ackId]);
    else this.#deliverer.modifyAckDeadline([delivery.ackId], 0);
  }
}
