import assert from 'node:assert/strict';
import { BUCKET, EmulatorFixture, objectPath } from '../emulator-fixture.ts';

describe('storage emulator: buckets', () => {
  let now = Date.now();
  const fixture = new EmulatorFixture({ now: () => now });
  const create = (name: string, rest = {}) =>
    fixture.call('POST', '/storage/v1/b?project=p', { json: { name, ...rest } });

  it('creates, lists, configures and deletes', async () => {
    const bucket = (await create('made', { labels: { a: 'b', c: 'd' } })).ok();
    assert.equal(bucket.kind, 'storage#bucket');
    assert.equal((await create('made')).refusal, '409 conflict');
    assert.equal((await create('UPPER')).status, 400);
    const listed = (await fixture.call('GET', '/storage/v1/b?project=p&prefix=ma')).ok();
    assert.deepEqual(listed['items'], [bucket]);
    const patched = await fixture.call('PATCH', '/storage/v1/b/made', {
      json: { labels: { a: null, e: 'f' } },
    });
    assert.deepEqual(patched.ok()['labels'], { c: 'd', e: 'f' });
    assert.equal(patched.json.metageneration, '2');
    const layout = await fixture.call('GET', '/storage/v1/b/made/storageLayout');
    assert.equal(layout.ok().kind, 'storage#storageLayout');
    assert.equal((await fixture.call('GET', '/storage/v1/b/made/managedFolders')).status, 200);
    assert.equal((await fixture.call('DELETE', '/storage/v1/b/made')).status, 204);
    assert.equal((await fixture.call('GET', '/storage/v1/b/made')).refusal, '404 notFound');
  });

  it('keeps a bucket that has objects', async () => {
    await fixture.put('x', 'x');
    assert.equal((await fixture.call('DELETE', `/storage/v1/b/${BUCKET}`)).refusal, '409 conflict');
  });

  it('does not pretend to keep versions', async () => {
    assert.equal((await create('versioned', { versioning: { enabled: true } })).status, 400);
  });

  it('forbids deletion and overwriting until the retention period is over; metadata stay editable', async () => {
    await create('retained', { retentionPolicy: { retentionPeriod: '60' } });
    const path = objectPath('kept', 'retained');
    const upload = '/upload/storage/v1/b/retained/o?uploadType=media&name=kept';
    const { timeCreated, retentionExpirationTime } = (await fixture.call('POST', upload, { body: 'x' })).ok();
    assert.equal(Date.parse(String(retentionExpirationTime)), Date.parse(String(timeCreated)) + 60_000);
    assert.equal((await fixture.call('DELETE', path)).refusal, '403 retentionPolicyNotMet');
    assert.equal((await fixture.call('POST', upload, { body: 'y' })).refusal, '403 retentionPolicyNotMet');
    assert.equal((await fixture.call('PATCH', path, { json: { metadata: { a: 'b' } } })).status, 200);
    now += 60_001;
    assert.equal((await fixture.call('POST', upload, { body: 'y' })).status, 200);
    now += 60_001;
    assert.equal((await fixture.call('DELETE', path)).status, 204);
  });

  it('deletes by its lifecycle rules what no hold and no retention policy keeps', async () => {
    const condition = { age: 2, daysSinceCustomTime: 1, matchesPrefix: ['old/'] };
    const lifecycle = { rule: [{ action: { type: 'Delete' }, condition }] };
    await create('aging', { lifecycle });
    await create('aging-kept', { lifecycle, retentionPolicy: { retentionPeriod: 5 * 86_400 } });
    const insert = (bucket: string, name: string) =>
      fixture.call('POST', `/upload/storage/v1/b/${bucket}/o?uploadType=media&name=${name}`, { body: 'x' });
    const change = async (name: string, json: object) =>
      (await fixture.call('PATCH', objectPath(name, 'aging'), { json })).ok();
    for (const name of ['old/1', 'old/2', 'old/held', 'old/unmarked', 'new/1']) await insert('aging', name);
    await insert('aging-kept', 'old/1');
    const customTime = new Date(now).toISOString();
    for (const name of ['old/1', 'old/2', 'old/held', 'new/1']) await change(name, { customTime });
    await fixture.call('PATCH', objectPath('old/1', 'aging-kept'), { json: { customTime } });
    await change('old/held', { temporaryHold: true });
    await change('old/2', { customTime: new Date(now + 86_400_001).toISOString() });
    const apply = async () => (await fixture.call('POST', '/_emulator/lifecycle')).json['deleted'];
    now += 2 * 86_400_000 - 1;
    assert.equal(await apply(), 0);
    now += 1;
    assert.equal(await apply(), 1);
    now += 1;
    assert.equal(fixture.emulator.applyLifecycle(), 1);
    const left = (await fixture.call('GET', '/storage/v1/b/aging/o')).ok()['items'] as { name: string }[];
    assert.deepEqual(
      left.map(({ name }) => name),
      ['new/1', 'old/held', 'old/unmarked'],
    );
    await change('old/held', { temporaryHold: false });
    now += 5 * 86_400_000;
    assert.equal(await apply(), 2);
  });

  it('moves a custom time forward only', async () => {
    await fixture.put('timed', 'x');
    const patch = (customTime: unknown, method = 'PATCH') =>
      fixture.call(method, objectPath('timed'), { json: { customTime } });
    assert.equal((await patch(null)).status, 200);
    assert.equal((await patch('yesterday')).refusal, '400 invalid');
    assert.equal((await patch('2026-01-02T00:00:00Z')).ok()['customTime'], '2026-01-02T00:00:00.000Z');
    for (const method of ['PATCH', 'PUT']) {
      assert.equal((await patch('2026-01-01T00:00:00Z', method)).refusal, '400 invalid');
      assert.equal((await patch(null, method)).refusal, '400 invalid');
    }
    const update = await fixture.call('PUT', objectPath('timed'), { json: {} });
    assert.equal(update.ok()['customTime'], '2026-01-02T00:00:00.000Z');
    assert.equal((await patch('2026-01-03T00:00:00Z')).ok()['customTime'], '2026-01-03T00:00:00.000Z');
  });

  it('forbids both while an object is held; retention counts from the release of an event-based hold', async () => {
    await create('held', { retentionPolicy: { retentionPeriod: 60 } });
    const path = objectPath('x', 'held');
    await fixture.call('POST', '/upload/storage/v1/b/held/o?uploadType=media&name=x', { body: 'x' });
    await fixture.call('PATCH', path, { json: { eventBasedHold: true, temporaryHold: true } });
    now += 120_000;
    assert.equal((await fixture.call('DELETE', path)).refusal, '403 objectUnderActiveHold');
    await fixture.call('PATCH', path, { json: { temporaryHold: false } });
    assert.equal((await fixture.call('DELETE', path)).refusal, '403 objectUnderActiveHold');
    await fixture.call('PATCH', path, { json: { eventBasedHold: false } });
    assert.equal((await fixture.call('DELETE', path)).refusal, '403 retentionPolicyNotMet');
    now += 60_001;
    assert.equal((await fixture.call('DELETE', path)).status, 204);
  });

  it('answers 404 to what no operation is', async () => {
    assert.equal((await fixture.call('POST', '/storage/v1/b/contract/o/x')).status, 404);
    assert.equal((await fixture.call('GET', '/nothing')).status, 404);
    assert.equal((await fixture.call('GET', '/storage/v1/b/contract/o/%zz')).status, 400);
  });
});
