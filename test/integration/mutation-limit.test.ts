import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { EICAR, Service } from '../support/service.ts';

describe('the main job with one mutation a second to a name', function () {
  this.timeout(180_000);
  const service = new Service({ MUTATION_LIMIT: 'on' });

  it('comes to the right end for every file, and takes longer', async () => {
    const small = Array.from({ length: 6 }, () => randomBytes(10_000));
    const large = randomBytes(12 * 1024 * 1024);
    const contents = [...small, large];
    const clean = await Promise.all(contents.map((bytes) => service.upload(bytes)));
    const again = await service.upload(large);
    const infected = await service.upload(EICAR);
    const handles = await Promise.all([...clean, again].map(({ id }) => service.decided(id)));
    assert.deepEqual(
      handles.map(({ state }) => state),
      handles.map(() => 'clean'),
    );
    assert.equal((await service.decided(infected.id)).state, 'infected');
    for (const [index, { id }] of clean.entries()) {
      const response = await service.call('GET', `/files/${id}`);
      const received = Buffer.from(await response.arrayBuffer());
      assert.equal(hash(received), hash(contents[index] ?? assert.fail()));
    }
    // One after the other, so that each is a mutation of its own.
    for (const viewer of ['org:123456785', 'org:974760673', 'org:971524960']) {
      const granted = await service.call('PUT', `/files/${clean[0]?.id}/viewers/${viewer}`);
      assert.ok(granted.ok, String(granted.status));
    }
    const { mutationsRefused } = await service.operations();
    console.log(`      ${mutationsRefused} mutations of ${handles.length + 1} files were answered with 429`);
    assert.ok(mutationsRefused > 0, 'each waits for the second of the one before');
  });
});

const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
