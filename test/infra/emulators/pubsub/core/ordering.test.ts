import assert from 'node:assert/strict';
import { Line } from '../../../../../infra/emulators/pubsub/src/core/line.ts';
import { Core, subscription, Taker, text } from './core.ts';

const deadLetters = 'projects/p/topics/dead';
const graveyard = 'projects/p/subscriptions/graveyard';
const second = 1000;

describe('messages of one ordering key', () => {
  it('come one after the other, each after the acknowledgement of the one before', async () => {
    const core = new Core();
    core.subscribe({ enableMessageOrdering: true });
    for (const data of ['1', '2', '3']) core.publish(data, { orderingKey: 'k' });
    for (const data of ['1', '2', '3']) {
      const next = await core.pull();
      assert.deepEqual(next.map(text), [data]);
      core.ack(next);
    }
  });

  it('do not hold up those of another key, nor those without one', async () => {
    const core = new Core();
    core.subscribe({ enableMessageOrdering: true });
    core.publish('k1', { orderingKey: 'k' });
    core.publish('k2', { orderingKey: 'k' });
    core.publish('l1', { orderingKey: 'l' });
    core.publish('free');
    core.publish('free too');
    assert.deepEqual(await core.pullText(), ['k1', 'l1', 'free', 'free too']);
  });

  it('stay in order when one is refused, overdue or waits for its back-off', async () => {
    const core = new Core();
    core.subscribe({
      enableMessageOrdering: true,
      retryPolicy: { minimumBackoff: 5 * second, maximumBackoff: 5 * second },
    });
    for (const data of ['1', '2']) core.publish(data, { orderingKey: 'k' });
    core.modify(await core.pull(), 0);
    assert.deepEqual(await core.pullText(), []);
    core.clock.advance(5 * second);
    assert.deepEqual(await core.pullText(), ['1']);
    core.clock.advance(15 * second);
    const again = await core.pull();
    assert.deepEqual(again.map(text), ['1']);
    core.ack(again);
    assert.deepEqual(await core.pullText(), ['2']);
  });

  it('do not let the first out twice when a later one is dropped before it', () => {
    const line = new Line(true);
    const [first, second] = ['1', '2'].map((messageId) => ({
      message: {
        messageId,
        data: Buffer.alloc(0),
        attributes: {},
        orderingKey: 'k',
        publishTime: 0,
        size: 1,
      },
      failures: 0,
      stop: undefined,
    }));
    assert.ok(first && second);
    line.join(first);
    line.join(second);
    line.hold(first);
    line.leave(second);
    assert.equal(line.first(), undefined);
  });

  it('come in any order where the subscription does not ask for it', async () => {
    const core = new Core();
    core.subscribe();
    for (const data of ['1', '2']) core.publish(data, { orderingKey: 'k' });
    assert.deepEqual(await core.pullText(), ['1', '2']);
  });

  it('go on after one that moved to the dead letter topic, which loses nothing', async () => {
    const core = new Core();
    core.broker.topics.create({ name: deadLetters });
    core.broker.subscribe({ name: graveyard, topic: deadLetters });
    core.subscribe({
      enableMessageOrdering: true,
      deadLetterPolicy: { deadLetterTopic: deadLetters, maxDeliveryAttempts: 5 },
    });
    for (const data of ['poison', 'next']) core.publish(data, { orderingKey: 'k' });
    const attempts: number[] = [];
    for (let delivery = 1; delivery <= 5; delivery++) {
      const poison = await core.pull();
      assert.deepEqual(poison.map(text), ['poison']);
      attempts.push(...poison.map(({ deliveryAttempt }) => deliveryAttempt));
      core.modify(poison, 0);
    }
    assert.deepEqual(attempts, [1, 2, 3, 4, 5]);
    assert.deepEqual(await core.pullText(), ['next']);
    assert.deepEqual(await core.pullText(graveyard), ['poison']);
  });
});

describe('a dead letter policy', () => {
  it('moves a message with its attributes and where it came from, also when it was never answered', async () => {
    const core = new Core();
    core.broker.topics.create({ name: deadLetters });
    core.broker.subscribe({ name: graveyard, topic: deadLetters });
    core.subscribe({ deadLetterPolicy: { deadLetterTopic: deadLetters, maxDeliveryAttempts: 0 } });
    core.publish('poison', { attributes: { verdict: 'clean' } });
    for (let attempt = 1; attempt <= 5; attempt++) {
      await core.pull();
      core.clock.advance(10 * second);
    }
    assert.deepEqual(await core.pull(), []);
    const [dead] = await core.pull(graveyard);
    assert.deepEqual(dead?.message.attributes, {
      verdict: 'clean',
      CloudPubSubDeadLetterSourceDeliveryCount: '5',
      CloudPubSubDeadLetterSourceSubscription: 'reader',
      CloudPubSubDeadLetterSourceSubscriptionProject: 'p',
      CloudPubSubDeadLetterSourceTopicPublishTime: '2026-01-01T00:00:00.000Z',
    });
  });

  it('keeps the message, and says so, while its topic does not exist', async () => {
    const core = new Core();
    core.broker.topics.create({ name: deadLetters });
    core.subscribe({ deadLetterPolicy: { deadLetterTopic: deadLetters, maxDeliveryAttempts: 5 } });
    core.broker.deleteTopic(deadLetters);
    core.publish('poison');
    for (let attempt = 1; attempt <= 6; attempt++) core.modify(await core.pull(), 0);
    assert.deepEqual(
      (await core.pull()).map(({ deliveryAttempt }) => deliveryAttempt),
      [7],
    );
    assert.match(core.lines[0] ?? '', /reader cannot dead-letter a message, .*dead does not exist/);
  });

  it('is refused with NOT_FOUND where its topic does not exist, without one attempts are not counted', async () => {
    const core = new Core();
    assert.throws(() => core.subscribe({ deadLetterPolicy: { deadLetterTopic: deadLetters } }), {
      status: 'NOT_FOUND',
    });
    core.subscribe();
    core.publish('a');
    assert.deepEqual(
      (await core.pull()).map(({ deliveryAttempt }) => deliveryAttempt),
      [0],
    );
  });
});

describe('two consumers of one subscription', () => {
  it('share its messages, and none goes to both', () => {
    const core = new Core();
    core.subscribe();
    const takers = [new Taker(2), new Taker(2)];
    for (const data of ['a', 'b', 'c', 'd']) core.publish(data);
    for (const taker of takers) core.broker.subscription(subscription).deliverer.attach(taker);
    assert.deepEqual(
      takers.map(({ got }) => got.map(text)),
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    );
  });
});
