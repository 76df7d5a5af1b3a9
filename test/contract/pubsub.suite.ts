import { describePubSub } from './pubsub/describe-pubsub.ts';
import { GOOGLE_EMULATOR_EXCEPTIONS } from './pubsub/exceptions.ts';
import { readTarget } from './target.ts';

const { pubsub } = readTarget();
if (pubsub) {
  const ours = pubsub.kind === 'ours';
  const running = { host: pubsub.host, stop: async () => undefined };
  const name = `Pub/Sub at ${pubsub.host} (${ours ? 'our' : "Google's"} emulator)`;
  describePubSub(name, async () => running, ours ? {} : GOOGLE_EMULATOR_EXCEPTIONS);
}
