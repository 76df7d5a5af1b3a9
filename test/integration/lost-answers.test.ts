import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Enforced } from '../support/grants.ts';
import { EICAR, eventually, Service } from '../support/service.ts';

describe('an upload whose bytes are stored without an answer', () => {
  const service = new Service(
    {},
    {
      adapt: (spec) =>
        spec.name === 'storage' ? { ...spec, env: { ...spec.env, BACKOFF_MS: '50-500' } } : spec,
    },
  );
  const enforced = new Enforced(service);
  beforeEach(() => enforced.forget());
  afterEach(() => service.clearFaults());

  const streamed = (bytes: Uint8Array) => new Blob([Buffer.from(bytes)]).stream();
  for (const [what, bodyOf] of [
    ['of a known length', (bytes: Buffer<ArrayBuffer>) => bytes],
    ['of an unknown length', streamed],
  ] as const) {
    for (const [lost, effect] of [
      ['reset', { kind: 'reset', when: 'after' }],
      ['refused', { kind: 'error', status: 503, when: 'after' }],
    ] as const) {
      it(`is one file, though the account may not read it: ${what}, ${lost}`, async () => {
        // The scanner would delete the object before the next try, which could then be made again.
        await service.fault({ operation: 'notify', effect: { kind: 'error', status: 503 } });
        await service.fault({ operation: 'objects.insert', bucket: 'unscanned', nth: 1, effect });
        const bytes = randomBytes(1_000);
        const { id } = await service.upload(bodyOf(bytes));
        assert.deepEqual(await service.names('unscanned'), [id]);
        assert.deepEqual(await enforced.refusals(), []);
        await service.clearFaults();
        assert.equal((await service.decided(id)).state, 'clean');
        const download = await service.call('GET', `/files/${id}`);
        assert.ok(Buffer.from(await download.arrayBuffer()).equals(bytes));
        await eventually(async () => (await service.names('unscanned')).length === 0);
      });
    }
  }

  it('is infected where it is malware, scanned before the next try', async () => {
    await service.fault({
      operation: 'objects.insert',
      bucket: 'unscanned',
      nth: 1,
      effect: { kind: 'error', status: 503, retryAfter: 3, when: 'after' },
    });
    const { id } = await service.upload(EICAR);
    assert.equal((await service.decided(id)).state, 'infected');
    await eventually(async () => (await service.names('unscanned')).length === 0);
    assert.equal((await service.call('GET', `/files/${id}`)).status, 410);
  });
});
