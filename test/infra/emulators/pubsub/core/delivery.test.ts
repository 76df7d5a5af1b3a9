import assert from 'node:assert/strict';
import { pull } from '../../../../../infra/emulators/pubsub/src/core/pull.ts';
import { Core, settled, subscription, Taker, text } from './core.ts';

const second = 1000;

describe('the delivery of a message', () => {
  it('happens once while it is leased, and never again once acknowledged', async () => {
    const core = new Core();
    core.subscribe();
    core.publish('a');
    const first = await core.pull();
    assert.deepEqual(first.map(text), ['a']);
    assert.deepEqual(await core.pull(), []);
    core.ack(first);
    core.clock.advance(700 * second);
    assert.deepEqual(await core.pull(), []);
  });

  it('is repeated when the ack deadline of the subscription has passed, not before', async () => {
    const core = new Core();
    core.subscribe({ ackDeadlineSeconds: 30 });
    core.publish('a');
    await core.pull();
    core.clock.advance(30 * second - 1);
    assert.deepEqual(await core.pullText(), []);
    core.clock.advance(1);
    assert.deepEqual(await core.pullText(), ['a']);
  });

  it('is put off by modifyAckDeadline, counted from then', async () => {
    const core = new Core();
    core.subscribe();
    core.publish('a');
    const leased = await core.pull();
    core.clock.advance(9 * second);
    core.modify(leased, 60);
    core.clock.advance(59 * second);
    assert.deepEqual(await core.pullText(), []);
    core.clock.advance(second);
    assert.deepEqual(await core.pullText(), ['a']);
  });

  it('is repeated at once when refused, behind the messages that wait', async () => {
    const core = new Core();
    core.subscribe();
    core.publish('a');
    const refused = await core.pull();
    core.publish('b');
    core.modify(refused, 0);
    assert.deepEqual(await core.pullText(), ['b', 'a']);
  });

  it('is not settled by the ack id of an earlier delivery', async () => {
    const core = new Core();
    core.subscribe();
    core.publish('a');
    const late = await core.pull();
    core.clock.advance(10 * second);
    await core.pull();
    core.ack(late);
    core.clock.advance(10 * second);
    assert.deepEqual(await core.pullText(), ['a']);
  });

  it('waits minimum, twice the minimum, ... up to the maximum of a retry policy', async () => {
    const core = new Core();
    core.subscribe({ retryPolicy: { minimumBackoff: 10 * second, maximumBackoff: 35 * second } });
    core.publish('a');
    for (const wait of [10, 20, 35, 35]) {
      core.modify(await core.pull(), 0);
      core.clock.advance(wait * second - 1);
      assert.deepEqual(await core.pullText(), [], `before ${wait} s`);
      core.clock.advance(1);
    }
    assert.deepEqual(await core.pullText(), ['a']);
  });

  it('goes to every subscription of the topic, each with its own acknowledgement', async () => {
    const core = new Core();
    core.subscribe({}, 'projects/p/subscriptions/one');
    core.subscribe({}, 'projects/p/subscriptions/two');
    core.publish('a');
    core.ack(await core.pull('projects/p/subscriptions/one'), 'projects/p/subscriptions/one');
    assert.deepEqual(await core.pullText('projects/p/subscriptions/two'), ['a']);
  });

  it('never exceeds what a consumer has room for, and goes on as it acknowledges', () => {
    const core = new Core();
    core.subscribe();
    const taker = new Taker(2);
    core.broker.subscription(subscription).deliverer.attach(taker);
    for (const data of ['a', 'b', 'c']) core.publish(data);
    assert.deepEqual(taker.got.map(text), ['a', 'b']);
    core.ack(taker.got.slice(0, 1));
    assert.deepEqual(taker.got.map(text), ['a', 'b', 'c']);
  });

  it('reaches a Pull that waits, and a Pull that waited in vain gets nothing', async () => {
    const core = new Core();
    core.subscribe();
    const { pullable } = core.broker.subscription(subscription);
    const served = pull(pullable, core.clock, { maxMessages: 1, wait: 5 * second });
    core.publish('a');
    assert.deepEqual((await served).map(text), ['a']);
    const vain = pull(pullable, core.clock, { maxMessages: 1, wait: 5 * second });
    core.clock.advance(5 * second);
    assert.deepEqual(await vain, []);
  });

  it('is not leased to a Pull whose caller has gone', async () => {
    const core = new Core();
    core.subscribe();
    const caller = new AbortController();
    const { pullable } = core.broker.subscription(subscription);
    const gone = pull(pullable, core.clock, { maxMessages: 1, wait: 5 * second, signal: caller.signal });
    caller.abort();
    core.publish('a');
    assert.deepEqual(await gone, []);
    assert.deepEqual(await core.pullText(), ['a']);
  });

  it('leaves no timer behind once the broker is closed', async () => {
    const core = new Core();
    core.subscribe({ retryPolicy: { minimumBackoff: second, maximumBackoff: second } });
    core.publish('leased');
    await core.pull();
    core.publish('waits for its back-off');
    core.modify(await core.pull(), 0);
    core.broker.close();
    await settled();
    assert.equal(core.clock.pending, 0);
  });
});
