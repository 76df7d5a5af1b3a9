import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { MESSAGE_BYTES } from '../../../../infra/local/gateway/limits.ts';
import { ask, gatewayBefore, HOST, rawClient } from './gateway-fixture.ts';

const MIB = 1024 * 1024;

describe('the front end of a service, as on Cloud Run', () => {
  it('keeps reserved paths for itself, and no path of a file', async () => {
    let asked = 0;
    await using fixture = await gatewayBefore((_, answer) => answer.end(`function ${++asked}`));
    const { port } = fixture.front;
    for (const path of ['/healthz', '/healthz?full', '/readyz', '/eventlog', '/_ah/warmup']) {
      const { status, body, headers } = await ask(port, { path });
      assert.deepEqual([status, headers['content-type']], [404, 'text/html; charset=UTF-8'], path);
      assert.match(body, /Error 404/);
    }
    assert.equal(asked, 0);
    assert.equal((await ask(port, { path: '/files/abcz' })).body, 'function 1');
    assert.equal((await ask(port, { path: '/sweep' })).body, 'function 2');
  });

  it('refuses a head over 64 KiB, and leaves smaller ones to the function', async () => {
    await using fixture = await gatewayBefore((_, answer) => answer.end('function'));
    const answered = (bytes: number) => ask(fixture.front.port, { headers: { 'x-long': 'a'.repeat(bytes) } });
    assert.equal((await answered(70_000)).status, 431);
    assert.equal((await answered(15_000)).body, 'function');
    assert.equal((await answered(20_000)).status, 431); // Node's own limit in the function.
  });

  describe('with a request over 32 MiB', () => {
    it('answers 413 where its length says so, before the function sees it', async () => {
      let asked = 0;
      await using fixture = await gatewayBefore((_, answer) => answer.end(`${++asked}`));
      const head = (bytes: number) =>
        `POST /files HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes}\r\nExpect: 100-continue\r\n\r\n`;
      const { socket, until } = await rawClient(fixture.gateway.port, head(MESSAGE_BYTES));
      assert.match(await until(/<\/html>/), /^HTTP\/1\.1 413 .*\r\ncontent-type: text\/html/is);
      socket.destroy();
      assert.equal(asked, 0);
    });

    it('passes what is just below', async () => {
      await using fixture = await gatewayBefore(async (asked, answer) => {
        let bytes = 0;
        for await (const chunk of asked) bytes += chunk.length;
        answer.end(String(bytes));
      });
      const body = 'a'.repeat(MESSAGE_BYTES - 1024);
      const { port } = fixture.gateway;
      assert.equal((await ask(port, { method: 'POST', path: '/files' }, body)).body, String(body.length));
    });

    it('cuts a chunked one there: 413, and the function sees it break off', async () => {
      const broken = Promise.withResolvers<number>();
      await using fixture = await gatewayBefore((asked) => {
        let bytes = 0;
        asked.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
        });
        asked.on('error', () => broken.resolve(bytes));
        asked.on('end', () => broken.reject(new Error('it looked whole')));
      });
      const client = request({
        ...{ host: HOST, port: fixture.gateway.port, agent: false },
        ...{ method: 'POST', path: '/files' },
      });
      const answered = once(client, 'response') as Promise<[IncomingMessage]>;
      for (let sent = 0; sent <= MESSAGE_BYTES; sent += MIB) {
        if (!client.write(Buffer.alloc(MIB))) await once(client, 'drain');
      }
      client.end();
      const [answer] = await answered;
      assert.equal(answer.statusCode, 413);
      answer.resume();
      assert.ok((await broken.promise) <= MESSAGE_BYTES);
    });
  });

  describe('with an answer over 32 MiB', () => {
    it('makes an empty 500 of one with a length, of which the function sees nothing', async () => {
      const finished = Promise.withResolvers<void>();
      await using fixture = await gatewayBefore((_, answer) => {
        answer.writeHead(200, { 'Content-Length': 40 * MIB, ETag: '"a"' });
        answer.once('finish', finished.resolve);
        answer.once('error', finished.reject);
        answer.end(Buffer.alloc(40 * MIB));
      });
      const { status, headers, body } = await ask(fixture.gateway.port, { path: '/files/a' });
      assert.deepEqual([status, body, headers['etag']], [500, '', undefined]);
      await finished.promise;
    });

    it('passes one that is chunked, and the length alone of a HEAD', async () => {
      await using fixture = await gatewayBefore((asked, answer) => {
        if (asked.method === 'HEAD') answer.writeHead(200, { 'Content-Length': 40 * MIB });
        else answer.write('a');
        answer.end(Buffer.alloc(40 * MIB, 'a'));
      });
      const { port } = fixture.gateway;
      const whole = await ask(port, { path: '/files/a' });
      assert.deepEqual([whole.status, whole.body.length], [200, 40 * MIB + 1]);
      const head = await ask(port, { method: 'HEAD', path: '/files/a' });
      assert.deepEqual([head.status, head.headers['content-length']], [200, String(40 * MIB)]);
    });
  });

  describe('with as many requests as an instance takes', () => {
    it('gives the function no more at a time, and the others their turn in order', async () => {
      const seen: (string | undefined)[] = [];
      let running = 0;
      let most = 0;
      await using fixture = await gatewayBefore(
        (asked, answer) => {
          seen.push(asked.url);
          most = Math.max(most, ++running);
          // Long enough for the others to come meanwhile, were they let through.
          setTimeout(() => {
            running -= 1;
            answer.end(asked.url);
          }, 50);
        },
        { concurrency: 2 },
      );
      const { port } = fixture.front;
      const paths = ['/1', '/2', '/3', '/4', '/5', '/6'];
      const answers = [];
      for (const path of paths) {
        answers.push(ask(port, { path }));
        await new Promise((next) => setTimeout(next, 5));
      }
      assert.deepEqual(
        (await Promise.all(answers)).map(({ body }) => body),
        paths,
      );
      assert.deepEqual([most, seen], [2, paths]);
    });

    it('answers 429 without Retry-After where its turn does not come in time', async () => {
      const release = Promise.withResolvers<void>();
      let asked = 0;
      await using fixture = await gatewayBefore(
        async (_, answer) => {
          asked += 1;
          await release.promise;
          answer.end('done');
        },
        { concurrency: 1, pendingMs: 50 },
      );
      const { port } = fixture.front;
      const first = ask(port, { path: '/1' });
      while (asked === 0) await new Promise((next) => setTimeout(next, 1));
      const { status, body, headers } = await ask(port, { method: 'POST', path: '/2' }, 'body');
      assert.deepEqual([status, body, headers['retry-after']], [429, 'Rate exceeded.', undefined]);
      assert.equal(asked, 1);
      release.resolve();
      assert.equal((await first).body, 'done');
      assert.equal((await ask(port, { path: '/3' })).body, 'done');
    });

    for (const [how, end] of [
      ['breaks off in the function', (asked: IncomingMessage) => asked.socket.destroy()],
      ['is left by its client', () => undefined],
    ] as const) {
      it(`has room again after one that ${how}`, async () => {
        const arrived = Promise.withResolvers<IncomingMessage>();
        await using fixture = await gatewayBefore(
          (asked, answer) => (asked.url === '/1' ? arrived.resolve(asked) : answer.end('next')),
          { concurrency: 1, pendingMs: 5_000 },
        );
        const { port } = fixture.front;
        const { socket } = await rawClient(port, 'POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n');
        const waits = await rawClient(port, 'GET /left HTTP/1.1\r\nHost: x\r\n\r\n');
        const asked = await arrived.promise;
        waits.socket.destroy(); // A client that no longer waits has no turn.
        const next = ask(port, { path: '/2' });
        end(asked);
        if (how.includes('client')) socket.destroy();
        assert.equal((await next).body, 'next');
        socket.destroy();
      });
    }
  });

  describe('with a request that takes longer than the service may', () => {
    it('answers 504, and the function sees it go', async () => {
      const gone = Promise.withResolvers<void>();
      await using fixture = await gatewayBefore((_, answer) => void answer.once('close', gone.resolve), {
        timeoutMs: 50,
      });
      const { status, body } = await ask(fixture.front.port, { path: '/slow' });
      assert.deepEqual([status, body], [504, 'upstream request timeout']);
      await gone.promise;
    });

    it('breaks an answer that has begun', async () => {
      await using fixture = await gatewayBefore((_, answer) => void answer.write('begun'), {
        timeoutMs: 200,
      });
      const client = request({ host: HOST, port: fixture.front.port, path: '/slow', agent: false });
      client.on('error', () => {}).end(); // Said of the request as well as of the answer.
      const [answer] = (await once(client, 'response')) as [IncomingMessage];
      await assert.rejects(async () => {
        for await (const _ of answer);
      });
    });
  });
});
