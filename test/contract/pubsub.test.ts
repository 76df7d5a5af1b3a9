import { startPubSubEmulator } from '../../infra/emulators/pubsub/src/emulator.ts';
import { describePubSub } from './pubsub/describe-pubsub.ts';
import { GOOGLE_EMULATOR_EXCEPTIONS } from './pubsub/exceptions.ts';
import { findGoogleEmulator, startGoogleEmulator } from './pubsub/google-emulator.ts';

describePubSub('the embedded Pub/Sub emulator', () => startPubSubEmulator());

const script = await findGoogleEmulator();
if (script) {
  describePubSub("Google's Pub/Sub emulator", () => startGoogleEmulator(script), GOOGLE_EMULATOR_EXCEPTIONS);
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
