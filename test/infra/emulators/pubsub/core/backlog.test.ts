import assert from 'node:assert/strict';
import { Core, subscription, text } from './core.ts';

const minute = 60_000;
const day = 24 * 60 * minute;

describe('the backlog of a subscription', () => {
  it('takes only what the filter lets through', async () => {
    const core = new Core();
    core.subscribe({ filter: 'attributes.verdict != "clean"' });
    core.publish('a', { attributes: { verdict: 'clean' } });
    core.publish('b', { attributes: { verdict: 'infected' } });
    assert.deepEqual(await core.pullText(), ['b']);
  });

  it('drops a message that outlived the retention, leased or not', async () => {
    const core = new Core();
    core.subscribe({ messageRetentionDuration: 10 * minute, ackDeadlineSeconds: 600 });
    core.publish('leased');
    await core.pull();
    core.clock.advance(1);
    core.publish('waiting');
    core.clock.advance(10 * minute - 1);
    assert.deepEqual(await core.pullText(), ['waiting']);
    core.clock.advance(20 * minute);
    assert.deepEqual(await core.pullText(), []);
  });

  it('keeps messages for 31 days where asked to', async () => {
    const core = new Core();
    core.subscribe({ messageRetentionDuration: 31 * day });
    core.publish('a');
    core.clock.advance(31 * day - 1);
    const kept = await core.pull();
    assert.deepEqual(kept.map(text), ['a']);
    core.clock.advance(1);
    core.modify(kept, 0);
    assert.deepEqual(await core.pullText(), []);
  });

  it('drops its oldest message at the cap of messages, and logs it', async () => {
    const core = new Core({ cap: { messages: 2, bytes: 1000 } });
    core.subscribe();
    for (const data of ['a', 'b', 'c']) core.publish(data);
    assert.deepEqual(await core.pullText(), ['b', 'c']);
    assert.deepEqual(core.lines, [`pubsub: ${subscription} is full, dropped its oldest message (1 so far)`]);
  });

  it('drops its oldest messages at the cap of bytes, and one line tells of many', async () => {
    const core = new Core({ cap: { messages: 1000, bytes: 10 } });
    core.subscribe({ enableMessageOrdering: true });
    for (let i = 0; i < 10; i++) core.publish(`message ${i}`, { orderingKey: 'k' });
    assert.deepEqual(await core.pullText(), ['message 9']);
    assert.equal(core.lines.length, 1);
  });

  it('continues with the next of a key when the leased first one is dropped', async () => {
    const core = new Core({ cap: { messages: 2, bytes: 1000 } });
    core.subscribe({ enableMessageOrdering: true });
    core.publish('1', { orderingKey: 'k' });
    const dropped = await core.pull();
    core.publish('2', { orderingKey: 'k' });
    core.publish('3', { orderingKey: 'k' });
    const next = await core.pull();
    assert.deepEqual(next.map(text), ['2']);
    core.ack(dropped);
    core.ack(next);
    assert.deepEqual(await core.pullText(), ['3']);
  });

  it('is purged by a seek to now, and by a seek to a time of what came before', async () => {
    const core = new Core();
    core.subscribe();
    core.publish('old');
    core.clock.advance(minute);
    const time = core.clock.now();
    core.publish('new');
    core.broker.subscription(subscription).seek(time);
    assert.deepEqual(await core.pullText(), ['new']);
    core.broker.subscription(subscription).seek(core.clock.now() + 1);
    core.clock.advance(minute);
    assert.deepEqual(await core.pullText(), []);
  });

  it('gets retained messages back by a seek to the past, in order', async () => {
    const core = new Core();
    core.subscribe({ retainAckedMessages: true, enableMessageOrdering: true });
    const start = core.clock.now();
    for (const data of ['1', '2']) {
      core.publish(data, { orderingKey: 'k' });
      core.ack(await core.pull());
      core.clock.advance(1);
    }
    core.publish('3', { orderingKey: 'k' });
    core.broker.subscription(subscription).seek(start + 1);
    for (const data of ['2', '3']) {
      const next = await core.pull();
      assert.deepEqual(next.map(text), [data]);
      core.ack(next);
    }
    core.broker.subscription(subscription).seek(start);
    assert.deepEqual(await core.pullText(), ['1']);
  });

  it('counts retained messages against the cap, and drops them first', async () => {
    const core = new Core({ cap: { messages: 2, bytes: 1000 } });
    core.subscribe({ retainAckedMessages: true });
    core.publish('acknowledged');
    core.ack(await core.pull());
    core.publish('a');
    core.publish('b');
    assert.deepEqual(await core.pullText(), ['a', 'b']);
    assert.deepEqual(core.lines, []);
  });

  it('outlives its topic', async () => {
    const core = new Core();
    core.subscribe();
    core.publish('a');
    core.broker.deleteTopic('projects/p/topics/events');
    assert.equal(core.broker.subscription(subscription).subscription.topic, '_deleted-topic_');
    assert.deepEqual(await core.pullText(), ['a']);
  });

  it('is gone when the subscription is detached, and refuses to be pulled', async () => {
    const core = new Core();
    core.subscribe();
    core.publish('a');
    core.broker.subscription(subscription).detach();
    core.publish('b');
    await assert.rejects(core.pull(), { status: 'FAILED_PRECONDITION' });
    assert.deepEqual(core.clock.pending, 0);
  });
});
