import { PubSub } from '@google-cloud/pubsub';
import type { EventMessage } from './cloudEvent.ts';

/** Resolves once Pub/Sub has the message; rejects where it could not be had to take it in time. */
export type Publish = (event: EventMessage) => Promise<void>;

/** Milliseconds: a caller that is told "no" in time has its event come back; one that hangs is cut off. */
const PUBLISH_TIMEOUT_MS = 30_000;

export interface PublisherOptions {
  /** Publish with ordering keys (docs/adr/0017): off by default. */
  readonly ordered?: boolean;
}

/** `PUBSUB_EMULATOR_HOST` works as in Google's clients. */
export function createPublisher(
  projectId: string,
  topic: string,
  { ordered = false }: PublisherOptions = {},
): { publish: Publish; close(): Promise<void> } {
  const pubsub = new PubSub({ projectId });
  const publisher = pubsub.topic(topic, {
    // A function answers when its event is out: what batches is what many answers wait for at once.
    batching: { maxMilliseconds: 2 },
    messageOrdering: ordered,
    gaxOpts: { timeout: PUBLISH_TIMEOUT_MS, retry: null },
  });
  return {
    publish: async ({ data, attributes, orderingKey }) => {
      const message = { data, attributes: { ...attributes } };
      if (!ordered || orderingKey === undefined) {
        await publisher.publishMessage(message);
        return;
      }
      try {
        await publisher.publishMessage({ ...message, orderingKey });
      } catch (error) {
        // The library lets nothing more of this key through until it is told that the failure was seen.
        publisher.resumePublishing(orderingKey);
        throw error;
      }
    },
    close: () => pubsub.close(),
  };
}
