import { PubSub } from '@google-cloud/pubsub';
import type { EventMessage } from './scanCompleted.ts';

/** Resolves once Pub/Sub has the message; rejects where it could not be had to take it in time. */
export type Publish = (event: EventMessage) => Promise<void>;

/** Milliseconds: a caller that is told "no" in time has its event come back; one that hangs is cut off. */
const PUBLISH_TIMEOUT_MS = 30_000;

/** `PUBSUB_EMULATOR_HOST` works as in Google's clients. */
export function createPublisher(
  projectId: string,
  topic: string,
): { publish: Publish; close(): Promise<void> } {
  const pubsub = new PubSub({ projectId });
  const publisher = pubsub.topic(topic, {
    // A function answers when its event is out: what batches is what many answers wait for at once.
    batching: { maxMilliseconds: 2 },
    gaxOpts: { timeout: PUBLISH_TIMEOUT_MS, retry: null },
  });
  return {
    publish: async ({ data, attributes }) => {
      await publisher.publishMessage({ data, attributes: { ...attributes } });
    },
    close: () => pubsub.close(),
  };
}
