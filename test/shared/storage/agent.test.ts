import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { keptConnections } from '../../../shared/storage/agent.ts';
import { LOCAL_CERTIFICATE, LOCAL_KEY } from './certificate.ts';

const BODY = randomBytes(5_000_000);

for (const secure of [false, true]) {
  describe(`connections that are kept, ${secure ? 'with' : 'without'} TLS`, () => {
    const agent = keptConnections(secure);
    let server: http.Server;
    let connections = 0;

    before(async () => {
      const listener: http.RequestListener = async (request, response) => {
        const { length } = Buffer.concat(await request.toArray());
        if (request.url === '/cut')
          response.writeHead(200, { 'content-length': BODY.length + 1 }).write(BODY);
        else response.setHeader('x-length', length).end(BODY);
        if (request.url === '/stray') {
          const timedOut = 'HTTP/1.1 408 Request Timeout\r\nconnection: close\r\n\r\n';
          response.once('finish', () => setTimeout(() => request.socket.end(timedOut), 10));
        }
        if (request.url === '/cut') setTimeout(() => request.socket.destroy(), 100);
      };
      const credentials = { key: LOCAL_KEY, cert: LOCAL_CERTIFICATE };
      server = secure ? https.createServer(credentials, listener) : http.createServer(listener);
      server.on('connection', () => {
        connections += 1;
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
    });
    after(() => {
      agent.destroy();
      server.closeAllConnections();
      server.close();
    });

    async function ask(path: string, body?: Buffer): Promise<http.IncomingMessage> {
      const { port } = server.address() as AddressInfo;
      const options = { agent, method: 'PUT', ca: LOCAL_CERTIFICATE };
      const request = secure
        ? https.request(`https://127.0.0.1:${port}${path}`, options)
        : http.request(`http://127.0.0.1:${port}${path}`, options);
      request.end(body);
      return ((await once(request, 'response')) as [http.IncomingMessage])[0];
    }

    it('hand out bytes that stay as they are, one answer after the other, on one connection', async () => {
      for (const sent of [0, 3_000_000, 1]) {
        const answer = await ask('/', BODY.subarray(0, sent));
        const pieces = await answer.toArray();
        assert.equal(answer.headers['x-length'], String(sent));
        assert.ok(Buffer.concat(pieces).equals(BODY));
      }
      assert.equal(connections, 1);
    });

    it('wait for who reads slowly', async () => {
      const answer = await ask('/');
      const pieces: Buffer[] = [];
      for await (const piece of answer) {
        if (pieces.push(piece) % 20 === 0) await pause(5);
        assert.ok(answer.readableLength <= 256 * 1024);
      }
      assert.ok(Buffer.concat(pieces).equals(BODY));
    });

    it('tell of a body that is cut', async () => {
      await assert.rejects((await ask('/cut')).toArray(), { code: 'ECONNRESET' });
    });

    it('are not used again where the server said something and left', async () => {
      const answer = await ask('/stray');
      await answer.toArray();
      await pause(50);
      assert.ok(Buffer.concat(await (await ask('/')).toArray()).equals(BODY));
    });

    it('read into one buffer each', async () => {
      const answer = await ask('/');
      const seen = new Set<ArrayBufferLike>();
      answer.socket.on('data', ({ buffer }: Buffer) => seen.add(buffer));
      await answer.toArray();
      assert.equal(seen.size, 1);
    });
  });
}
