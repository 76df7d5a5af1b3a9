import assert from 'node:assert/strict';
import type { PushSender } from '../../../../../infra/emulators/pubsub/src/core/pusher.ts';
import { Core, settled, subscription, text } from './core.ts';

const second = 1000;
const pushConfig = { pushEndpoint: 'http://127.0.0.1:1/push' };

/** An endpoint whose answers the test gives, one for each request in turn. */
class Endpoint {
  readonly received: string[] = [];
  readonly signals: AbortSignal[] = [];
  answer: (() => Promise<boolean>) | undefined;

  readonly send: PushSender = async (_subscription, delivery, signal) => {
    this.received.push(text(delivery));
    this.signals.push(signal);
    return this.answer?.() ?? true;
  };
}

describe('push delivery', () => {
  it('waits 100 ms after the first refusal, twice as long after each further one, up to 60 s', async () => {
    const endpoint = new Endpoint();
    const core = new Core({ send: endpoint.send });
    endpoint.answer = async () => false;
    core.subscribe({ pushConfig });
    core.publish('a');
    await settled();
    const waits = [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000];
    for (const [index, wait] of waits.entries()) {
      core.clock.advance(wait - 1);
      await settled();
      assert.equal(endpoint.received.length, index + 1, `before ${wait} ms`);
      core.clock.advance(1);
      await settled();
      assert.equal(endpoint.received.length, index + 2, `after ${wait} ms`);
    }
  });

  it('waits as the retry policy says, from the first refusal on', async () => {
    const endpoint = new Endpoint();
    const core = new Core({ send: endpoint.send });
    endpoint.answer = async () => false;
    core.subscribe({
      pushConfig,
      retryPolicy: { minimumBackoff: 10 * second, maximumBackoff: 20 * second },
    });
    core.publish('a');
    await settled();
    core.clock.advance(10 * second - 1);
    await settled();
    assert.equal(endpoint.received.length, 1);
    core.clock.advance(1);
    await settled();
    assert.equal(endpoint.received.length, 2);
  });

  it('gives an endpoint as long as the ack deadline, then ends the request and tries again', async () => {
    const endpoint = new Endpoint();
    const core = new Core({ send: endpoint.send });
    endpoint.answer = () => new Promise(() => {});
    core.subscribe({ pushConfig, ackDeadlineSeconds: 20 });
    core.publish('a');
    await settled();
    core.clock.advance(20 * second - 1);
    assert.equal(endpoint.signals[0]?.aborted, false);
    core.clock.advance(1);
    assert.equal(endpoint.signals[0]?.aborted, true);
    core.clock.advance(100);
    await settled();
    assert.deepEqual(endpoint.received, ['a', 'a']);
  });

  it('takes an endpoint that cannot be reached for one that refuses', async () => {
    const endpoint = new Endpoint();
    const core = new Core({ send: endpoint.send });
    endpoint.answer = async () => Promise.reject(new Error('ECONNREFUSED'));
    core.subscribe({ pushConfig });
    core.publish('a');
    await settled();
    endpoint.answer = async () => true;
    core.clock.advance(100);
    await settled();
    core.clock.advance(600 * second);
    await settled();
    assert.deepEqual(endpoint.received, ['a', 'a']);
  });

  it('ends in the dead letter topic for a message that the endpoint refused too often', async () => {
    const endpoint = new Endpoint();
    const core = new Core({ send: endpoint.send });
    const deadLetterTopic = 'projects/p/topics/dead';
    const graveyard = 'projects/p/subscriptions/graveyard';
    endpoint.answer = async () => false;
    core.broker.topics.create({ name: deadLetterTopic });
    core.broker.subscribe({ name: graveyard, topic: deadLetterTopic });
    core.subscribe({ pushConfig, deadLetterPolicy: { deadLetterTopic, maxDeliveryAttempts: 6 } });
    core.publish('poison');
    for (let minute = 0; minute < 10; minute++) {
      await settled();
      core.clock.advance(60 * second);
    }
    assert.equal(endpoint.received.length, 6);
    assert.deepEqual(await core.pullText(graveyard), ['poison']);
  });

  it('sends those of a key one after the other', async () => {
    const endpoint = new Endpoint();
    const core = new Core({ send: endpoint.send });
    core.subscribe({ pushConfig, enableMessageOrdering: true });
    for (const data of ['1', '2', '3']) core.publish(data, { orderingKey: 'k' });
    assert.deepEqual(endpoint.received, ['1']);
    await settled();
    assert.deepEqual(endpoint.received, ['1', '2', '3']);
  });

  it('has at most 100 requests under way', async () => {
    const endpoint = new Endpoint();
    const core = new Core({ send: endpoint.send });
    endpoint.answer = () => new Promise(() => {});
    core.subscribe({ pushConfig });
    for (let i = 0; i < 150; i++) core.publish(String(i));
    await settled();
    assert.equal(endpoint.received.length, 100);
  });

  it('begins, moves and ends with the push configuration', async () => {
    const endpoint = new Endpoint();
    const core = new Core({ send: endpoint.send });
    core.subscribe();
    core.publish('a');
    core.broker.updateSubscription({ name: subscription, ...{ pushConfig } }, ['push_config']);
    await settled();
    assert.deepEqual(endpoint.received, ['a']);
    await assert.rejects(core.pull(), { status: 'FAILED_PRECONDITION' });
    core.broker.updateSubscription({ name: subscription, ...{ pushConfig: {} } }, ['pushConfig']);
    core.publish('b');
    assert.deepEqual(await core.pullText(), ['b']);
  });
});
