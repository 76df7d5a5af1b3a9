import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { ask, gatewayBefore, HOST, rawClient } from './gateway-fixture.ts';

const MIB = 1024 * 1024;

describe('the gateway', () => {
  it('routes by method and path, with the query, and answers 404 for what is not served', async () => {
    await using fixture = await gatewayBefore((asked, answer) => answer.end(`${asked.method} ${asked.url}`));
    const { port } = fixture.gateway;
    assert.equal((await ask(port, { path: '/files/a?b=/c' })).body, 'GET /files/a?b=/c');
    assert.equal((await ask(port, { method: 'DELETE', path: '/uploads/1' })).body, 'DELETE /uploads/1');
    assert.equal((await ask(port, { path: '/local/token?x' })).body, 'local');
    const missing = await ask(port, { path: '/filesystem' });
    assert.equal(missing.status, 404);
    assert.equal(missing.headers['content-type'], 'application/problem+json');
    assert.equal(JSON.parse(missing.body).status, 404);
  });

  it('passes a body of unknown length in both directions, unchanged', async () => {
    await using fixture = await gatewayBefore((asked, answer) => {
      assert.equal(asked.headers['content-length'], undefined);
      asked.pipe(answer);
    });
    const sent = createHash('sha256');
    const got = createHash('sha256');
    const client = request({
      host: HOST,
      port: fixture.gateway.port,
      method: 'POST',
      path: '/files',
      agent: false,
    });
    client.once('response', (answer) => answer.on('data', (chunk: Buffer) => got.update(chunk)));
    const answered = once(client, 'response');
    for (let part = 0; part < 40; part += 1) {
      const chunk = randomBytes(1 + part * 9_973);
      sent.update(chunk);
      if (!client.write(chunk)) await once(client, 'drain');
    }
    client.end();
    const [answer] = await answered;
    await once(answer, 'end');
    assert.equal(got.digest('hex'), sent.digest('hex'));
  });

  it('holds back a sender while the function does not read, and keeps memory flat', async () => {
    const reading = Promise.withResolvers<void>();
    let received = 0;
    await using fixture = await gatewayBefore(async (asked, answer) => {
      await reading.promise;
      for await (const chunk of asked) received += chunk.length;
      answer.end('done');
    });
    const client = request({
      host: HOST,
      port: fixture.gateway.port,
      method: 'POST',
      path: '/files',
      agent: false,
    });
    const answered = once(client, 'response');
    const chunk = Buffer.alloc(MIB);
    let sent = 0;
    // Written until nobody takes any more: what fits in the sockets' buffers and the gateway's, and no further.
    while (client.write(chunk)) sent += MIB;
    while (await Promise.race([once(client, 'drain').then(() => true), quiet()])) {
      client.write(chunk);
      sent += MIB;
      assert.ok(sent < 64 * MIB, 'the gateway takes in more than it can pass on');
    }
    reading.resolve();
    client.end();
    await answered;
    assert.ok(received >= sent);
  });

  it('holds back the function while the client does not read', async () => {
    let written = 0;
    await using fixture = await gatewayBefore((_, answer) => {
      const chunk = Buffer.alloc(MIB);
      const fill = () => {
        while (written < 512 * MIB) {
          written += MIB;
          if (!answer.write(chunk)) return void answer.once('drain', fill);
        }
        answer.end();
      };
      fill();
    });
    const { socket, until } = await rawClient(
      fixture.gateway.port,
      'GET /files/a HTTP/1.1\r\nHost: x\r\n\r\n',
    );
    await until(/200 OK/);
    socket.pause();
    let before = -1;
    while (before !== written) {
      before = written;
      await quiet();
    }
    assert.ok(written < 64 * MIB);
    socket.destroy();
  });

  it('answers a HEAD with the length and no body', async () => {
    await using fixture = await gatewayBefore((_, answer) => {
      answer.writeHead(200, { 'Content-Length': 5_000_000_000 });
      answer.end();
    });
    const answer = await ask(fixture.gateway.port, { method: 'HEAD', path: '/files/a' });
    assert.equal(answer.headers['content-length'], '5000000000');
    assert.equal(answer.body, '');
  });

  it('lets requests under way end when it stops accepting', async () => {
    const release = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    await using fixture = await gatewayBefore(async (_, answer) => {
      arrived.resolve();
      await release.promise;
      answer.end('late');
    });
    const { port } = fixture.gateway;
    const late = ask(port, { path: '/files/a' });
    await arrived.promise;
    fixture.gateway.stopAccepting();
    await assert.rejects(ask(port, { path: '/files/b' }), { code: 'ECONNREFUSED' });
    release.resolve();
    assert.equal((await late).body, 'late');
  });
});

/** False when a number of turns of the event loop have brought nothing new. */
async function quiet(): Promise<false> {
  for (let turn = 0; turn < 2_000; turn += 1) await new Promise((next) => setImmediate(next));
  return false;
}
