import { EmulatorFixture } from '../infra/emulators/storage/emulator-fixture.ts';
import { UNHURRIED } from '../shared/storage/streams.ts';
import { describeStorage } from './storage/describe-storage.ts';

describe('the contract of Cloud Storage', () => {
  const fixture = new EmulatorFixture({ mutationLimit: UNHURRIED });
  describeStorage('our storage emulator', 'emulator', () => fixture);
});
