import assert from 'node:assert/strict';
import { type Endpoint, pushedText, startEndpoint, wrapped } from '../../infra/emulators/pubsub/endpoint.ts';
import type { Promises, Subject } from './describe-pubsub.ts';
import { topicAndSubscription } from './suite-client.ts';

/** Runs a test with a topic that is pushed to an endpoint of this machine, and ends both. */
async function pushed(
  subject: Subject,
  options: { readonly pushConfig?: object } & Record<string, unknown>,
  test: (made: Awaited<ReturnType<typeof topicAndSubscription>> & { endpoint: Endpoint }) => Promise<void>,
): Promise<void> {
  const endpoint = await startEndpoint();
  const pushConfig = { pushEndpoint: endpoint.url, ...options.pushConfig };
  const made = await topicAndSubscription(subject, { ...options, pushConfig });
  try {
    await test({ ...made, endpoint });
  } finally {
    await made.subscription.delete();
    await endpoint.stop();
  }
}

export function pushes(promises: Promises): void {
  promises('pushes a message in its JSON wrapper', (subject) =>
    pushed(subject, {}, async ({ topic, subscription, endpoint }) => {
      const messageId = await topic.publishMessage({
        data: Buffer.from('hå'),
        attributes: { verdict: 'clean' },
      });
      const request = await endpoint.requests.take();
      request.answer(204);
      assert.match(request.headers['content-type'] ?? '', /^application\/json/);
      const { message, ...rest } = wrapped(request);
      assert.equal(rest.subscription, subscription.name);
      assert.equal(pushedText(request), 'hå');
      assert.deepEqual(message['attributes'], { verdict: 'clean' });
      assert.equal(message['messageId'], messageId);
      assert.equal(message['message_id'], messageId);
      assert.equal(message['publishTime'], message['publish_time']);
      assert.ok(!Number.isNaN(Date.parse(String(message['publishTime']))));
    }),
  );

  promises('pushes a message again that the endpoint refused', (subject) =>
    pushed(subject, {}, async ({ topic, endpoint }) => {
      const messageId = await topic.publishMessage({ data: Buffer.from('a') });
      for (const status of [500, 404, 200]) {
        const request = await endpoint.requests.take();
        assert.equal(wrapped(request).message['messageId'], messageId);
        request.answer(status);
      }
    }),
  );

  promises('takes 102, 200, 201, 202 and 204 for acknowledgements, and redirects for refusals', (subject) =>
    pushed(subject, { enableMessageOrdering: true }, async ({ topic, endpoint }) => {
      topic.setPublishOptions({ messageOrdering: true });
      const answers = [102, 200, 201, 202, 204, 200];
      for (const status of answers) {
        await topic.publishMessage({ data: Buffer.from(String(status)), orderingKey: 'k' });
      }
      // The next of a key comes only when the one before was acknowledged: the sequence tells.
      for (const status of answers) {
        const request = await endpoint.requests.take();
        assert.equal(pushedText(request), String(status));
        if (status === 102) request.response.writeProcessing();
        else request.answer(status);
      }
      await topic.publishMessage({ data: Buffer.from('redirected'), orderingKey: 'k' });
      for (const status of [302, 200]) {
        const request = await endpoint.requests.take();
        assert.equal(pushedText(request), 'redirected');
        request.answer(status);
      }
    }),
  );

  promises(
    'pushes the ordering key and, with a dead letter policy, the delivery attempt',
    async (subject) => {
      const { topic: graves } = await topicAndSubscription(subject);
      const options = {
        enableMessageOrdering: true,
        deadLetterPolicy: { deadLetterTopic: graves.name, maxDeliveryAttempts: 5 },
      };
      await pushed(subject, options, async ({ topic, endpoint }) => {
        topic.setPublishOptions({ messageOrdering: true });
        await topic.publishMessage({ data: Buffer.from('a'), orderingKey: 'k' });
        for (const attempt of [1, 2]) {
          const request = await endpoint.requests.take();
          const body = wrapped(request);
          assert.equal(body['deliveryAttempt'], attempt);
          assert.equal(body.message['orderingKey'], 'k');
          request.answer(attempt === 1 ? 503 : 200);
        }
      });
    },
  );

  promises('pushes with a bearer token where the subscription names a service account', (subject) =>
    pushed(
      subject,
      {
        pushConfig: {
          oidcToken: { serviceAccountEmail: 'pusher@p.iam.gserviceaccount.com', audience: 'scanner' },
        },
      },
      async ({ topic, endpoint }) => {
        await topic.publishMessage({ data: Buffer.from('a') });
        const request = await endpoint.requests.take();
        request.answer(200);
        assert.match(request.headers.authorization ?? '', /^Bearer [\w-]+\.[\w-]+\.[\w-]+$/);
      },
    ),
  );

  promises('pushes the data alone, with the rest in headers, where no wrapper is wanted', (subject) =>
    pushed(subject, { pushConfig: { noWrapper: { writeMetadata: true } } }, async (made) => {
      const { topic, subscription, endpoint } = made;
      const messageId = await topic.publishMessage({
        data: Buffer.from('raw'),
        attributes: { verdict: 'clean' },
      });
      const request = await endpoint.requests.take();
      request.answer(200);
      assert.equal(request.body, 'raw');
      assert.equal(request.headers['verdict'], 'clean');
      assert.equal(request.headers['x-goog-pubsub-message-id'], messageId);
      assert.equal(request.headers['x-goog-pubsub-subscription-name'], subscription.name);
      assert.ok(request.headers['x-goog-pubsub-publish-time']);
    }),
  );
}
