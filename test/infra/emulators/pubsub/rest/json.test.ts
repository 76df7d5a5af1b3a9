import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decode, encode } from '../../../../../infra/emulators/pubsub/src/grpc/wire.ts';
import { publisher, requestType, subscriber } from '../../../../../infra/emulators/pubsub/src/protos.ts';
import { fromJson, toJson } from '../../../../../infra/emulators/pubsub/src/rest/json.ts';

const type = (service: typeof publisher, method: string) => {
  const found = service.methods[method];
  assert.ok(found);
  return requestType(found);
};
const publish = type(publisher, 'Publish');
const createSubscription = type(subscriber, 'CreateSubscription');
const updateSubscription = type(subscriber, 'UpdateSubscription');

const record = <T extends object>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(model, { noNullPrototype: true });
const name = fc.string({ minLength: 1 });
const message = record({
  data: fc.uint8Array({ minLength: 1 }).map((bytes) => Buffer.from(bytes)),
  attributes: fc.dictionary(
    name.filter((key) => key !== '__proto__'),
    fc.string(),
    { minKeys: 1, noNullPrototype: true },
  ),
  orderingKey: name,
  publishTime: fc.integer({ min: 1, max: 4_000_000_000_000 }),
});
const published = record({ topic: name, messages: fc.array(message, { minLength: 1 }) });
const milliseconds = fc.integer({ min: 1, max: 10_000_000 });
const subscription = record({
  name,
  ackDeadlineSeconds: fc.integer({ min: 1, max: 600 }),
  messageRetentionDuration: milliseconds,
  retryPolicy: record({ minimumBackoff: milliseconds, maximumBackoff: milliseconds }),
  expirationPolicy: fc.constant({}),
  pushConfig: record({ noWrapper: record({ writeMetadata: fc.constant(true) }) }),
});

describe('a message of the API', () => {
  it('is the same after a way over JSON', () => {
    fc.assert(
      fc.property(published, (value) => {
        assert.deepEqual(fromJson(publish, JSON.parse(JSON.stringify(toJson(publish, value)))), value);
      }),
    );
    fc.assert(
      fc.property(subscription, (value) => {
        assert.deepEqual(fromJson(createSubscription, toJson(createSubscription, value)), value);
      }),
    );
  });

  it('is the same after a way over protobuf', () => {
    fc.assert(
      fc.property(published, (value) => {
        assert.deepEqual(decode(publish, encode(publish, value)), value);
      }),
    );
    fc.assert(
      fc.property(subscription, (value) => {
        assert.deepEqual(decode(createSubscription, encode(createSubscription, value)), value);
      }),
    );
  });

  it('has a field mask as a list of paths on either way', () => {
    const value = {
      subscription: { name: 'n' },
      updateMask: ['ackDeadlineSeconds', 'pushConfig.pushEndpoint'],
    };
    assert.equal(
      toJson(updateSubscription, value)['updateMask'],
      'ackDeadlineSeconds,pushConfig.pushEndpoint',
    );
    assert.deepEqual(fromJson(updateSubscription, toJson(updateSubscription, value)), value);
    assert.deepEqual(decode(updateSubscription, encode(updateSubscription, value)), value);
  });

  it('leaves out of JSON what is at its default, and keeps empty attribute values', () => {
    const value = {
      topic: '',
      messages: [{ data: Buffer.alloc(0), attributes: { empty: '' }, orderingKey: '' }, { attributes: {} }],
    };
    assert.deepEqual(toJson(publish, value), { messages: [{ attributes: { empty: '' } }, {}] });
  });
});
