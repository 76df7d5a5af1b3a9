import type { ServerResponse } from 'node:http';
import { messages } from '../events/pubsub-rest.ts';
import { PAGE_SUBSCRIPTION } from '../events/scan-events.ts';
import { Feed } from './feed.ts';
import { timingsIn } from './timings.ts';

/** Messages to the open page: the events that subscribers get, and where the scanner's time went. */
export interface Live {
  /** A line of a process's log. */
  read(name: string, line: string): void;
  watch(response: ServerResponse, lastId: string | undefined): void;
}

/** Pulls from Pub/Sub only once somebody has looked; the subscription keeps what comes before. Ends with `signal`. */
export function createLive(pubsubHost: string, signal: AbortSignal): Live {
  const feed = new Feed();
  let following = false;
  const follow = async () => {
    for await (const message of messages(pubsubHost, PAGE_SUBSCRIPTION, signal)) feed.add('pubsub', message);
  };
  return {
    read(name, line) {
      const timings = name === 'scanner' ? timingsIn(line) : undefined;
      if (timings) feed.add('timings', timings);
    },
    watch(response, lastId) {
      if (!following) void follow();
      following = true;
      feed.watch(response, lastId);
    },
  };
}
