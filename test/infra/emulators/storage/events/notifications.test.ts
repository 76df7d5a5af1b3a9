import assert from 'node:assert/strict';
import { parseMainOptions } from '../../../../../infra/emulators/storage/src/main-options.ts';
import { BUCKET, EmulatorFixture, objectPath, until } from '../emulator-fixture.ts';
import { Subscriber } from '../subscriber.ts';

const backoffMs = { min: 2, max: 8 };

describe('storage emulator: finalize notifications', () => {
  const fixture = new EmulatorFixture({ backoffMs });
  let subscriber: Subscriber;
  const idle = () => until(() => fixture.emulator.pendingNotifications === 0);

  beforeEach(async () => {
    subscriber = new Subscriber();
    await fixture.restart({ notifications: [{ bucket: BUCKET, url: await subscriber.url() }] });
  });
  afterEach(() => subscriber.close());

  it('posts a CloudEvent in binary mode with the object resource', async () => {
    const resource = await fixture.put('a b/å.txt', 'x');
    await idle();
    assert.equal(subscriber.deliveries.length, 1);
    const [{ headers, body } = { headers: {}, body: '' }] = subscriber.deliveries;
    assert.equal(headers['ce-type'], 'google.cloud.storage.object.v1.finalized');
    assert.equal(headers['ce-specversion'], '1.0');
    assert.equal(headers['ce-source'], `//storage.googleapis.com/projects/_/buckets/${BUCKET}`);
    assert.equal(headers['ce-subject'], 'objects/a%20b/%C3%A5.txt');
    assert.equal(headers['ce-time'], resource['timeCreated']);
    assert.ok(headers['ce-id']);
    assert.equal(headers['content-type'], 'application/json');
    assert.deepEqual(JSON.parse(body), resource);
  });

  it('tells of rewrites, copies and compositions, not of patches, deletions or other buckets', async () => {
    await fixture.put('source', 'x');
    await fixture.call('POST', `${objectPath('source')}/rewriteTo/b/${BUCKET}/o/rewritten`);
    await fixture.call('POST', `${objectPath('source')}/copyTo/b/${BUCKET}/o/copied`);
    const json = { sourceObjects: [{ name: 'source' }] };
    await fixture.call('POST', `${objectPath('composed')}/compose`, { json });
    await fixture.call('PATCH', objectPath('source'), { json: { metadata: { a: 'b' } } });
    await fixture.call('DELETE', objectPath('source'));
    await fixture.call('POST', '/storage/v1/b', { json: { name: 'quiet' } });
    await fixture.call('POST', '/upload/storage/v1/b/quiet/o?uploadType=media&name=x', { body: 'x' });
    await idle();
    const subjects = subscriber.deliveries.map(({ headers }) => headers['ce-subject']).sort();
    assert.deepEqual(subjects, ['objects/composed', 'objects/copied', 'objects/rewritten', 'objects/source']);
  });

  it('answers the upload without waiting for the subscriber', async () => {
    let answered: (verdict: number) => void = () => undefined;
    subscriber.verdict = () => new Promise((resolve) => (answered = resolve));
    await fixture.put('slow', 'x');
    await until(() => subscriber.deliveries.length === 1);
    assert.equal(fixture.emulator.pendingNotifications, 1);
    answered(200);
    await idle();
  });

  it('repeats with the same id until a 2xx acknowledges', async () => {
    const verdicts = [500, 'cut', 404, 429, 302, 202] as const;
    subscriber.verdict = (_delivery, number) => verdicts[number - 1] ?? 500;
    await fixture.put('stubborn', 'x');
    await idle();
    assert.equal(subscriber.deliveries.length, verdicts.length);
    assert.equal(new Set(subscriber.deliveries.map(({ headers }) => headers['ce-id'])).size, 1);
  });

  it('waits as long as Retry-After says, however short the back-off', async () => {
    const patient = (subject: unknown) => subject === 'objects/patient';
    subscriber.verdict = ({ headers }, number) => {
      if (patient(headers['ce-subject'])) return { status: 503, headers: { 'retry-after': '3600' } };
      return number % 5 === 0 ? 204 : 503;
    };
    await fixture.put('patient', 'x');
    for (let at = 0; at < 5; at += 1) await fixture.put(`hasty/${at}`, 'x');
    await until(() => fixture.emulator.pendingNotifications === 1);
    assert.equal(subscriber.deliveries.filter(({ headers }) => patient(headers['ce-subject'])).length, 1);
    await fixture.restart({ notifications: [] });
    await idle();
  });

  it('keeps to the number of deliveries at a time, and loses none', async () => {
    const released = Promise.withResolvers<number>();
    subscriber.verdict = () => released.promise;
    await fixture.restart({
      notifications: [{ bucket: BUCKET, url: await subscriber.url() }],
      deliveryConcurrency: 3,
    });
    await Promise.all(Array.from({ length: 40 }, (_, at) => fixture.put(`many/${at}`, 'x')));
    assert.equal(fixture.emulator.operations.of('notify').calls, 3);
    released.resolve(204);
    await idle();
    assert.equal(subscriber.deliveries.length, 40);
  });

  it('has its number of deliveries at a time from DELIVERIES', () => {
    const parse = (text: string) => parseMainOptions({ DELIVERIES: text }, ['FOLDER=/f']).deliveryConcurrency;
    assert.deepEqual([parse(''), parse('64')], [undefined, 64]);
    for (const text of ['0', '-1', 'many']) assert.throws(() => parse(text), /DELIVERIES should be/, text);
  });

  it('delivers after a restart what was not acknowledged before', async () => {
    subscriber.verdict = () => 503;
    await fixture.put('survivor', 'x');
    await until(() => subscriber.deliveries.length > 0);
    await fixture.stop();
    const before = subscriber.deliveries.at(-1)?.headers['ce-id'];
    subscriber.verdict = () => 204;
    await fixture.start({ notifications: [{ bucket: BUCKET, url: await subscriber.url() }] });
    await idle();
    assert.equal(subscriber.deliveries.at(-1)?.headers['ce-id'], before);
    const { length } = subscriber.deliveries;
    await fixture.restart({ notifications: [{ bucket: BUCKET, url: await subscriber.url() }] });
    assert.equal(fixture.emulator.pendingNotifications, 0);
    assert.equal(subscriber.deliveries.length, length);
  });

  it('tells how many wait, and for how long', async () => {
    const asked = async () => (await fetch(`${fixture.url}/_emulator/notifications`)).json();
    assert.deepEqual(await asked(), { messages: 0, oldestSeconds: 0 });
    subscriber.verdict = () => 503;
    await fixture.put('one', 'x');
    await fixture.put('two', 'x');
    const { messages, oldestSeconds } = (await asked()) as { messages: number; oldestSeconds: number };
    assert.equal(messages, 2);
    assert.ok(oldestSeconds >= 0);
    subscriber.verdict = () => 204;
    await idle();
  });

  it('delivers once the subscriber is there', async () => {
    const url = await subscriber.url();
    await subscriber.close();
    await fixture.restart({ notifications: [{ bucket: BUCKET, url }] });
    await fixture.put('early', 'x');
    await until(() => fixture.emulator.operations.of('notify').errors >= 2);
    subscriber = new Subscriber();
    await fixture.restart({ notifications: [{ bucket: BUCKET, url: await subscriber.url() }] });
    await idle();
    assert.equal(subscriber.deliveries.length, 1);
  });

  it('delivers twice, or again after a lost answer, when a fault says so', async () => {
    const { faults } = fixture.emulator;
    faults.add({ operation: 'notify', namePrefix: 'twice', effect: { kind: 'duplicate' } });
    faults.add({ operation: 'notify', namePrefix: 'lost', nth: 1, effect: { kind: 'reset', when: 'after' } });
    faults.add({ operation: 'notify', namePrefix: 'failed', nth: 1, effect: { kind: 'error', status: 500 } });
    for (const name of ['twice', 'lost', 'failed']) await fixture.put(name, 'x');
    await idle();
    const subjects = subscriber.deliveries.map(({ headers }) => headers['ce-subject']).sort();
    assert.deepEqual(subjects, [
      'objects/failed',
      'objects/lost',
      'objects/lost',
      'objects/twice',
      'objects/twice',
    ]);
  });
});
