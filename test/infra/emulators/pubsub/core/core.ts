import { setImmediate } from 'node:timers/promises';
import { Broker, type BrokerOptions } from '../../../../../infra/emulators/pubsub/src/core/broker.ts';
import type {
  Capacity,
  Consumer,
  Delivery,
} from '../../../../../infra/emulators/pubsub/src/core/deliverer.ts';
import { pull } from '../../../../../infra/emulators/pubsub/src/core/pull.ts';
import { FakeClock } from './fake-clock.ts';

export const topic = 'projects/p/topics/events';
export const subscription = 'projects/p/subscriptions/reader';

/** A broker on a clock that tests move, with one topic and nothing else. */
export class Core {
  readonly clock = new FakeClock();
  readonly lines: string[] = [];
  readonly broker: Broker;

  constructor(options: Partial<BrokerOptions> = {}) {
    this.broker = new Broker({
      clock: this.clock,
      cap: { messages: 1000, bytes: 1_000_000 },
      send: async () => true,
      log: (line) => this.lines.push(line),
      ...options,
    });
    this.broker.topics.create({ name: topic });
  }

  subscribe(settings: object = {}, name = subscription): void {
    this.broker.subscribe({ name, topic, ...settings });
  }

  publish(data: string, { to = topic, orderingKey = '', attributes = {} } = {}): void {
    this.broker.publish(to, [{ data: Buffer.from(data), attributes, orderingKey }]);
  }

  /** The answer to a Pull that does not wait. */
  async pull(name = subscription): Promise<readonly Delivery[]> {
    return pull(this.broker.subscription(name).pullable, this.clock, { maxMessages: 100, wait: 0 });
  }

  async pullText(name = subscription): Promise<string[]> {
    return (await this.pull(name)).map(text);
  }

  ack(deliveries: readonly Delivery[], name = subscription): void {
    this.broker.subscription(name).deliverer.acknowledge(deliveries.map(({ ackId }) => ackId));
  }

  /** 0 seconds refuses them. */
  modify(deliveries: readonly Delivery[], seconds: number, name = subscription): void {
    const ackIds = deliveries.map(({ ackId }) => ackId);
    this.broker.subscription(name).deliverer.modifyAckDeadline(ackIds, seconds);
  }
}

export const text = ({ message }: Delivery): string => Buffer.from(message.data).toString();

/** Lets promises that can settle do so. */
export const settled = (): Promise<void> => setImmediate();

/** A consumer with a fixed room, as a stream with flow control is one. */
export class Taker implements Consumer {
  readonly got: Delivery[] = [];
  #out = 0;
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  capacity(): Capacity {
    return { messages: this.#limit - this.#out, bytes: Number.POSITIVE_INFINITY };
  }

  deliver(deliveries: readonly Delivery[]): void {
    this.#out += deliveries.length;
    this.got.push(...deliveries);
  }

  settled(): void {
    this.#out--;
  }

  ended(): void {}
}
