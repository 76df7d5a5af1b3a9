import { randomBytes } from 'node:crypto';
import type { Message, PubSub, Subscription } from '@google-cloud/pubsub';
import { clientOf } from '../../infra/emulators/pubsub/client.ts';
import { Inbox } from '../../infra/emulators/pubsub/inbox.ts';
import { type Cases, type Exceptions, registerCases } from '../cases.ts';
import type { Running } from './google-emulator.ts';
import { publishesAndSubscribes } from './suite-client.ts';
import { carriesEvents } from './suite-events.ts';
import { ordersAndDeadLetters } from './suite-ordering.ts';
import { pushes } from './suite-push.ts';
import { speaksJson } from './suite-rest.ts';

/** Dependencies of a promise of the suite. */
export interface Subject {
  readonly host: string;
  readonly client: PubSub;
  /** A name that no other test has used. */
  unique(prefix: string): string;
  /** Streams a subscription until the test ends; a failed stream fails those who wait for a message. */
  listen(subscription: Subscription): Inbox<Message>;
}

/** Registers one promise, as `it` does. */
export type Promises = Cases<Subject>;

/**
 * Promises of any Pub/Sub, as the unmodified client library, curl and a push endpoint see it.
 * @param exceptions promises that this one is known not to keep
 */
export function describePubSub(
  name: string,
  start: () => Promise<Running>,
  exceptions: Exceptions = {},
): void {
  describe(name, () => {
    let running: Running;
    let client: PubSub;
    let count = 0;
    /** An emulator from outside keeps what earlier runs made. */
    const run = randomBytes(4).toString('hex');
    const listening: Subscription[] = [];

    const listen = (subscription: Subscription) => {
      const inbox = new Inbox<Message>();
      listening.push(subscription);
      subscription.on('message', (message: Message) => inbox.put(message));
      subscription.on('error', (error) => inbox.fail(error));
      return inbox;
    };

    before(async () => {
      running = await start();
      client = clientOf(running.host);
    });

    afterEach(async () => {
      for (const subscription of listening.splice(0)) await subscription.close();
    });

    after(async () => {
      await client?.close();
      await running?.stop();
    });

    const unique = (prefix: string) => `${prefix}-${run}-${++count}`;
    registerCases(
      [publishesAndSubscribes, ordersAndDeadLetters, speaksJson, pushes, carriesEvents],
      () => ({ host: running.host, client, unique, listen }),
      exceptions,
    );
  });
}
