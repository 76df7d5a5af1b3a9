import { startPubSubEmulator } from '../../../../infra/local/pubsub/emulator.ts';
import { describePubSub } from './describe-pubsub.ts';
import { findGoogleEmulator, startGoogleEmulator } from './google-emulator.ts';

describePubSub('the embedded Pub/Sub emulator', () => startPubSubEmulator());

const script = await findGoogleEmulator();
if (script) {
  describePubSub("Google's Pub/Sub emulator", () => startGoogleEmulator(script), {
    'lets only through what the filter of a subscription matches': 'it ignores filters',
    'refuses a filter that does not parse': 'it ignores filters',
    'repeats what follows in an ordering key when it repeats a refused message':
      'it repeats only the refused message',
    'moves a message of an ordering key to the dead letter topic and goes on':
      'it loses the message after the fifth attempt',
    'takes 102, 200, 201, 202 and 204 for acknowledgements, and redirects for refusals':
      'it takes 202 for a refusal',
    'pushes the ordering key and, with a dead letter policy, the delivery attempt':
      'its push bodies lack both',
    'lets through the events that a documented filter asks for': 'it ignores filters',
    'pushes with a bearer token where the subscription names a service account': 'it sends no token',
  });
} else {
  describe("Google's Pub/Sub emulator", () => {
    it('keeps the same promises', function () {
      console.warn(
        "SKIPPED: Google's Pub/Sub emulator is not installed (gcloud components install pubsub-emulator)",
      );
      this.skip();
    });
  });
}
