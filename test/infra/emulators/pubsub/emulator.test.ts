import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { PubSub } from '@google-cloud/pubsub';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { type PubSubEmulator, startPubSubEmulator } from '../../../../infra/emulators/pubsub/src/emulator.ts';
import { clientOf } from './client.ts';
import { startEndpoint, wrapped } from './endpoint.ts';
import { rest, restPull } from './rest-client.ts';

describe('the Pub/Sub emulator over JSON', () => {
  let emulator: PubSubEmulator;

  before(async () => {
    emulator = await startPubSubEmulator();
    await rest(emulator.host, 'PUT', '/topics/topic');
  });

  after(() => emulator.stop());

  const post = (path: string, body: string) =>
    fetch(`http://${emulator.host}${path}`, { method: 'POST', body });
  const topic = 'projects/p/topics/topic';

  it('reads snake_case, takes null for unset, and numbers in quotes', async () => {
    const asked = { topic, ack_deadline_seconds: '20', push_config: null, labels: { snake_case: 'kept' } };
    const { status, body } = await rest(emulator.host, 'PUT', '/subscriptions/lenient', asked);
    assert.equal(status, 200);
    assert.deepEqual(body, {
      name: 'projects/p/subscriptions/lenient',
      topic,
      pushConfig: {},
      ackDeadlineSeconds: 20,
      messageRetentionDuration: '604800s',
      labels: { snake_case: 'kept' },
      expirationPolicy: { ttl: '2678400s' },
    });
  });

  const refused: Readonly<Record<string, string>> = {
    'no JSON': 'hello',
    'no object': '[]',
    'an unknown field': '{"message":[]}',
    'an unknown field within': '{"messages":[{"data":"YQ==","colour":"red"}]}',
    'a list that is none': '{"messages":{}}',
    'data that is no base64': '{"messages":[{"data":"a b"}]}',
    'an attribute that is no text': '{"messages":[{"attributes":{"a":1}}]}',
    nothing: '',
  };
  for (const [what, body] of Object.entries(refused)) {
    it(`refuses ${what} with 400 INVALID_ARGUMENT`, async () => {
      const response = await post(`/v1/${topic}:publish`, body);
      assert.equal(response.status, 400);
      assert.match(await response.text(), /"status": "INVALID_ARGUMENT"/);
    });
  }

  it('answers 404 off the paths of the API, and 501 for what it does not emulate', async () => {
    assert.equal((await rest(emulator.host, 'GET', '/nothing/here')).status, 404);
    assert.equal((await rest(emulator.host, 'PUT', '/snapshots/snapshot', {})).status, 501);
  });

  it('lets a Pull wait for a message that is yet to come', async () => {
    await rest(emulator.host, 'PUT', '/subscriptions/waiting', { topic });
    const pulled = rest(emulator.host, 'POST', '/subscriptions/waiting:pull', { maxMessages: 1 });
    await rest(emulator.host, 'POST', '/topics/topic:publish', { messages: [{ data: 'YQ==' }] });
    assert.match(JSON.stringify((await pulled).body), /"data":"YQ=="/);
  });

  it('tells how much waits in each subscription, and for how long', async () => {
    await rest(emulator.host, 'PUT', '/topics/counted');
    for (const name of ['counted', 'empty']) {
      await rest(emulator.host, 'PUT', `/subscriptions/${name}`, { topic: 'projects/p/topics/counted' });
    }
    const messages = [{ data: 'YQ==' }, { data: 'Yg==' }];
    await rest(emulator.host, 'POST', '/topics/counted:publish', { messages });
    const ackIds = (await restPull(emulator.host, 'empty')).map(({ ackId }) => ackId);
    await rest(emulator.host, 'POST', '/subscriptions/empty:acknowledge', { ackIds });
    const response = await fetch(`http://${emulator.host}/_emulator/backlog`);
    const { subscriptions } = (await response.json()) as {
      subscriptions: { name: string; messages: number; oldestSeconds: number }[];
    };
    const of = (name: string) =>
      subscriptions.find((each) => each.name === `projects/p/subscriptions/${name}`);
    assert.equal(of('counted')?.messages, 2);
    assert.ok((of('counted')?.oldestSeconds ?? -1) >= 0);
    assert.deepEqual([of('empty')?.messages, of('empty')?.oldestSeconds], [0, 0]);
  });

  it('tells HTTP/1.1 from HTTP/2 when the bytes come one by one', async () => {
    const [host, port] = emulator.host.split(':');
    const socket = connect({ host, port: Number(port), noDelay: true });
    const request = 'PUT /v1/projects/p/topics/slowly HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    for (const character of request) await new Promise((resolve) => socket.write(character, resolve));
    assert.match(Buffer.concat(await socket.toArray()).toString(), /^HTTP\/1\.1 200 OK\r\n/);
  });

  it('pushes with a token that its key set verifies', async () => {
    const endpoint = await startEndpoint();
    const oidcToken = { serviceAccountEmail: 'pusher@p.iam.gserviceaccount.com' };
    const pushConfig = { pushEndpoint: endpoint.url, oidcToken };
    await rest(emulator.host, 'PUT', '/subscriptions/authenticated', { topic, pushConfig });
    await rest(emulator.host, 'POST', '/topics/topic:publish', { messages: [{ data: 'YQ==' }] });
    const pushed = await endpoint.requests.take();
    pushed.answer(200);
    assert.equal(wrapped(pushed).message.data, 'YQ==');
    const keys = createRemoteJWKSet(new URL(`http://${emulator.host}/_emulator/jwks`));
    const token = (pushed.headers.authorization ?? '').replace(/^Bearer /, '');
    const { payload } = await jwtVerify(token, keys, {
      issuer: 'https://accounts.google.com',
      audience: endpoint.url,
      algorithms: ['RS256'],
    });
    assert.equal(payload['email'], oidcToken.serviceAccountEmail);
    assert.equal(payload['email_verified'], true);
    assert.equal(payload.sub, oidcToken.serviceAccountEmail);
    assert.equal((payload.exp ?? 0) - (payload.iat ?? 0), 3600);
    await rest(emulator.host, 'DELETE', '/subscriptions/authenticated');
    await endpoint.stop();
  });

  it('takes the message of a Pull back whose caller hung up', async () => {
    await rest(emulator.host, 'PUT', '/subscriptions/hungup', { topic });
    const caller = new AbortController();
    const body = JSON.stringify({ maxMessages: 1 });
    const url = `http://${emulator.host}/v1/projects/p/subscriptions/hungup:pull`;
    const pulled = fetch(url, { method: 'POST', body, signal: caller.signal });
    caller.abort();
    await assert.rejects(pulled);
    await rest(emulator.host, 'POST', '/topics/topic:publish', { messages: [{ data: 'YQ==' }] });
    assert.equal((await restPull(emulator.host, 'hungup')).length, 1);
  });
});

describe('the Pub/Sub emulator, when it stops', () => {
  it('ends streams, waiting pulls, stalled calls and silent connections, and frees its port', async () => {
    const emulator = await startPubSubEmulator();
    const port = Number(emulator.host.split(':')[1]);
    const client = clientOf(emulator.host);
    const [topic] = await client.createTopic('topic');
    const [subscription] = await topic.createSubscription('reader');
    const got = once(subscription, 'message');
    await topic.publishMessage({ data: Buffer.from('a') });
    await got;
    const silent = connect(port, '127.0.0.1');
    await once(silent, 'connect');
    emulator.faults.stall({ method: 'Publish' });
    const stalled = rest(emulator.host, 'POST', '/topics/topic:publish', { messages: [{ data: 'YQ==' }] });
    const waiting = rest(emulator.host, 'POST', '/subscriptions/reader:pull', { maxMessages: 1 });
    await rest(emulator.host, 'GET', '/topics/topic');
    const over = Promise.allSettled([stalled, waiting, once(silent, 'close')]);
    await emulator.stop();
    await over;
    const next = await startPubSubEmulator({ port });
    assert.equal(next.host, emulator.host);
    assert.equal((await rest(next.host, 'GET', '/topics/topic')).status, 404);
    await next.stop();
    await subscription.close();
    await client.close();
  });

  it('is an error to start on a port that is taken', async () => {
    const emulator = await startPubSubEmulator();
    const port = Number(emulator.host.split(':')[1]);
    await assert.rejects(startPubSubEmulator({ port }), { code: 'EADDRINUSE' });
    await emulator.stop();
  });

  it('serves the client library through apiEndpoint as well', async () => {
    const emulator = await startPubSubEmulator();
    const client = new PubSub({ projectId: 'p', apiEndpoint: emulator.host });
    await client.createTopic('topic');
    await client.close();
    await emulator.stop();
  });
});
