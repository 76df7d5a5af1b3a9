import { PubSub, v1 } from '@google-cloud/pubsub';
import { ChannelCredentials } from '@grpc/grpc-js';
import {
  createPublisher,
  type Publisher,
  type PublisherOptions,
} from '../../../../shared/events/publisher.ts';

// The library looks for credentials in the cloud's metadata service even when it talks to an emulator.
process.env['METADATA_SERVER_DETECTION'] ??= 'none';

/** The client library as a program would have it: all it is told is PUBSUB_EMULATOR_HOST. */
export function clientOf(host: string): PubSub {
  const before = process.env['PUBSUB_EMULATOR_HOST'];
  process.env['PUBSUB_EMULATOR_HOST'] = host;
  try {
    return new PubSub({ projectId: 'p' });
  } finally {
    restore(before);
  }
}

/** The publisher of the functions. */
export async function publisherOf(
  host: string,
  topic: string,
  options: PublisherOptions = {},
): Promise<Publisher> {
  const publisher = createPublisher('p', topic, options);
  const before = process.env['PUBSUB_EMULATOR_HOST'];
  process.env['PUBSUB_EMULATOR_HOST'] = host;
  try {
    await publisher.load();
  } finally {
    restore(before);
  }
  return publisher;
}

function restore(before: string | undefined): void {
  if (before === undefined) delete process.env['PUBSUB_EMULATOR_HOST'];
  else process.env['PUBSUB_EMULATOR_HOST'] = before;
}

/** The generated client beneath it, which shows the calls as they are. */
export function subscriberOf(host: string): v1.SubscriberClient {
  const { hostname, port } = new URL(`http://${host}`);
  const sslCreds = ChannelCredentials.createInsecure();
  return new v1.SubscriberClient({ servicePath: hostname, port: Number(port), sslCreds, projectId: 'p' });
}
