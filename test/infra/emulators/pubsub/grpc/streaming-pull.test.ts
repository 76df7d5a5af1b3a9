import assert from 'node:assert/strict';
import type { v1 } from '@google-cloud/pubsub';
import {
  type PubSubEmulator,
  startPubSubEmulator,
} from '../../../../../infra/emulators/pubsub/src/emulator.ts';
import { subscriberOf } from '../client.ts';
import { Inbox } from '../inbox.ts';
import { rest } from '../rest-client.ts';

interface Response {
  readonly receivedMessages?: readonly { ackId: string; message: { data: Buffer; messageId: string } }[];
  readonly subscriptionProperties?: { readonly messageOrderingEnabled?: boolean } | null;
}

const subscription = 'projects/p/subscriptions/reader';
const opening = { subscription, streamAckDeadlineSeconds: 10 };

describe('a StreamingPull', () => {
  let emulator: PubSubEmulator;
  let subscriber: v1.SubscriberClient;

  before(async () => {
    emulator = await startPubSubEmulator();
    subscriber = subscriberOf(emulator.host);
    await rest(emulator.host, 'PUT', '/topics/topic');
  });

  beforeEach(async () => {
    const body = { topic: 'projects/p/topics/topic', enableMessageOrdering: true };
    await rest(emulator.host, 'PUT', '/subscriptions/reader', body);
  });

  afterEach(() => rest(emulator.host, 'DELETE', '/subscriptions/reader'));

  after(async () => {
    await subscriber.close();
    await emulator.stop();
  });

  function open(request: object = opening) {
    const call = subscriber.streamingPull();
    const responses = new Inbox<Response>();
    call.on('data', (response: Response) => responses.put(response));
    call.on('error', (error: Error) => responses.fail(error));
    call.write(request);
    return { call, responses };
  }

  const publish = (...texts: string[]) =>
    rest(emulator.host, 'POST', '/topics/topic:publish', {
      messages: texts.map((text) => ({ data: Buffer.from(text).toString('base64') })),
    });

  it('begins by telling the properties of the subscription', async () => {
    const { call, responses } = open();
    assert.equal((await responses.take()).subscriptionProperties?.messageOrderingEnabled, true);
    call.end();
  });

  it('answers a keep-alive where the client speaks protocol version 1', async () => {
    const { call, responses } = open({ ...opening, protocolVersion: 1 });
    await responses.take();
    call.write({});
    assert.deepEqual((await responses.take()).receivedMessages, []);
    call.end();
  });

  it('acknowledges and refuses on the stream, and keeps to the messages and bytes it may have out', async () => {
    for (const limit of [{ maxOutstandingMessages: 1 }, { maxOutstandingBytes: 1 }]) {
      const { call, responses } = open({ ...opening, ...limit });
      await responses.take();
      await publish('a', 'b');
      const [first] = (await responses.take()).receivedMessages ?? [];
      assert.equal(first?.message.data.toString(), 'a');
      assert.equal(responses.size, 0);
      call.write({ ackIds: [first?.ackId] });
      const [second] = (await responses.take()).receivedMessages ?? [];
      assert.equal(second?.message.data.toString(), 'b');
      call.write({ modifyDeadlineAckIds: [second?.ackId], modifyDeadlineSeconds: [0] });
      const [again] = (await responses.take()).receivedMessages ?? [];
      assert.equal(again?.message.messageId, second?.message.messageId);
      call.write({ ackIds: [again?.ackId] });
      call.end();
    }
  });

  it('gets many messages in few responses', async () => {
    await publish(...Array.from({ length: 500 }, (_, index) => String(index)));
    const { call, responses } = open();
    await responses.take();
    assert.equal((await responses.take()).receivedMessages?.length, 500);
    call.end();
  });

  it('ends with NOT_FOUND when its subscription is deleted, and for one that never was', async () => {
    const { responses } = open();
    await responses.take();
    await rest(emulator.host, 'DELETE', '/subscriptions/reader');
    await assert.rejects(responses.take(), { code: 5 });
    await assert.rejects(open().responses.take(), { code: 5 });
  });

  const refused: Readonly<Record<string, readonly object[]>> = {
    'an ack deadline under 10 s': [{ ...opening, streamAckDeadlineSeconds: 9 }],
    'an ack deadline over 600 s later on': [opening, { streamAckDeadlineSeconds: 601 }],
    'a second subscription': [opening, { subscription }],
    'other flow control later on': [opening, { maxOutstandingMessages: 5 }],
    'deadlines without ack ids': [opening, { modifyDeadlineSeconds: [10] }],
    'a malformed ack id': [opening, { ackIds: ['nonsense'] }],
  };
  for (const [what, requests] of Object.entries(refused)) {
    it(`is refused ${what} with INVALID_ARGUMENT`, async () => {
      const { call, responses } = open(requests[0]);
      for (const request of requests.slice(1)) call.write(request);
      await assert.rejects(responses.takeMany(2), { code: 3 });
    });
  }

  it('is refused for a subscription that pushes', async () => {
    const body = { pushConfig: { pushEndpoint: 'http://127.0.0.1:1/' } };
    await rest(emulator.host, 'POST', '/subscriptions/reader:modifyPushConfig', body);
    await assert.rejects(open().responses.take(), { code: 9 });
  });
});
