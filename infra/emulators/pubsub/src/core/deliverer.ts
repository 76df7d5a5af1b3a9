import type { Backlog } from './backlog.ts';
import { backoff } from './backoff.ts';
import type { Cancel, Clock } from './clock.ts';
import type { Entry } from './line.ts';
import type { Message } from './message.ts';
import { invalid, type RpcError } from './status.ts';
import type { Subscription } from './subscription.ts';

/** A message handed to a consumer. `deliveryAttempt` is 0 without a dead letter policy, as in the service. */
export interface Delivery {
  readonly ackId: string;
  readonly message: Message;
  readonly deliveryAttempt: number;
}

export interface Capacity {
  readonly messages: number;
  readonly bytes: number;
}

/** Receives messages: a pull that waits, a stream, or the push to an endpoint. */
export interface Consumer {
  /** Milliseconds a message may stay unacknowledged with it; undefined means the subscription's. */
  readonly ackDeadline?: number | undefined;
  /** Its free capacity. Bytes may be overrun by one message, as in the service. */
  capacity(): Capacity;
  deliver(deliveries: readonly Delivery[]): void;
  /** A delivery to it ended: acknowledged, refused, overdue or dropped. */
  settled(delivery: Delivery): void;
  /** No more will come. */
  ended(reason: RpcError): void;
}

export interface DelivererOptions {
  readonly clock: Clock;
  /** Makes ack ids of one subscription unlike those of another, and of an earlier one with the same name. */
  readonly incarnation: string;
  /** Publishes to the dead letter topic; false where that does not exist. */
  readonly deadLetter: (topic: string, message: Message, attempts: number) => boolean;
}

interface Lease {
  readonly entry: Entry;
  readonly delivery: Delivery;
  readonly consumer: Consumer;
  cancel: Cancel;
}

/** Small enough for the 4 MiB that gRPC clients accept by default, but for a single larger message. */
const batch: Capacity = { messages: 1000, bytes: 2_000_000 };

const second = 1000;
const ackIdPattern = /^[0-9a-f-]+:\d+$/;

/** Hands the messages of a backlog to consumers, and holds the leases on those that are out. */
export class Deliverer {
  readonly #backlog: Backlog;
  readonly #options: DelivererOptions;
  readonly #consumers = new Set<Consumer>();
  readonly #leases = new Map<string, Lease>();
  #subscription: Subscription;
  #issued = 0;
  #pumping = false;

  constructor(subscription: Subscription, backlog: Backlog, options: DelivererOptions) {
    this.#subscription = subscription;
    this.#backlog = backlog;
    this.#options = options;
  }

  configure(subscription: Subscription): void {
    this.#subscription = subscription;
  }

  attach(consumer: Consumer): void {
    this.#consumers.add(consumer);
    this.pump();
  }

  /** Its outstanding messages stay leased until their ack deadline. */
  detach(consumer: Consumer): void {
    this.#consumers.delete(consumer);
  }

  endConsumers(reason: RpcError): void {
    for (const consumer of [...this.#consumers]) {
      this.#consumers.delete(consumer);
      consumer.ended(reason);
    }
  }

  /** An ack id whose lease has ended changes nothing. Throws INVALID_ARGUMENT where one is malformed. */
  acknowledge(ackIds: readonly string[]): void {
    for (const lease of this.#find(ackIds)) this.#backlog.settle(lease.entry);
    this.pump();
  }

  /** 0 seconds refuses the message. Throws INVALID_ARGUMENT outside 0 to 600 seconds. */
  modifyAckDeadline(ackIds: readonly string[], seconds: number): void {
    if (!Number.isInteger(seconds) || seconds < 0 || seconds > 600) {
      throw invalid(`Invalid ack deadline given: ${seconds}. It must be between 0 and 600 seconds.`);
    }
    for (const lease of this.#find(ackIds)) {
      if (seconds === 0) this.#fail(lease);
      else this.#extend(lease, seconds * second);
    }
    this.pump();
  }

  /** Gives out what is ready to those who have room, in turn. */
  pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#round()) {}
    } finally {
      this.#pumping = false;
    }
  }

  #round(): boolean {
    let moved = false;
    for (const consumer of [...this.#consumers]) {
      const deliveries = this.#leaseTo(consumer);
      if (deliveries.length === 0) continue;
      moved = true;
      consumer.deliver(deliveries);
    }
    return moved;
  }

  #leaseTo(consumer: Consumer): Delivery[] {
    const capacity = consumer.capacity();
    let messages = Math.min(capacity.messages, batch.messages);
    let bytes = Math.min(capacity.bytes, batch.bytes);
    const deliveries: Delivery[] = [];
    for (let entry = this.#backlog.line.first(); entry && messages > 0 && bytes > 0; messages--) {
      bytes -= entry.message.size;
      deliveries.push(this.#lease(entry, consumer));
      entry = this.#backlog.line.first();
    }
    return deliveries;
  }

  #lease(entry: Entry, consumer: Consumer): Delivery {
    const delivery: Delivery = {
      ackId: `${this.#options.incarnation}:${++this.#issued}`,
      message: entry.message,
      deliveryAttempt: this.#subscription.deadLetterPolicy ? entry.failures + 1 : 0,
    };
    const lease: Lease = { entry, delivery, consumer, cancel: () => {} };
    this.#backlog.line.hold(entry);
    this.#leases.set(delivery.ackId, lease);
    entry.stop = () => this.#end(lease);
    this.#extend(lease, consumer.ackDeadline ?? this.#subscription.ackDeadlineSeconds * second);
    return delivery;
  }

  #extend(lease: Lease, delay: number): void {
    lease.cancel();
    lease.cancel = this.#options.clock.after(delay, () => {
      this.#fail(lease);
      this.pump();
    });
  }

  #fail(lease: Lease): void {
    const { entry } = lease;
    this.#end(lease);
    entry.stop = undefined;
    entry.failures++;
    if (this.#deadLettered(entry)) this.#backlog.remove(entry);
    else this.#retry(entry);
  }

  #deadLettered({ failures, message }: Entry): boolean {
    const policy = this.#subscription.deadLetterPolicy;
    if (!policy || failures < policy.maxDeliveryAttempts) return false;
    return this.#options.deadLetter(policy.deadLetterTopic, message, failures);
  }

  #retry(entry: Entry): void {
    const delay = backoff(this.#subscription, entry.failures);
    if (delay === 0) {
      this.#backlog.line.release(entry);
      return;
    }
    entry.stop = this.#options.clock.after(delay, () => {
      entry.stop = undefined;
      this.#backlog.line.release(entry);
      this.pump();
    });
  }

  #end(lease: Lease): void {
    lease.cancel();
    this.#leases.delete(lease.delivery.ackId);
    lease.consumer.settled(lease.delivery);
  }

  #find(ackIds: readonly string[]): Lease[] {
    const malformed = ackIds.find((ackId) => !ackIdPattern.test(ackId));
    if (malformed !== undefined) throw invalid(`Malformed ack id: ${malformed}`);
    return [...new Set(ackIds)]
      .map((ackId) => this.#leases.get(ackId))
      .filter((lease) => lease !== undefined);
  }
}
