import assert from 'node:assert/strict';
import type { Cases } from '../cases.ts';
import type { Reply } from './http.ts';
import type { StorageSubject } from './subject.ts';

const patch = (subject: StorageSubject, name: string, json: unknown, query = ''): Promise<Reply> =>
  subject.call('PATCH', `${subject.path(name)}?${query}`, { json });

/** Custom metadata without the notes of Google's storage-testbench. */
const custom = (resource: { readonly [field: string]: unknown }): Record<string, string> =>
  Object.fromEntries(
    Object.entries((resource['metadata'] ?? {}) as Record<string, string>).filter(
      ([key]) => !/^x_(emulator|testbench)_/.test(key),
    ),
  );

/** https://cloud.google.com/storage/docs/json_api/v1/objects */
export function objectMetadata(cases: Cases<StorageSubject>): void {
  cases('object: merges a PATCH, null clears', async (subject) => {
    const stored = await subject.put('merge', 'x');
    await patch(subject, 'merge', { metadata: { a: '1', b: '2' }, cacheControl: 'no-store' });
    const reply = await patch(subject, 'merge', { cacheControl: null, metadata: { a: null, c: '3' } });
    const resource = reply.ok();
    assert.deepEqual(custom(resource), { b: '2', c: '3' });
    assert.equal(resource['cacheControl'] ?? '', '');
    assert.equal(resource.size, '1');
    assert.equal(resource.generation, stored.generation);
    assert.equal(resource.metageneration, '3');
    assert.notEqual(resource['etag'], stored['etag']);
  });

  cases('object: ignores what a client echoes in a PATCH', async (subject) => {
    const stored = await subject.put('echo', 'x');
    const resource = (await patch(subject, 'echo', { ...stored, size: '99', cacheControl: 'no-store' })).ok();
    assert.equal(resource['cacheControl'], 'no-store');
    assert.equal(resource.size, '1');
    assert.equal(resource.metageneration, '2');
  });

  cases('object: turns numbers in custom metadata into strings', async (subject) => {
    await subject.put('numbers', 'x');
    assert.deepEqual(custom((await patch(subject, 'numbers', { metadata: { c: 3, d: true } })).ok()), {
      c: '3',
      d: 'true',
    });
  });

  cases('object: replaces everything with a PUT', async (subject) => {
    await subject.put('replace', 'x');
    await patch(subject, 'replace', { metadata: { a: '1' }, contentLanguage: 'nb' });
    const json = { metadata: { z: '1' }, contentType: 'text/plain' };
    const resource = (await subject.call('PUT', subject.path('replace'), { json })).ok();
    assert.deepEqual(custom(resource), { z: '1' });
    assert.equal(resource['contentLanguage'] ?? '', '');
  });

  cases('object: keeps 8 KiB of custom metadata', async (subject) => {
    await subject.put('limit', 'x');
    // Two bytes a letter in UTF-8, and one for the key; what an endpoint adds itself needs room too.
    assert.equal((await patch(subject, 'limit', { metadata: { k: 'ø'.repeat(4095) } })).status, 200);
  });

  cases('object: refuses more than 8 KiB of custom metadata', async (subject) => {
    await subject.put('over', 'x');
    assert.equal((await patch(subject, 'over', { metadata: { k: 'ø'.repeat(4096) } })).status, 400);
  });

  cases('object: lets one of two writers of the same metageneration win', async (subject) => {
    await subject.put('swap', 'x');
    const writes = ['one', 'two'].map((by) =>
      patch(subject, 'swap', { metadata: { by } }, 'ifMetagenerationMatch=1'),
    );
    const statuses = (await Promise.all(writes)).map((reply) => reply.status).sort();
    assert.deepEqual(statuses, [200, 412]);
  });

  for (const [condition, value, read, write] of [
    ['ifGenerationMatch', 'its', 200, 200],
    ['ifGenerationMatch', '0', 412, 412],
    ['ifGenerationNotMatch', 'its', 304, 412],
    ['ifMetagenerationMatch', '99', 412, 412],
  ] as const) {
    const title = `${condition}=${value === 'its' ? 'its generation' : value}`;
    cases(`object: answers ${read} to a read with ${title}`, async (subject) => {
      const { generation } = await subject.put(`read ${title}`, 'x');
      const query = `${condition}=${value === 'its' ? generation : value}`;
      assert.equal((await subject.call('GET', `${subject.path(`read ${title}`)}?${query}`)).status, read);
    });
    cases(`object: answers ${write} to a PATCH with ${title}`, async (subject) => {
      const { generation } = await subject.put(`write ${title}`, 'x');
      const query = `${condition}=${value === 'its' ? generation : value}`;
      assert.equal(
        (await patch(subject, `write ${title}`, { cacheControl: 'no-store' }, query)).status,
        write,
      );
    });
  }

  cases('object: deletes only under its preconditions', async (subject) => {
    const { generation } = await subject.put('conditions', 'x');
    const path = subject.path('conditions');
    assert.equal((await subject.call('DELETE', `${path}?ifMetagenerationMatch=99`)).status, 412);
    assert.equal((await subject.call('DELETE', `${path}?generation=1`)).status, 404);
    assert.ok((await subject.call('DELETE', `${path}?generation=${generation}`)).status < 300);
    assert.equal((await subject.call('DELETE', path)).status, 404);
    assert.equal((await subject.call('GET', path)).status, 404);
  });

  cases('object: answers 204 to a deletion', async (subject) => {
    await subject.put('deleted', 'x');
    assert.equal((await subject.call('DELETE', subject.path('deleted'))).status, 204);
  });

  cases(
    'object: overwrites only under its preconditions; 0 means that there must be none',
    async (subject) => {
      const { generation } = await subject.put('once', 'x', '&ifGenerationMatch=0');
      await assert.rejects(subject.put('once', 'y', '&ifGenerationMatch=0'), /412/);
      await assert.rejects(subject.put('once', 'y', '&ifMetagenerationMatch=2'), /412/);
      await subject.put('once', 'y', `&ifGenerationMatch=${generation}`);
    },
  );

  cases('object: keeps what is held', async (subject) => {
    await subject.put('held', 'x');
    await patch(subject, 'held', { temporaryHold: true });
    assert.equal((await subject.call('DELETE', subject.path('held'))).refusal, '403 objectUnderActiveHold');
  });

  cases('object: refuses a body that is not JSON', async (subject) => {
    await subject.put('json', 'x');
    const headers = { 'content-type': 'application/json' };
    assert.equal((await subject.call('PATCH', subject.path('json'), { body: '{', headers })).status, 400);
  });

  cases('object: names the reason of a refusal', async (subject) => {
    await subject.put('reason', 'x');
    const path = subject.path('reason');
    assert.equal((await subject.call('GET', subject.path('none'))).refusal, '404 notFound');
    assert.equal(
      (await subject.call('DELETE', `${path}?ifMetagenerationMatch=99`)).refusal,
      '412 conditionNotMet',
    );
  });
}
