import assert from 'node:assert/strict';
import type { Promises, Subject } from './describe-pubsub.ts';
import { topicAndSubscription } from './suite-client.ts';

async function withDeadLetters(subject: Subject, options: object = {}) {
  const graves = await topicAndSubscription(subject);
  const { topic, subscription } = await topicAndSubscription(subject, {
    ...options,
    deadLetterPolicy: { deadLetterTopic: graves.topic.name, maxDeliveryAttempts: 5 },
  });
  return { topic, subscription, graveyard: graves.subscription };
}

export function ordersAndDeadLetters(promises: Promises): void {
  promises('brings the messages of an ordering key in their order', async (subject) => {
    const { topic, subscription } = await topicAndSubscription(subject, { enableMessageOrdering: true });
    topic.setPublishOptions({ messageOrdering: true });
    const sent = Array.from({ length: 6 }, (_, index) => String(index));
    await Promise.all(
      sent.map((text) => topic.publishMessage({ data: Buffer.from(text), orderingKey: 'k' })),
    );
    const inbox = subject.listen(subscription);
    for (const text of sent) {
      const message = await inbox.take();
      assert.equal(message.data.toString(), text);
      assert.equal(message.orderingKey, 'k');
      message.ack();
    }
  });

  promises('repeats what follows in an ordering key when it repeats a refused message', async (subject) => {
    const { topic, subscription } = await topicAndSubscription(subject, { enableMessageOrdering: true });
    topic.setPublishOptions({ messageOrdering: true });
    for (const text of ['1', '2', '3']) {
      await topic.publishMessage({ data: Buffer.from(text), orderingKey: 'k' });
    }
    const inbox = subject.listen(subscription);
    const refused = await inbox.take();
    assert.equal(refused.data.toString(), '1');
    refused.nack();
    // Whether 2 and 3 were out already is the emulator's choice. They have to come after the second 1 anyhow.
    const order: string[] = [];
    while (order.slice(order.indexOf('1')).join() !== '1,2,3') {
      const message = await inbox.take();
      message.ack();
      order.push(message.data.toString());
    }
  });

  promises(
    'counts delivery attempts, and moves a message to the dead letter topic after the last',
    async (subject) => {
      const { topic, subscription, graveyard } = await withDeadLetters(subject);
      await topic.publishMessage({ data: Buffer.from('poison') });
      const inbox = subject.listen(subscription);
      for (let attempt = 1; attempt <= 5; attempt++) {
        const message = await inbox.take();
        assert.equal(message.deliveryAttempt, attempt);
        message.nack();
      }
      const dead = await subject.listen(graveyard).take();
      assert.equal(dead.data.toString(), 'poison');
      assert.equal(dead.attributes['CloudPubSubDeadLetterSourceDeliveryCount'], '5');
      dead.ack();
      assert.equal(inbox.size, 0);
    },
  );

  promises('moves a message of an ordering key to the dead letter topic and goes on', async (subject) => {
    const { topic, subscription, graveyard } = await withDeadLetters(subject, {
      enableMessageOrdering: true,
    });
    topic.setPublishOptions({ messageOrdering: true });
    for (const text of ['poison', 'next']) {
      await topic.publishMessage({ data: Buffer.from(text), orderingKey: 'k' });
    }
    const inbox = subject.listen(subscription);
    for (let attempt = 1; attempt <= 5; attempt++) (await inbox.take()).nack();
    const next = await inbox.take();
    assert.equal(next.data.toString(), 'next');
    next.ack();
    const dead = await subject.listen(graveyard).take();
    assert.equal(dead.data.toString(), 'poison');
    dead.ack();
  });
}
