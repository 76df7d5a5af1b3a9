import type { Message, PubSub, Subscription } from '@google-cloud/pubsub';
import { clientOf } from './client.ts';
import type { Running } from './google-emulator.ts';
import { Inbox } from './inbox.ts';
import { publishesAndSubscribes } from './suite-client.ts';
import { carriesEvents } from './suite-events.ts';
import { ordersAndDeadLetters } from './suite-ordering.ts';
import { pushes } from './suite-push.ts';
import { speaksJson } from './suite-rest.ts';

/** What a promise of the suite gets to work with. */
export interface Subject {
  readonly host: string;
  readonly client: PubSub;
  /** A name that no other test has used. */
  unique(prefix: string): string;
  /** Streams a subscription until the test ends; a failed stream fails those who wait for a message. */
  listen(subscription: Subscription): Inbox<Message>;
}

/** Registers one promise, as `it` does. */
export type Promises = (title: string, keep: (subject: Subject) => Promise<void>) => void;

/**
 * What any Pub/Sub must promise, as the unmodified client library, curl and a push endpoint see it.
 * `exceptions` names the promises that this one is known not to keep, each with the reason; one that names no
 * promise fails.
 */
export function describePubSub(
  name: string,
  start: () => Promise<Running>,
  exceptions: Readonly<Record<string, string>> = {},
): void {
  describe(name, () => {
    const known = new Set<string>();
    let running: Running;
    let client: PubSub;
    let count = 0;
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

    const promises: Promises = (title, keep) => {
      known.add(title);
      const reason = exceptions[title];
      if (reason !== undefined) {
        it.skip(`${title} (${reason})`);
        return;
      }
      const unique = (prefix: string) => `${prefix}-${++count}`;
      it(title, () => keep({ host: running.host, client, unique, listen }));
    };
    publishesAndSubscribes(promises);
    ordersAndDeadLetters(promises);
    speaksJson(promises);
    pushes(promises);
    carriesEvents(promises);

    const unknown = Object.keys(exceptions).filter((title) => !known.has(title));
    if (unknown.length > 0) throw new Error(`exceptions that name no promise: ${unknown.join('; ')}`);
  });
}
