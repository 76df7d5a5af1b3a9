import type { EventMessage } from './cloudEvent.ts';

/** Resolves once Pub/Sub has the message; rejects where it could not be had to take it in time. */
export type Publish = (event: EventMessage) => Promise<void>;

/** Milliseconds: a caller that is told "no" in time has its event come back; one that hangs is cut off. */
const PUBLISH_TIMEOUT_MS = 30_000;
/** Events at a time: with more under way, an event waits for others to share a request with. A function answers when its event is out. */
const WORTH_WAITING = 8;

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
  let underWay = 0;
  const publish: Publish = async ({ data, attributes, orderingKey }) => {
    const { atOnce, together } = await library();
    const message = { data, attributes: { ...attributes } };
    if (!ordered || orderingKey === undefined) {
      await (underWay > WORTH_WAITING ? together : atOnce).publishMessage(message);
      return;
    }
    try {
      await atOnce.publishMessage({ ...message, orderingKey });
    } catch (error) {
      // The library lets nothing more of this key through until it is told that the failure was seen.
      atOnce.resumePublishing(orderingKey);
      throw error;
    }
  };
  return {
    publish: async (event) => {
      underWay += 1;
      try {
        await publish(event);
      } finally {
        underWay -= 1;
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
  const options = { messageOrdering: ordered, gaxOpts: { timeout: PUBLISH_TIMEOUT_MS, retry: null } };
  const atOnce = pubsub.topic(topic, { ...options, batching: { maxMessages: 1 } });
  const together = pubsub.topic(topic, { ...options, batching: { maxMilliseconds: 2 } });
  return { pubsub, atOnce, together };
}
