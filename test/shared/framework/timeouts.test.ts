import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { HEADERS_MS, limitRequests } from '../../../shared/framework/timeouts.ts';

/** Node's limits of five minutes and one, and its check of twice a minute, made short. */
const NODE = { requestTimeout: 200, headersTimeout: 200, connectionsCheckingInterval: 50 };

/** Node exchanges two limits of which that of headers is the longer, and the test would not see which one was set. */
const BELOW_NODES = 100;

describe('limits of a request', () => {
  let server: Server;
  let takeBack: () => void = () => undefined;
  beforeEach(async () => {
    server = createServer(NODE, (request, response) => {
      request.on('error', () => undefined);
      void buffer(request).then(
        (body) => response.end(String(body.length)),
        () => response.destroy(),
      );
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => {
    takeBack();
    server.closeAllConnections();
    server.close();
  });

  const dial = () => connect((server.address() as AddressInfo).port, '127.0.0.1');

  /** Sends a head, and a body of two bytes that takes three times as long as Node would wait. */
  async function slowBody(): Promise<string> {
    const socket = dial();
    socket.on('error', () => undefined);
    socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\nconnection: close\r\n\r\na');
    const answer = buffer(socket);
    await pause(600);
    socket.write('b');
    return (await answer).toString();
  }

  it('cut a body off that is slower than they allow', async () => {
    takeBack = limitRequests({ requestMs: 200, headersMs: HEADERS_MS });
    assert.match(await slowBody(), /^HTTP\/1\.1 408 /);
  });

  it('let the body of the very first request take as long as the platform does', async () => {
    takeBack = limitRequests({ requestMs: 60_000, headersMs: BELOW_NODES });
    assert.match(await slowBody(), /^HTTP\/1\.1 200 .*2$/s);
  });

  it('cut slow headers off long before', async () => {
    takeBack = limitRequests({ requestMs: 60_000, headersMs: 300 });
    await slowBody();
    const socket = dial();
    socket.write('POST / HTTP/1.1\r\nhost: x\r\n');
    const answer = await buffer(socket);
    assert.match(answer.toString(), /^HTTP\/1\.1 408 /);
  });
});
