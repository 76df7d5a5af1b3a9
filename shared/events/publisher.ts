import type { PubSub, Topic } from '@google-cloud/pubsub';
import { applicationDefault } from '../storage/credentials.ts';
import { type Tracing, UNTRACED } from '../tracing/tracing.ts';
import type { Publish } from './cloud-event.ts';
import { traced } from './traced.ts';

/** Milliseconds: a caller that is told "no" in time has its event come back; one that hangs is cut off. */
const PUBLISH_TIMEOUT_MS = 30_000;
const PUBSUB_SCOPE = 'https://www.googleapis.com/auth/pubsub';
/** Events at a time: with more under way, an event waits for others to share a request with. A function answers when its event is out. */
const WORTH_WAITING = 8;

export interface PublisherOptions {
  /** Publish with ordering keys (docs/adr/0017): off by default. */
  readonly ordered?: boolean;
  /**
   * Whether an emulator gets our credentials, as Pub/Sub does. The client library sends none over a connection without
   * TLS, so that they go as a header of each call.
   */
  readonly emulatorCredentials?: boolean;
  readonly tracing?: Tracing;
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
  { ordered = false, emulatorCredentials = false, tracing = UNTRACED }: PublisherOptions = {},
): Publisher {
  let opened: ReturnType<typeof open> | undefined;
  const library = (): ReturnType<typeof open> => {
    opened ??= open(projectId, topic, ordered, emulatorCredentials).catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    return opened;
  };
  let underWay = 0;
  const publish: Publish = async ({ data, attributes, orderingKey }) => {
    const { atOnce, together } = await (await library()).topics();
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
  const counted: Publish = async (event) => {
    underWay += 1;
    try {
      await publish(event).catch((error: unknown) => {
        throw isDenied(error) ? denied(projectId, topic, error) : error;
      });
    } finally {
      underWay -= 1;
    }
  };
  return {
    publish: traced(counted, topic, tracing),
    load: async () => {
      await library();
    },
    close: async () => {
      await (await opened)?.pubsub.close();
    },
  };
}

/** https://grpc.io/docs/guides/status-codes/ */
const PERMISSION_DENIED = 7;

const isDenied = (error: unknown): boolean => (error as { code?: unknown }).code === PERMISSION_DENIED;

/** Pub/Sub does not say what is missing. */
function denied(projectId: string, topic: string, cause: unknown): Error {
  const where = `projects/${projectId}/topics/${topic}`;
  return new Error(`Permission 'pubsub.topics.publish' denied on ${where}`, { cause });
}

async function open(projectId: string, topic: string, ordered: boolean, emulatorCredentials: boolean) {
  const { PubSub } = await import('@google-cloud/pubsub');
  const pubsub = new PubSub({ projectId });
  if (!pubsub.isEmulator || !emulatorCredentials) {
    const topics = topicsOf(pubsub, topic, ordered, {});
    return { pubsub, topics: async () => topics };
  }
  const authorize = applicationDefault(PUBSUB_SCOPE);
  let current: { readonly authorization: string | null; readonly topics: Topics } | undefined;
  return {
    pubsub,
    topics: async () => {
      const authorization = (await authorize()).get('authorization');
      if (current?.authorization !== authorization) {
        current = { authorization, topics: topicsOf(pubsub, topic, ordered, { headers: { authorization } }) };
      }
      return current.topics;
    },
  };
}

interface Topics {
  readonly atOnce: Topic;
  readonly together: Topic;
}

function topicsOf(pubsub: PubSub, topic: string, ordered: boolean, otherArgs: object): Topics {
  const gaxOpts = { timeout: PUBLISH_TIMEOUT_MS, retry: null, otherArgs };
  const options = { messageOrdering: ordered, gaxOpts };
  return {
    atOnce: pubsub.topic(topic, { ...options, batching: { maxMessages: 1 } }),
    together: pubsub.topic(topic, { ...options, batching: { maxMilliseconds: 2 } }),
  };
}
