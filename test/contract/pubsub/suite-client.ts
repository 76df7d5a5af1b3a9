import assert from 'node:assert/strict';
import type { Promises, Subject } from './describe-pubsub.ts';

export async function topicAndSubscription({ client, unique }: Subject, options: object = {}) {
  const [topic] = await client.createTopic(unique('topic'));
  const [subscription] = await topic.createSubscription(unique('subscription'), options);
  return { topic, subscription };
}

export function publishesAndSubscribes(promises: Promises): void {
  promises('makes a topic once, finds it, lists it and deletes it', async ({ client, unique }) => {
    const name = unique('topic');
    const [topic] = await client.createTopic(name);
    await assert.rejects(client.createTopic(name), { code: 6 });
    assert.equal((await topic.getMetadata())[0].name, `projects/p/topics/${name}`);
    const [topics] = await client.getTopics();
    assert.ok(topics.some((each) => each.name === topic.name));
    await topic.delete();
    await assert.rejects(topic.getMetadata(), { code: 5 });
    await assert.rejects(topic.delete(), { code: 5 });
  });

  promises(
    'keeps the settings of a subscription, updates those asked for, and deletes it',
    async (subject) => {
      const { topic, subscription } = await topicAndSubscription(subject, {
        ackDeadlineSeconds: 30,
        labels: { team: 'a' },
        retryPolicy: { minimumBackoff: { seconds: 2 }, maximumBackoff: { seconds: 30, nanos: 500_000_000 } },
      });
      await assert.rejects(topic.createSubscription(subscription.name), { code: 6 });
      const [made] = await subscription.getMetadata();
      assert.equal(made.topic, topic.name);
      assert.equal(made.ackDeadlineSeconds, 30);
      assert.deepEqual(made.labels, { team: 'a' });
      assert.equal(Number(made.retryPolicy?.maximumBackoff?.seconds), 30);
      assert.equal(made.retryPolicy?.maximumBackoff?.nanos, 500_000_000);
      await subscription.setMetadata({ ackDeadlineSeconds: 60 });
      const [updated] = await subscription.getMetadata();
      assert.equal(updated.ackDeadlineSeconds, 60);
      assert.deepEqual(updated.labels, { team: 'a' });
      assert.deepEqual(
        (await topic.getSubscriptions())[0].map(({ name }) => name),
        [subscription.name],
      );
      await subscription.delete();
      await assert.rejects(subscription.getMetadata(), { code: 5 });
    },
  );

  promises(
    'brings a message to every subscription, with its data, attributes, id and time',
    async (subject) => {
      const { topic, subscription } = await topicAndSubscription(subject);
      const [other] = await topic.createSubscription(subject.unique('subscription'));
      const start = Date.now();
      const data = Buffer.from([0, 255, 10, 13]);
      const messageId = await topic.publishMessage({ data, attributes: { verdict: 'clean', empty: '' } });
      for (const each of [subscription, other]) {
        const message = await subject.listen(each).take();
        assert.deepEqual(message.data, data);
        assert.deepEqual(message.attributes, { verdict: 'clean', empty: '' });
        assert.equal(message.id, messageId);
        assert.ok(Math.abs(message.publishTime.getTime() - start) < 60_000);
        message.ack();
      }
    },
  );

  promises('brings every message of many batches', async (subject) => {
    const { topic, subscription } = await topicAndSubscription(subject);
    const inbox = subject.listen(subscription);
    topic.setPublishOptions({ batching: { maxMessages: 40, maxMilliseconds: 5 } });
    const sent = Array.from({ length: 200 }, (_, index) => String(index));
    await Promise.all(sent.map((text) => topic.publishMessage({ data: Buffer.from(text) })));
    const got = new Set<string>();
    while (got.size < sent.length) {
      const message = await inbox.take();
      message.ack();
      got.add(message.data.toString());
    }
  });

  promises('brings a message again that was refused', async (subject) => {
    const { topic, subscription } = await topicAndSubscription(subject);
    const inbox = subject.listen(subscription);
    await topic.publishMessage({ data: Buffer.from('a') });
    const first = await inbox.take();
    first.nack();
    const second = await inbox.take();
    assert.equal(second.id, first.id);
    second.ack();
  });

  promises('has no more messages out with a subscriber than it asked for', async (subject) => {
    const { topic, subscription } = await topicAndSubscription(subject);
    for (const text of ['a', 'b', 'c']) await topic.publishMessage({ data: Buffer.from(text) });
    subscription.setOptions({ flowControl: { maxMessages: 1, allowExcessMessages: false } });
    const inbox = subject.listen(subscription);
    for (let taken = 0; taken < 3; taken++) {
      const message = await inbox.take();
      assert.equal(inbox.size, 0);
      message.ack();
    }
  });

  promises('refuses an empty message, and a topic that does not exist', async ({ client, unique }) => {
    const [topic] = await client.createTopic(unique('topic'));
    await assert.rejects(topic.publishMessage({ data: Buffer.alloc(0) }), { code: 3 });
    const none = client.topic(unique('none'));
    await assert.rejects(none.publishMessage({ data: Buffer.from('a') }), { code: 5 });
  });

  promises('takes a message of 9 MB', async (subject) => {
    const { topic, subscription } = await topicAndSubscription(subject);
    const data = Buffer.alloc(9_000_000, 'x');
    await topic.publishMessage({ data });
    const message = await subject.listen(subscription).take();
    assert.ok(message.data.equals(data));
    message.ack();
  });

  promises('lets only through what the filter of a subscription matches', async (subject) => {
    const { topic, subscription } = await topicAndSubscription(subject, {
      filter: 'attributes.verdict = "infected" AND NOT attributes:"ce-test"',
    });
    const inbox = subject.listen(subscription);
    await topic.publishMessage({ data: Buffer.from('a'), attributes: { verdict: 'clean' } });
    await topic.publishMessage({
      data: Buffer.from('b'),
      attributes: { verdict: 'infected', 'ce-test': '1' },
    });
    await topic.publishMessage({ data: Buffer.from('c'), attributes: { verdict: 'infected' } });
    const message = await inbox.take();
    assert.equal(message.data.toString(), 'c');
    message.ack();
  });

  promises('refuses a filter that does not parse', async (subject) => {
    await assert.rejects(topicAndSubscription(subject, { filter: 'verdict is clean' }), { code: 3 });
  });
}
