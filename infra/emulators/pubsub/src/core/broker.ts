import { Attached } from './attached.ts';
import type { BacklogCap } from './backlog.ts';
import type { Clock } from './clock.ts';
import { deadLetterOf } from './dead-letter.ts';
import { checkPublish, type Message, type Outgoing, sizeOf } from './message.ts';
import type { PushSender } from './pusher.ts';
import { idOf } from './resource-name.ts';
import { RpcError } from './status.ts';
import { newSubscription, type Subscription, updatedSubscription } from './subscription.ts';
import type { Topic } from './topic.ts';
import { Topics } from './topics.ts';

export interface BrokerOptions {
  readonly clock: Clock;
  readonly cap: BacklogCap;
  readonly send: PushSender;
  readonly log: (line: string) => void;
}

/** Topics and subscriptions in memory: all of Pub/Sub but the wire. No I/O; time comes from the clock. */
export class Broker {
  readonly topics = new Topics();
  readonly #subscriptions = new Map<string, Attached>();
  readonly #options: BrokerOptions;
  #messages = 0;
  #incarnations = 0;

  constructor(options: BrokerOptions) {
    this.#options = options;
  }

  /** The ids of the messages, in order. All of them are published or, where one is refused, none. */
  publish(topicName: string, messages: readonly Outgoing[]): string[] {
    this.topics.get(topicName);
    checkPublish(messages);
    return messages.map((outgoing) => this.#publish(topicName, outgoing));
  }

  deleteTopic(name: string): void {
    this.topics.delete(name);
    for (const attached of this.#attachedTo(name)) attached.orphan();
  }

  subscribe(input: unknown): Subscription {
    const subscription = newSubscription(input);
    const { name } = subscription;
    if (this.#subscriptions.has(name)) {
      throw new RpcError('ALREADY_EXISTS', `Subscription already exists (resource=${idOf(name)}).`);
    }
    this.topics.get(subscription.topic);
    this.#checkDeadLetterTopic(subscription);
    const attached = new Attached(subscription, {
      ...this.#options,
      incarnation: (++this.#incarnations).toString(16).padStart(8, '0'),
      deadLetter: (topic, message, attempts) => this.#deadLetter(topic, name, message, attempts),
    });
    this.#subscriptions.set(name, attached);
    return subscription;
  }

  subscription(name: string): Attached {
    const attached = this.#subscriptions.get(name);
    if (!attached) throw new RpcError('NOT_FOUND', `Subscription does not exist (resource=${idOf(name)}).`);
    return attached;
  }

  updateSubscription(patch: { readonly name: string }, paths: readonly string[]): Subscription {
    const attached = this.subscription(patch.name);
    const updated = updatedSubscription(attached.subscription, patch, paths);
    this.#checkDeadLetterTopic(updated);
    attached.configure(updated);
    return updated;
  }

  deleteSubscription(name: string): void {
    const attached = this.subscription(name);
    this.#subscriptions.delete(name);
    attached.end(new RpcError('NOT_FOUND', `Subscription does not exist (resource=${idOf(name)}).`));
  }

  subscriptionsOf(project: string): Subscription[] {
    return [...this.#subscriptions.values()]
      .map(({ subscription }) => subscription)
      .filter(({ name }) => name.startsWith(`${project}/`));
  }

  /** Counts what waits in each subscription; seconds. In the service, metrics of Cloud Monitoring say so. */
  backlogs(): { readonly name: string; readonly messages: number; readonly oldestSeconds: number }[] {
    const now = this.#options.clock.now();
    return [...this.#subscriptions.values()].map(({ subscription: { name }, waiting }) => {
      const { messages, oldest = now } = waiting;
      return { name, messages, oldestSeconds: (now - oldest) / 1000 };
    });
  }

  subscriptionsTo(topic: Topic): Subscription[] {
    return this.#attachedTo(topic.name).map(({ subscription }) => subscription);
  }

  /** Ends everything that waits, and takes back all timers. */
  close(): void {
    for (const attached of this.#subscriptions.values()) {
      attached.end(new RpcError('UNAVAILABLE', 'The emulator is stopping.'));
    }
    this.#subscriptions.clear();
  }

  #publish(topicName: string, outgoing: Outgoing): string {
    const message: Message = {
      ...outgoing,
      messageId: String(++this.#messages),
      publishTime: this.#options.clock.now(),
      size: sizeOf(outgoing),
    };
    for (const attached of this.#attachedTo(topicName)) attached.publish(message);
    return message.messageId;
  }

  #deadLetter(topic: string, subscription: string, message: Message, attempts: number): boolean {
    if (!this.topics.has(topic)) {
      this.#options.log(`pubsub: ${subscription} cannot dead-letter a message, ${topic} does not exist`);
      return false;
    }
    this.#publish(topic, deadLetterOf(message, subscription, attempts));
    return true;
  }

  #checkDeadLetterTopic({ deadLetterPolicy }: Subscription): void {
    if (deadLetterPolicy) this.topics.get(deadLetterPolicy.deadLetterTopic);
  }

  #attachedTo(topicName: string): Attached[] {
    return [...this.#subscriptions.values()].filter(
      ({ subscription }) => subscription.topic === topicName && !subscription.detached,
    );
  }
}
