import assert from 'node:assert/strict';
import { pageOf } from '../../../../../infra/emulators/pubsub/src/core/page.ts';
import {
  newSubscription,
  updatedSubscription,
} from '../../../../../infra/emulators/pubsub/src/core/subscription.ts';
import { newTopic } from '../../../../../infra/emulators/pubsub/src/core/topic.ts';
import { Core, subscription, topic } from './core.ts';

const second = 1000;
const day = 24 * 60 * 60 * second;
const refusal = { name: 'RpcError', status: 'INVALID_ARGUMENT' };

describe('a subscription', () => {
  it('has the defaults of the service', () => {
    assert.deepEqual(newSubscription({ name: subscription, topic }), {
      name: subscription,
      topic,
      pushConfig: { pushEndpoint: '' },
      ackDeadlineSeconds: 10,
      retainAckedMessages: false,
      messageRetentionDuration: 7 * day,
      enableMessageOrdering: false,
      expirationPolicy: { ttl: 31 * day },
      filter: '',
      detached: false,
    });
  });

  const refused: Readonly<Record<string, object>> = {
    'a name of two characters': { name: 'projects/p/subscriptions/ab' },
    'a name that begins with goog': { name: 'projects/p/subscriptions/google' },
    'a name in the wrong place': { name: 'subscriptions/reader' },
    'no topic': { topic: undefined },
    'an ack deadline under 10 s': { ackDeadlineSeconds: 9 },
    'an ack deadline over 600 s': { ackDeadlineSeconds: 601 },
    'a retention under 10 minutes': { messageRetentionDuration: 599 * second },
    'a retention over 31 days': { messageRetentionDuration: 32 * day },
    'fewer than 5 delivery attempts': {
      deadLetterPolicy: { deadLetterTopic: topic, maxDeliveryAttempts: 4 },
    },
    'a back-off over 600 s': { retryPolicy: { maximumBackoff: 601 * second } },
    'a minimum back-off over the maximum': {
      retryPolicy: { minimumBackoff: 20 * second, maximumBackoff: 10 * second },
    },
    'an endpoint that is no http URL': { pushConfig: { pushEndpoint: 'ftp://x' } },
    'a filter that does not parse': { filter: 'verdict = 1' },
  };
  for (const [what, settings] of Object.entries(refused)) {
    it(`with ${what} is refused`, () => {
      assert.throws(() => newSubscription({ name: subscription, topic, ...settings }), refusal);
    });
  }

  it('that asks for what is not emulated is refused as UNIMPLEMENTED, not half done', () => {
    const unimplemented = { status: 'UNIMPLEMENTED', message: 'enableExactlyOnceDelivery is not emulated' };
    const asked = { name: subscription, topic, enableExactlyOnceDelivery: true };
    assert.throws(() => newSubscription(asked), unimplemented);
    assert.doesNotThrow(() => newSubscription({ ...asked, enableExactlyOnceDelivery: false }));
  });

  it('is updated only in the fields that the mask names, in either case and into messages', () => {
    const current = newSubscription({ name: subscription, topic, labels: { a: '1' } });
    const patch = {
      ackDeadlineSeconds: 60,
      retryPolicy: { minimumBackoff: second, maximumBackoff: 2 * second },
      pushConfig: { pushEndpoint: 'http://127.0.0.1:1/', attributes: { x: 'y' } },
    };
    const paths = ['retry_policy', 'labels', 'push_config.push_endpoint'];
    const updated = updatedSubscription(current, patch, paths);
    assert.equal(updated.ackDeadlineSeconds, 10);
    assert.deepEqual(updated.retryPolicy, patch.retryPolicy);
    assert.deepEqual(updated.pushConfig, { pushEndpoint: 'http://127.0.0.1:1/' });
    assert.equal('labels' in updated, false);
  });

  it('keeps its filter, its topic and its ordering for life, and an update names its fields', () => {
    const current = newSubscription({ name: subscription, topic });
    for (const paths of [['filter'], ['topic'], ['enable_message_ordering'], ['nonsense'], []]) {
      assert.throws(() => updatedSubscription(current, { filter: 'attributes:a' }, paths), refusal);
    }
  });
});

describe('a topic', () => {
  it('needs a name that the service would take', () => {
    assert.deepEqual(newTopic({ name: topic, labels: { a: 'b' } }), { name: topic, labels: { a: 'b' } });
    for (const id of ['ab', 'goog-topic', '1st', 'a/b', 'a b', '', 'a'.repeat(256)]) {
      assert.throws(() => newTopic({ name: `projects/p/topics/${id}` }), refusal, id);
    }
  });

  it('can be made again after it was deleted, and does not get its old subscriptions back', async () => {
    const core = new Core();
    core.subscribe();
    core.broker.deleteTopic(topic);
    core.broker.topics.create({ name: topic });
    core.publish('a');
    assert.deepEqual(await core.pull(), []);
  });
});

describe('a publish request', () => {
  const message = { data: Buffer.from('x'), attributes: {}, orderingKey: '' };
  const attributes = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`key${index}`, 'v']));
  const refused: Readonly<Record<string, readonly object[]>> = {
    'no message': [],
    'an empty message': [{ data: Buffer.alloc(0) }],
    'an empty message among others': [message, { data: Buffer.alloc(0) }],
    'more than 1000 messages': Array.from({ length: 1001 }, () => message),
    'more than 10 MB': [{ data: Buffer.alloc(10_000_001) }],
    'more than 10 MB in all': [{ data: Buffer.alloc(5_000_001) }, { data: Buffer.alloc(5_000_000) }],
    'more than 100 attributes': [{ attributes: attributes(101) }],
    'an attribute key of more than 256 bytes': [{ attributes: { ['k'.repeat(257)]: 'v' } }],
    'an empty attribute key': [{ attributes: { '': 'v' } }],
    'an attribute key that begins with goog': [{ attributes: { googclient: 'v' } }],
    'an attribute value of more than 1024 bytes': [{ attributes: { k: 'é'.repeat(513) } }],
    'an ordering key of more than 1024 bytes': [{ orderingKey: 'k'.repeat(1025) }],
    'two ordering keys': [{ orderingKey: 'k' }, { orderingKey: 'l' }],
  };
  for (const [what, messages] of Object.entries(refused)) {
    it(`with ${what} is refused as a whole`, async () => {
      const core = new Core();
      core.subscribe();
      const full = messages.map((part) => ({
        ...message,
        ...('attributes' in part && { data: Buffer.alloc(0) }),
        ...part,
      }));
      assert.throws(() => core.broker.publish(topic, full), refusal);
      assert.deepEqual(await core.pull(), []);
    });
  }

  it('may go up to every limit', () => {
    const core = new Core();
    const full = {
      data: Buffer.alloc(9_990_000),
      attributes: attributes(100),
      orderingKey: 'k'.repeat(1024),
    };
    assert.equal(core.broker.publish(topic, [full]).length, 1);
    assert.equal(
      core.broker.publish(
        topic,
        Array.from({ length: 1000 }, () => message),
      ).length,
      1000,
    );
  });

  it('to a topic that does not exist is NOT_FOUND', () => {
    assert.throws(() => new Core().broker.publish('projects/p/topics/none', [message]), {
      status: 'NOT_FOUND',
    });
  });
});

describe('a list', () => {
  const all = ['c', 'a', 'b'].map((name) => ({ name }));

  it('comes in pages, by name, and skips nothing when a page is deleted meanwhile', () => {
    const first = pageOf(all, { pageSize: 2, pageToken: '' });
    assert.deepEqual(first.items, [{ name: 'a' }, { name: 'b' }]);
    const rest = pageOf([{ name: 'c' }], { pageSize: 2, pageToken: first.nextPageToken });
    assert.deepEqual(rest, { items: [{ name: 'c' }], nextPageToken: '' });
  });

  it('is one page where no size is given', () => {
    assert.deepEqual(pageOf(all, { pageSize: 0, pageToken: '' }).nextPageToken, '');
  });
});
