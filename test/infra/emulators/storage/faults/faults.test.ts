import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { BUCKET, EmulatorFixture, objectPath, until } from '../emulator-fixture.ts';

describe('storage emulator: faults and counts', () => {
  const now = Date.now();
  const fixture = new EmulatorFixture({ now: () => now });
  const bytes = randomBytes(1_500_000);
  const status = async (name: string, query = '') =>
    (await fixture.call('GET', `${objectPath(name)}?${query}`)).status;

  beforeEach(() => fixture.put('object', bytes));
  afterEach(() => fixture.emulator.faults.clear());

  it('refuses as many calls from the nth on as ordered, and counts them', async () => {
    const matches = fixture.emulator.faults.add({
      operation: 'objects.get',
      bucket: BUCKET,
      namePrefix: 'obj',
      nth: 2,
      times: 2,
      effect: { kind: 'error', status: 503, reason: 'backendError', retryAfter: 7 },
    });
    await fixture.put('another', 'x');
    assert.deepEqual([await status('another'), await status('object')], [200, 200]);
    const refused = await fixture.call('GET', objectPath('object'));
    assert.equal(refused.refusal, '503 backendError');
    assert.equal(refused.headers.get('retry-after'), '7');
    assert.deepEqual([await status('object'), await status('object')], [503, 200]);
    assert.equal(matches(), 4);
  });

  it('cuts before an operation takes effect, or after it did', async () => {
    const { faults } = fixture.emulator;
    faults.add({ operation: 'objects.insert', nth: 1, effect: { kind: 'reset', when: 'before' } });
    await assert.rejects(fixture.put('before', 'x'));
    assert.equal(await status('before'), 404);
    faults.add({ operation: 'objects.insert', nth: 1, effect: { kind: 'reset', when: 'after' } });
    await assert.rejects(fixture.put('after', 'x'));
    assert.equal(await status('after'), 200);
    faults.add({
      operation: 'objects.delete',
      nth: 1,
      effect: { kind: 'error', status: 500, when: 'after' },
    });
    assert.equal((await fixture.call('DELETE', objectPath('after'))).status, 500);
    assert.equal(await status('after'), 404);
  });

  it('cuts a media answer short, or flips a bit of it', async () => {
    const { faults } = fixture.emulator;
    for (const length of [0, 10, 1_400_000]) {
      faults.add({ operation: 'objects.getMedia', nth: 1, effect: { kind: 'truncate', bytes: length } });
      const response = await fetch(`${fixture.url}${objectPath('object')}?alt=media`);
      assert.equal(response.headers.get('content-length'), String(bytes.length));
      let received = 0;
      await assert.rejects(async () => {
        for await (const chunk of response.body ?? []) received += chunk.length;
      });
      assert.equal(received, length);
    }
    faults.add({ operation: 'objects.getMedia', nth: 1, effect: { kind: 'corrupt' } });
    const media = (await fixture.call('GET', `${objectPath('object')}?alt=media`)).bytes;
    assert.equal(media.length, bytes.length);
    assert.equal(media.filter((byte, at) => byte !== bytes[at]).length, 1);
    assert.deepEqual((await fixture.call('GET', `${objectPath('object')}?alt=media`)).bytes, bytes);
  });

  it('stalls until the client goes away', async () => {
    fixture.emulator.faults.add({ operation: 'objects.patch', effect: { kind: 'stall' } });
    const abort = new AbortController();
    const patch = fetch(fixture.url + objectPath('object'), {
      method: 'PATCH',
      body: '{}',
      signal: abort.signal,
    });
    await until(() => fixture.emulator.operations.of('objects.patch').calls === 1);
    abort.abort();
    await assert.rejects(patch);
    await until(() => fixture.emulator.operations.of('objects.patch').errors === 1);
  });

  it('delays, and stops at once although a delay is under way', async () => {
    fixture.emulator.faults.add({ operation: 'objects.get', effect: { kind: 'delay', ms: 3_600_000 } });
    fixture.emulator.operations.reset();
    const delayed = assert.rejects(fixture.call('GET', objectPath('object')));
    await until(() => fixture.emulator.operations.of('objects.get').calls === 1);
    await fixture.restart();
    await delayed;
    fixture.emulator.faults.add({ operation: 'objects.get', effect: { kind: 'delay', ms: 1 } });
    assert.equal(await status('object'), 200);
  });

  it('ends a delay when the faults are cleared', async () => {
    const { faults, operations } = fixture.emulator;
    faults.add({ operation: 'objects.get', effect: { kind: 'delay', ms: 3_600_000 } });
    operations.reset();
    const delayed = status('object');
    await until(() => operations.of('objects.get').calls === 1);
    faults.clear();
    assert.equal(await delayed, 200);
  });

  it('strikes a chunk by the name of its session, and a rewrite by source or destination', async () => {
    const { faults } = fixture.emulator;
    const uri = await fixture.session('', { json: { name: 'session/x' } });
    const effect = { kind: 'error', status: 500 } as const;
    faults.add({ operation: 'resumable.chunk', namePrefix: 'session/', nth: 1, effect });
    assert.equal((await fixture.call('PUT', uri, { body: 'x' })).status, 500);
    assert.equal((await fixture.call('PUT', uri, { body: 'x' })).status, 200);
    faults.add({ operation: 'objects.rewrite', namePrefix: 'to', nth: 1, effect });
    const path = `${objectPath('object')}/rewriteTo/b/${BUCKET}/o/to`;
    assert.deepEqual(
      [(await fixture.call('POST', path)).status, (await fixture.call('POST', path)).status],
      [500, 200],
    );
  });

  it('is ordered over HTTP too, and refuses what is no rule', async () => {
    const order = (json: unknown) => fixture.call('POST', '/_emulator/faults', { json });
    assert.equal(
      (await order({ operation: 'objects.get', effect: { kind: 'error', status: 500 } })).status,
      204,
    );
    assert.equal(await status('object'), 500);
    assert.equal((await order({ operation: 'objects.got', effect: { kind: 'stall' } })).status, 400);
    assert.equal((await order({ operation: 'objects.get', effect: { kind: 'explode' } })).status, 400);
    assert.equal((await order({ operation: 'objects.get', effect: { kind: 'stall' }, typo: 1 })).status, 400);
    assert.equal((await fixture.call('DELETE', '/_emulator/faults')).status, 204);
    assert.equal(await status('object'), 200);
  });

  it('counts operations by price class, with bytes in and out; failures cost nothing', async () => {
    assert.equal((await fixture.call('DELETE', '/_emulator/operations')).status, 204);
    const uri = await fixture.session('name=counted');
    await fixture.call('PUT', uri, { body: bytes });
    await fixture.call('GET', `${objectPath('counted')}?alt=media`, { headers: { range: 'bytes=0-99' } });
    await status('counted');
    await status('missing');
    await fixture.call('DELETE', objectPath('counted'));
    const reply = await fixture.call('GET', '/_emulator/operations');
    const report: ReturnType<typeof fixture.emulator.operations.report> = JSON.parse(reply.text);
    assert.deepEqual(report, fixture.emulator.operations.report());
    assert.deepEqual(report.classes, { A: 1, B: 2, free: 2 });
    assert.equal(report.operations['resumable.chunk']?.bytesIn, bytes.length);
    assert.equal(report.operations['objects.getMedia']?.bytesOut, 100);
    assert.deepEqual(
      [report.operations['objects.get']?.calls, report.operations['objects.get']?.errors],
      [2, 1],
    );
  });

  it('strikes the requests of a retry test alone, as often as it was ordered to', async () => {
    const create = (instructions: unknown) => fixture.call('POST', '/retry_test', { json: { instructions } });
    const order = await create({ 'storage.objects.get': ['return-503'] });
    const { id } = JSON.parse(order.text) as { id: string };
    const get = async (test: string) =>
      (await fixture.call('GET', objectPath('object'), { headers: { 'x-retry-test-id': test } })).status;
    assert.equal(await status('object'), 200);
    assert.deepEqual([await get(id), await get(id)], [503, 200]);
    assert.equal(JSON.parse((await fixture.call('GET', `/retry_test/${id}`)).text).completed, true);
    assert.equal((await fixture.call('DELETE', `/retry_test/${id}`)).status, 200);
    assert.deepEqual([await get(id), await get('unknown')], [404, 404]);
    assert.equal((await create({ 'storage.objects.get': ['return-999'] })).status, 400);
    assert.equal((await create({ 'storage.objects.get': 'return-503' })).status, 400);
    assert.equal((await create(null)).status, 400);
    assert.deepEqual(JSON.parse((await fixture.call('GET', '/retry_tests')).text), { retry_test: [] });
  });
});
