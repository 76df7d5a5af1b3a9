import { EmulatorFixture } from '../infra/emulators/storage/emulator-fixture.ts';
import { describeMainJob } from './main-job/describe-main-job.ts';

describe('the main job on an endpoint from outside', () => {
  const fixture = new EmulatorFixture();
  // The same faults strike the service in test/faults.
  describeMainJob('our storage emulator', 'none', () => fixture.url);
});
