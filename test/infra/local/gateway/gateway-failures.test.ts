import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { ask, gatewayBefore, HOST, rawClient } from './gateway-fixture.ts';

const MIB = 1024 * 1024;
const EXPECTING = 'POST /files HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n';

describe('the gateway, when things end early', () => {
  it('lets the function decide on Expect: 100-continue, so that a refused client sends no body', async () => {
    await using fixture = await gatewayBefore((_, answer) => answer.end());
    let bodyBytes = 0;
    fixture.upstream.on('checkContinue', (asked, answer) => {
      asked.on('data', (chunk: Buffer) => {
        bodyBytes += chunk.length;
      });
      answer.writeHead(401).end('who are you');
    });
    const { until } = await rawClient(fixture.gateway.port, EXPECTING);
    const seen = await until(/who are you/);
    assert.match(seen, /^HTTP\/1\.1 401 /);
    assert.equal(bodyBytes, 0);
  });

  it('passes the 100 of a function that wants the body, once', async () => {
    await using fixture = await gatewayBefore((_, answer) => answer.end());
    fixture.upstream.on('checkContinue', async (asked, answer) => {
      answer.writeContinue();
      for await (const chunk of asked) answer.write(chunk);
      answer.end();
    });
    const { socket, until } = await rawClient(fixture.gateway.port, EXPECTING);
    await until(/^HTTP\/1\.1 100 Continue\r\n\r\n/);
    socket.write('hello');
    const seen = await until(/hello/);
    assert.equal(seen.match(/100 Continue/g)?.length, 1);
  });

  it('passes the body of a client that does not wait for the 100', async () => {
    await using fixture = await gatewayBefore((_, answer) => answer.end());
    fixture.upstream.on('checkContinue', async (asked, answer) => {
      let body = '';
      for await (const chunk of asked) body += chunk;
      answer.end(`got ${body}`);
    });
    const { until } = await rawClient(fixture.gateway.port, `${EXPECTING}hello`);
    assert.match(await until(/got hello/), /200 OK/);
  });

  for (const connection of ['keep-alive', 'close']) {
    it(`shows an early refusal to a client that goes on sending (function says ${connection})`, async () => {
      await using fixture = await gatewayBefore((asked, answer) => {
        asked.once('data', () => {
          answer.writeHead(401, { Connection: connection, 'Content-Length': 2 }).end('no');
        });
      });
      const length = 31 * MIB;
      const head = `POST /files HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`;
      const { socket, until } = await rawClient(fixture.gateway.port, head);
      // A client that only reads after it has sent everything must neither be reset nor be left waiting.
      const closed = once(socket, 'close');
      const chunk = Buffer.alloc(MIB);
      for (let sent = 0; sent < length; sent += MIB) {
        const drained = new Promise((done) => socket.once('drain', done));
        if (!socket.write(chunk)) await Promise.race([drained, closed]);
      }
      assert.match(await until(/\r\n\r\nno/), /^HTTP\/1\.1 401 /);
      socket.write('GET /local/x HTTP/1.1\r\nHost: x\r\n\r\n');
      await until(/local$/);
      socket.destroy();
    });
  }

  it('tells the function when the client goes away while it sends', async () => {
    const aborted = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    await using fixture = await gatewayBefore((asked) => {
      asked.once('data', () => arrived.resolve());
      asked.once('error', () => aborted.resolve());
    });
    const head = 'POST /files HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf';
    const { socket } = await rawClient(fixture.gateway.port, head);
    await arrived.promise;
    socket.destroy();
    await aborted.promise;
  });

  it('tells the function when the client goes away while it downloads', async () => {
    const aborted = Promise.withResolvers<void>();
    await using fixture = await gatewayBefore((_, answer) => {
      answer.write('first');
      answer.once('close', () => aborted.resolve());
    });
    const { socket, until } = await rawClient(
      fixture.gateway.port,
      'GET /files/a HTTP/1.1\r\nHost: x\r\n\r\n',
    );
    await until(/first/);
    socket.destroy();
    await aborted.promise;
  });

  it('answers 503 with Retry-After while a function is not there', async () => {
    await using fixture = await gatewayBefore(() => {});
    await new Promise((done) => fixture.upstream.close(done));
    const answer = await ask(fixture.gateway.port, { method: 'POST', path: '/files' }, 'body');
    assert.equal(answer.status, 503);
    assert.equal(answer.headers['retry-after'], '1');
    assert.equal(answer.headers['content-type'], 'application/problem+json');
  });

  it('answers 503 when the function dies before it has answered', async () => {
    await using fixture = await gatewayBefore((asked) => asked.socket.resetAndDestroy());
    const answer = await ask(fixture.gateway.port, { path: '/files/a' });
    assert.equal(answer.status, 503);
  });

  for (const framing of [{ 'Content-Length': '1000' }, { 'Transfer-Encoding': 'chunked' }]) {
    it(`breaks the connection when the function dies in mid-answer (${Object.keys(framing)})`, async () => {
      await using fixture = await gatewayBefore((_, answer) => {
        answer.writeHead(200, framing);
        answer.write('half', () => answer.socket?.destroy());
      });
      const client = request({ host: HOST, port: fixture.gateway.port, path: '/files/a' });
      client.on('error', () => {}).end(); // Said of the request as well as of the answer.
      const [answer] = await once(client, 'response');
      await assert.rejects(async () => {
        for await (const _ of answer);
      });
    });
  }

  it('repeats a GET whose pooled connection had been closed by the function', async () => {
    let asked = 0;
    await using fixture = await gatewayBefore((request_, answer) => {
      asked += 1;
      // Answered, and then closed without a word at the next request, as a server that timed out does.
      if (asked === 2) return void request_.socket.destroy();
      answer.end(`answer ${asked}`);
    });
    const { port } = fixture.gateway;
    assert.equal((await ask(port, { path: '/files/a' })).body, 'answer 1');
    assert.equal((await ask(port, { path: '/files/a' })).body, 'answer 3');
  });

  it('never sends a POST twice', async () => {
    let asked = 0;
    await using fixture = await gatewayBefore((request_, answer) => {
      asked += 1;
      if (asked === 2) return void request_.socket.destroy();
      answer.end();
    });
    const { port } = fixture.gateway;
    assert.equal((await ask(port, { method: 'POST', path: '/uploads' })).status, 200);
    assert.equal((await ask(port, { method: 'POST', path: '/uploads' })).status, 503);
    assert.equal(asked, 2);
  });
});
