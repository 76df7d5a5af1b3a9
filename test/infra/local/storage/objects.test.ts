import assert from 'node:assert/strict';
import { BUCKET, EmulatorFixture, objectPath } from './emulator-fixture.ts';

describe('storage emulator: object metadata', () => {
  const fixture = new EmulatorFixture();
  const patch = (name: string, json: unknown, query = '') =>
    fixture.call('PATCH', `${objectPath(name)}?${query}`, { json });

  it('merges a PATCH: null clears, numbers become strings, what a client echoes is ignored', async () => {
    const stored = await fixture.put('merge', 'x');
    await patch('merge', { metadata: { a: '1', b: '2' }, cacheControl: 'no-store' });
    const reply = await patch('merge', {
      ...stored,
      unknown: { field: 1 },
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

  it('replaces everything with a PUT', async () => {
    await fixture.put('replace', 'x');
    await patch('replace', { metadata: { a: '1' }, contentLanguage: 'nb' });
    const json = { metadata: { z: '1' }, contentType: 'text/plain' };
    const resource = (await fixture.call('PUT', objectPath('replace'), { json })).ok();
    assert.deepEqual(resource['metadata'], { z: '1' });
    assert.equal(resource['contentLanguage'], undefined);
  });

  it('keeps 8 KiB of metadata and refuses a byte more', async () => {
    await fixture.put('limit', 'x');
    // Two bytes a letter in UTF-8, and one for the key.
    const metadata = { k: 'ø'.repeat(4095) };
    assert.equal((await patch('limit', { metadata })).status, 200);
    assert.equal((await patch('limit', { metadata: { l: 'x' } })).status, 400);
  });

  it('lets one of two writers of the same metageneration win', async () => {
    await fixture.put('swap', 'x');
    const writes = ['one', 'two'].map((by) => patch('swap', { metadata: { by } }, 'ifMetagenerationMatch=1'));
    const statuses = (await Promise.all(writes)).map((reply) => reply.status).sort();
    assert.deepEqual(statuses, [200, 412]);
  });

  it('holds all four preconditions on reading, patching and deleting', async () => {
    const { generation } = await fixture.put('conditions', 'x');
    for (const [query, read, write] of [
      [`ifGenerationMatch=${generation}`, 200, 200],
      ['ifGenerationMatch=0', 412, 412],
      [`ifGenerationNotMatch=${generation}`, 304, 412],
      ['ifMetagenerationMatch=99', 412, 412],
    ] as const) {
      assert.equal((await fixture.call('GET', `${objectPath('conditions')}?${query}`)).status, read, query);
      assert.equal((await patch('conditions', {}, query)).status, write, query);
    }
    const path = objectPath('conditions');
    assert.equal(
      (await fixture.call('DELETE', `${path}?ifMetagenerationMatch=99`)).refusal,
      '412 conditionNotMet',
    );
    assert.equal((await fixture.call('DELETE', `${path}?ifMetagenerationNotMatch=2`)).status, 412);
    assert.equal((await fixture.call('DELETE', `${path}?generation=1`)).status, 404);
    assert.equal((await fixture.call('DELETE', `${path}?generation=${generation}`)).status, 204);
    const gone = await fixture.call('DELETE', path);
    assert.equal(gone.refusal, '404 notFound');
    assert.match(gone.text, new RegExp(`No such object: ${BUCKET}/conditions`));
  });

  it('holds preconditions on an upload: 0 means that there must be none', async () => {
    const { generation } = await fixture.put('once', 'x', '&ifGenerationMatch=0');
    await assert.rejects(fixture.put('once', 'y', '&ifGenerationMatch=0'), /412/);
    await assert.rejects(fixture.put('once', 'y', '&ifMetagenerationMatch=2'), /412/);
    await assert.rejects(fixture.put('once', 'y', `&ifGenerationNotMatch=${generation}`), /412/);
    await fixture.put('once', 'y', `&ifGenerationMatch=${generation}`);
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
