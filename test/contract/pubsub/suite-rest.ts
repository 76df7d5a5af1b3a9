import assert from 'node:assert/strict';
import { rest, restPull } from '../../infra/emulators/pubsub/rest-client.ts';
import type { Promises, Subject } from './describe-pubsub.ts';

async function made({ host, unique }: Subject, settings: object = {}) {
  const topic = unique('topic');
  const subscription = unique('subscription');
  await rest(host, 'PUT', `/topics/${topic}`);
  const body = { topic: `projects/p/topics/${topic}`, ...settings };
  assert.equal((await rest(host, 'PUT', `/subscriptions/${subscription}`, body)).status, 200);
  return { topic, subscription };
}

const publish = (host: string, topic: string, ...messages: object[]) =>
  rest(host, 'POST', `/topics/${topic}:publish`, { messages });

const base64 = (text: string) => Buffer.from(text).toString('base64');

export function speaksJson(promises: Promises): void {
  promises('publishes, pulls and acknowledges over JSON', async (subject) => {
    const { host } = subject;
    const { topic, subscription } = await made(subject);
    const published = await publish(host, topic, { data: base64('hå'), attributes: { verdict: 'clean' } });
    assert.equal(published.status, 200);
    const [received] = await restPull(host, subscription);
    assert.ok(received);
    assert.equal(received.message.data, base64('hå'));
    assert.deepEqual(received.message['attributes'], { verdict: 'clean' });
    assert.deepEqual(published.body, { messageIds: [received.message['messageId']] });
    assert.match(received.message.publishTime, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
    const acknowledged = await rest(host, 'POST', `/subscriptions/${subscription}:acknowledge`, {
      ackIds: [received.ackId],
    });
    assert.deepEqual(acknowledged, { status: 200, body: {} });
    assert.deepEqual(await restPull(host, subscription), []);
  });

  promises('gives a message back at once over JSON when its ack deadline is set to 0', async (subject) => {
    const { host } = subject;
    const { topic, subscription } = await made(subject);
    await publish(host, topic, { data: base64('a') });
    const [received] = await restPull(host, subscription);
    const path = `/subscriptions/${subscription}:modifyAckDeadline`;
    const modified = await rest(host, 'POST', path, { ackIds: [received?.ackId], ackDeadlineSeconds: 0 });
    assert.deepEqual(modified, { status: 200, body: {} });
    const pull = { maxMessages: 1 };
    const again = await rest(host, 'POST', `/subscriptions/${subscription}:pull`, pull);
    assert.match(JSON.stringify(again.body), new RegExp(base64('a')));
  });

  promises('answers a refusal over JSON with an error object as Google does', async ({ host, unique }) => {
    const missing = await rest(host, 'GET', `/topics/${unique('none')}`);
    assert.equal(missing.status, 404);
    const { error } = JSON.parse(JSON.stringify(missing.body));
    assert.equal(error.code, 404);
    assert.equal(error.status, 'NOT_FOUND');
    assert.equal(typeof error.message, 'string');
    const topic = unique('topic');
    await rest(host, 'PUT', `/topics/${topic}`);
    assert.equal((await rest(host, 'PUT', `/topics/${topic}`)).status, 409);
    assert.equal((await publish(host, topic, {})).status, 400);
  });

  promises('shows durations and settings over JSON, and updates them by mask', async (subject) => {
    const { host } = subject;
    const { subscription } = await made(subject, {
      ackDeadlineSeconds: 20,
      messageRetentionDuration: '3600s',
      retryPolicy: { minimumBackoff: '1.500s', maximumBackoff: '60s' },
    });
    const path = `/subscriptions/${subscription}`;
    const shown = JSON.parse(JSON.stringify((await rest(host, 'GET', path)).body));
    assert.equal(shown.messageRetentionDuration, '3600s');
    assert.equal(Number.parseFloat(shown.retryPolicy.minimumBackoff), 1.5);
    const name = `projects/p/subscriptions/${subscription}`;
    const patch = { subscription: { name, ackDeadlineSeconds: 40 }, updateMask: 'ackDeadlineSeconds' };
    assert.equal((await rest(host, 'PATCH', path, patch)).status, 200);
    const updated = JSON.parse(JSON.stringify((await rest(host, 'GET', path)).body));
    assert.equal(updated.ackDeadlineSeconds, 40);
    assert.equal(updated.messageRetentionDuration, '3600s');
    assert.deepEqual(await rest(host, 'DELETE', path), { status: 200, body: {} });
    assert.equal((await rest(host, 'GET', path)).status, 404);
  });

  promises('lists topics over JSON in pages', async ({ host, unique }) => {
    const made = [unique('paged'), unique('paged')];
    for (const topic of made) await rest(host, 'PUT', `/topics/${topic}`);
    const seen: string[] = [];
    let token = '';
    do {
      const { body } = await rest(host, 'GET', `/topics?pageSize=1&pageToken=${encodeURIComponent(token)}`);
      const page = JSON.parse(JSON.stringify(body));
      assert.ok(page.topics.length <= 1);
      seen.push(...page.topics.map(({ name }: { name: string }) => name));
      token = page.nextPageToken ?? '';
    } while (token !== '');
    for (const topic of made) assert.ok(seen.includes(`projects/p/topics/${topic}`));
  });

  promises('purges a subscription by a seek to the future', async (subject) => {
    const { host } = subject;
    const { topic, subscription } = await made(subject);
    await publish(host, topic, { data: base64('old') });
    const time = new Date(Date.now() + 60_000).toISOString();
    assert.equal((await rest(host, 'POST', `/subscriptions/${subscription}:seek`, { time })).status, 200);
    assert.deepEqual(await restPull(host, subscription), []);
  });

  promises('shows one world to gRPC and JSON on one port', async (subject) => {
    const { host, client } = subject;
    const { topic, subscription } = await made(subject);
    await publish(host, topic, { data: base64('from JSON') });
    const message = await subject.listen(client.subscription(subscription)).take();
    assert.equal(message.data.toString(), 'from JSON');
    message.ack();
  });
}
