import { EmulatorFixture } from '../infra/local/storage/emulator-fixture.ts';
import { describeStorage } from './storage/describe-storage.ts';
import { EXCEPTIONS } from './storage/exceptions.ts';

describe('the contract of Cloud Storage', () => {
  const fixture = new EmulatorFixture();
  describeStorage('our storage emulator', () => fixture, EXCEPTIONS.emulator);
});
