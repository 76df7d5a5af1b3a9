import assert from 'node:assert/strict';
import type { PubSub } from '@google-cloud/pubsub';
import {
  type PubSubEmulator,
  startPubSubEmulator,
} from '../../../../../infra/emulators/pubsub/src/emulator.ts';
import { clientOf } from '../client.ts';
import { FakeClock } from '../core/fake-clock.ts';
import { rest, restPull } from '../rest-client.ts';

const messages = { messages: [{ data: 'YQ==' }] };

describe('a planned fault', () => {
  const clock = new FakeClock();
  let emulator: PubSubEmulator;
  let client: PubSub;

  before(async () => {
    emulator = await startPubSubEmulator({ clock });
    client = clientOf(emulator.host);
    await client.createTopic('topic');
  });

  beforeEach(async () => {
    await client.topic('topic').createSubscription('reader');
  });

  afterEach(async () => {
    emulator.faults.clear();
    await client.subscription('reader').delete();
  });

  after(async () => {
    await client.close();
    await emulator.stop();
  });

  const publish = () => rest(emulator.host, 'POST', '/topics/topic:publish', messages);

  it('fails as many calls as asked for, with the code asked for, and none of another method', async () => {
    emulator.faults.fail({ method: 'Publish', times: 2, code: 'RESOURCE_EXHAUSTED' });
    assert.equal((await rest(emulator.host, 'GET', '/topics/topic')).status, 200);
    const { status, body } = await publish();
    assert.equal(status, 429);
    assert.deepEqual(body, {
      error: { code: 429, message: 'planned fault in Publish', status: 'RESOURCE_EXHAUSTED' },
    });
    assert.equal((await publish()).status, 429);
    assert.equal((await publish()).status, 200);
    assert.equal((await restPull(emulator.host, 'reader')).length, 1);
  });

  it('is what makes the client library retry a publish', async () => {
    emulator.faults.fail({ method: 'Publish', times: 2 });
    await client.topic('topic').publishMessage({ data: Buffer.from('a') });
    assert.equal((await restPull(emulator.host, 'reader')).length, 1);
  });

  it('can lose the answer alone, so that the retry publishes twice', async () => {
    emulator.faults.fail({ method: 'Publish', after: true });
    await client.topic('topic').publishMessage({ data: Buffer.from('a') });
    assert.equal((await restPull(emulator.host, 'reader')).length, 2);
  });

  it('ends a stream, and the client library opens another', async () => {
    emulator.faults.fail({ method: 'StreamingPull' });
    const subscription = client.subscription('reader');
    const got = new Promise((resolve, reject) => subscription.once('message', resolve).once('error', reject));
    await publish();
    await got;
    await subscription.close();
  });

  it('holds a call back for as long as asked for', async () => {
    emulator.faults.delay({ method: 'Publish', milliseconds: 60_000 });
    const published = publish();
    while (clock.pending === 0) await rest(emulator.host, 'GET', '/topics/topic');
    assert.deepEqual(await restPull(emulator.host, 'reader'), []);
    clock.advance(60_000);
    assert.equal((await published).status, 200);
  });

  it('keeps a call unanswered until it is cleared', async () => {
    emulator.faults.stall({ method: 'Publish' });
    const published = publish();
    let answered = false;
    published.then(() => {
      answered = true;
    });
    for (let i = 0; i < 5; i++) await rest(emulator.host, 'GET', '/topics/topic');
    assert.equal(answered, false);
    emulator.faults.clear();
    assert.equal((await published).status, 503);
  });
});
