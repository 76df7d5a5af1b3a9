import { describePubSub } from '../infra/local/pubsub/describe-pubsub.ts';
import { GOOGLE_EMULATOR_EXCEPTIONS } from '../infra/local/pubsub/exceptions.ts';
import { readTarget } from './target.ts';

const { pubsub } = readTarget(process.env);
if (pubsub !== undefined) {
  // Only ours takes orders for faults.
  const ours = (await fetch(`http://${pubsub}/_emulator/faults`)).status !== 404;
  const exceptions = ours ? {} : GOOGLE_EMULATOR_EXCEPTIONS;
  const running = { host: pubsub, stop: async () => undefined };
  describePubSub(
    `Pub/Sub at ${pubsub} (${ours ? 'ours' : "Google's emulator"})`,
    async () => running,
    exceptions,
  );
}
