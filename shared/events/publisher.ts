import type { EventMessage } from './cloudEvent.ts';

/** Resolves once Pub/Sub has the message; rejects where it could not be had to take it in time. */
export type Publish = (event: EventMessage) => Promise<void>;

/** Milliseconds: a caller that is told "no" in time has its event come back; one that hangs is cut off. */
const PUBLISH_TIMEOUT_MS = 30_000;

export interface PublisherOptions {
  /** Publish with ordering keys (docs/adr/0017): off by default. */
  readonly ordered?: boolean;
}

export interface Publisher {
  readonly publish: Publish;
  /** Loads the client library, which publishing would do otherwise. @throws {Error} where it cannot be loaded */
  load(): Promise<void>;
  close(): Promise<void>;
}

/**
 * `PUBSUB_EMULATOR_HOST` works as in Google's clients. Their library, with gRPC, is half of what an instance would load
 * before its first answer, so it is loaded when it is first asked for.
 */
export function createPublisher(
  projectId: string,
  topic: string,
  { ordered = false }: PublisherOptions = {},
): Publisher {
  let opened: ReturnType<typeof open> | undefined;
  const library = (): ReturnType<typeof open> => {
    opened ??= open(projectId, topic, ordered).catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    return opened;
  };
  return {
    publish: async ({ data, attributes, orderingKey }) => {
      const { publisher } = await library();
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
    load: async () => {
      await library();
    },
    close: async () => {
      await (await opened)?.pubsub.close();
    },
  };
}

async function open(projectId: string, topic: string, ordered: boolean) {
  const { PubSub } = await import('@google-cloud/pubsub');
  const pubsub = new PubSub({ projectId });
  const publisher = pubsub.topic(topic, {
    // A function answers when its event is out: what batches is what many answers wait for at once.
    batching: { maxMilliseconds: 2 },
    messageOrdering: ordered,
    gaxOpts: { timeout: PUBLISH_TIMEOUT_MS, retry: null },
  });
  return { pubsub, publisher };
}
