import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { Fileshare, FileshareConnectionError, FileshareProblem } from '../../../../client/src/index.ts';
import { startPubSubEmulator } from '../../../../infra/emulators/pubsub/src/emulator.ts';
import { rest } from '../../emulators/pubsub/rest-client.ts';
import { gatewayBefore } from './gateway-fixture.ts';

const MIB = 1024 * 1024;

/** Holds the first request until it is released, and answers the others at once. */
function busyOnce(answer: RequestListener): RequestListener & { release(): void; readonly asked: string[] } {
  const asked: string[] = [];
  let held: (() => void) | undefined;
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    asked.push(`${request.method} ${request.url}`);
    if (asked.length === 1) held = () => answer(request, response);
    else answer(request, response);
  };
  return Object.assign(listener, { release: () => held?.(), asked });
}

async function until(true_: () => boolean): Promise<void> {
  while (!true_()) await new Promise((next) => setTimeout(next, 2));
}

describe('answers of the front end', () => {
  describe('to the client', () => {
    it('429: is retried until there is an instance', async () => {
      const service = busyOnce((_, answer) => {
        answer.writeHead(200, { 'content-type': 'application/json' }).end('{"id":"a","state":"clean"}');
      });
      await using fixture = await gatewayBefore(service, { concurrency: 1, pendingMs: 1 });
      let refused = 0;
      const counting: typeof fetch = async (url, init) => {
        const response = await fetch(url, init);
        if (response.status === 429 && ++refused === 2) service.release();
        return response;
      };
      const options = { url: fixture.gateway.url, token: 't' };
      const first = new Fileshare(options).status('a');
      await until(() => service.asked.length === 1);
      const handle = await new Fileshare({ ...options, fetch: counting }).status('a');
      assert.deepEqual([handle.state, (await first).state, refused >= 2], ['clean', 'clean', true]);
    });

    it('429 without end: says that all instances are busy', async () => {
      const service = busyOnce((_, answer) => void answer.end());
      let refused = 0;
      const onRefused = () => void refused++;
      await using fixture = await gatewayBefore(service, { concurrency: 1, pendingMs: 1, onRefused });
      const held = fetch(`${fixture.gateway.url}/files/a`);
      await until(() => service.asked.length === 1);
      const client = new Fileshare({ url: fixture.gateway.url, token: 't', retries: 1 });
      await assert.rejects(client.status('a'), told(429, /All instances of the service are busy/));
      assert.deepEqual([service.asked.length, refused], [1, 2]);
      service.release();
      await held;
    });

    it('413: is not retried, and says why', async () => {
      let asked = 0;
      await using fixture = await gatewayBefore((_, answer) => void answer.end(`${++asked}`));
      let sent = 0;
      const counting: typeof fetch = (url, init) => {
        sent += 1;
        return fetch(url, init);
      };
      const client = new Fileshare({
        ...{ url: fixture.gateway.url, token: 't', fetch: counting },
        postUpTo: 64 * MIB,
      });
      await assert.rejects(client.upload(new Uint8Array(33 * MIB)), told(413, /32 MiB in one request/));
      assert.deepEqual([asked, sent], [0, 1]);
    });

    it('an empty 500 to a download: is no file, and says what it may be', async () => {
      let finished = 0;
      await using fixture = await gatewayBefore((_, answer) => {
        answer.once('finish', () => (finished += 1));
        answer.writeHead(200, { 'content-length': 33 * MIB }).end(Buffer.alloc(33 * MIB));
      });
      const client = new Fileshare({ url: fixture.gateway.url, token: 't', retries: 1 });
      await assert.rejects(client.download('a'), told(500, /sent more than what is in front of it passes/));
      await until(() => finished === 2);
    });

    it('504: says that it took too long', async () => {
      await using fixture = await gatewayBefore(() => undefined, { timeoutMs: 20 });
      const client = new Fileshare({ url: fixture.gateway.url, token: 't', retries: 0 });
      await assert.rejects(client.status('a'), told(504, /took longer/));
    });

    it('404 for a path that it keeps or does not serve: says to check the address', async () => {
      await using fixture = await gatewayBefore((_, answer) => void answer.end());
      const client = new Fileshare({ url: `${fixture.front.url}/_ah`, token: 't' });
      await assert.rejects(client.status('a'), told(404, /check its address/));
    });

    it('nothing, at one of two host names: names the one that is not there', async () => {
      const digest = createHash('sha256').update('a').digest('hex');
      await using upload = await gatewayBefore((request, answer) => {
        request.resume();
        const handle = { id: 'a', state: 'pending', sha256: digest };
        answer.writeHead(202, { 'content-type': 'application/json', location: '/files/a' });
        answer.end(JSON.stringify(handle));
      });
      const files = await gatewayBefore((_, answer) => void answer.end());
      const filesUrl = files.front.url;
      await files[Symbol.asyncDispose]();
      const client = new Fileshare({ uploadUrl: upload.front.url, filesUrl, token: 't', retries: 0 });
      const { id } = await client.upload(Buffer.from('a'));
      await assert.rejects(
        client.wait(id),
        (error) => error instanceof FileshareConnectionError && error.message.includes(`${filesUrl}/files/a`),
      );
    });
  });

  it('429 to a push of Pub/Sub: the message comes again, and none is lost', async () => {
    const delivered = new Set<string>();
    const service = busyOnce(async (request, answer) => {
      const body = Buffer.concat(await request.toArray()).toString();
      delivered.add((JSON.parse(body) as { message: { data: string } }).message.data);
      answer.writeHead(204).end();
    });
    await using fixture = await gatewayBefore(service, { concurrency: 1, pendingMs: 1 });
    const emulator = await startPubSubEmulator({ log: () => undefined });
    try {
      await rest(emulator.host, 'PUT', '/topics/finalized', {});
      await rest(emulator.host, 'PUT', '/subscriptions/scanner', {
        topic: 'projects/p/topics/finalized',
        pushConfig: { pushEndpoint: `${fixture.front.url}/` },
        retryPolicy: { minimumBackoff: '0.02s', maximumBackoff: '0.02s' },
      });
      const messages = Array.from({ length: 5 }, (_, n) => ({
        data: Buffer.from(`${n}`).toString('base64'),
      }));
      await rest(emulator.host, 'POST', '/topics/finalized:publish', { messages });
      await until(() => service.asked.length === 1);
      const blocked = await fetch(fixture.front.url, { method: 'POST' });
      assert.equal(blocked.status, 429);
      service.release();
      await until(() => delivered.size === messages.length);
    } finally {
      await emulator.stop();
    }
  });
});

function told(status: number, detail: RegExp): (error: unknown) => boolean {
  return (error) =>
    error instanceof FileshareProblem && error.status === status && detail.test(error.message);
}
