import assert from 'node:assert/strict';
import { EmulatorFixture, objectPath } from '../emulator-fixture.ts';

describe('storage emulator: object metadata', () => {
  const fixture = new EmulatorFixture();
  const patch = (name: string, json: unknown, query = '') =>
    fixture.call('PATCH', `${objectPath(name)}?${query}`, { json });

  it('merges a PATCH: null clears, numbers become strings, what a client echoes is ignored', async () => {
    const stored = await fixture.put('merge', 'x');
    await patch('merge', { metadata: { a: '1', b: '2' }, cacheControl: 'no-store' });
    const reply = await patch('merge', {
      ...stored,
      size: '99',
      cacheControl: null,
      metadata: { a: null, c: 3, d: true },
    });
    const resource = reply.ok();
    assert.deepEqual(resource['metadata'], { b: '2', c: '3', d: 'true' });
    assert.equal(resource['cacheControl'], undefined);
    assert.equal(resource.size, '1');
    assert.equal(resource.generation, stored.generation);
    assert.equal(resource.metageneration, '3');
    assert.notEqual(resource['etag'], stored['etag']);
    assert.equal((await patch('merge', { metadata: null })).ok()['metadata'], undefined);
  });

  it('refuses a resource of megabytes, and says so although it did not read it all', async () => {
    const json = { metadata: { k: 'x'.repeat(20_000_000) } };
    assert.equal((await fixture.call('PATCH', objectPath('any'), { json })).refusal, '400 invalid');
  });

  it('refuses JSON that is none', async () => {
    await fixture.put('json', 'x');
    const headers = { 'content-type': 'application/json' };
    for (const body of [
      '{',
      '[]',
      '"text"',
      '{"metadata":1}',
      '{"metadata":{"a":{}}}',
      '{"contentType":1}',
    ]) {
      assert.equal((await fixture.call('PATCH', objectPath('json'), { body, headers })).status, 400, body);
    }
    assert.equal((await fixture.call('PATCH', objectPath('json'), { body: 'null', headers })).status, 200);
  });
});
