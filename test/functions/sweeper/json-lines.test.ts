import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { jsonLines } from '../../../functions/sweeper/json-lines.ts';

describe('an answer of JSON lines', () => {
  let server: Server;

  beforeEach(async () => {
    server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => server.close());

  async function exchange(): Promise<{
    readonly response: ServerResponse;
    readonly received: Promise<IncomingMessage>;
  }> {
    const { port } = server.address() as AddressInfo;
    const requested = once(server, 'request');
    const received = once(get({ host: '127.0.0.1', port }), 'response').then(([message]) => message);
    const [, response] = await requested;
    return { response, received };
  }

  it('arrives as it was sent', async () => {
    const { response, received } = await exchange();
    const lines = jsonLines(response);
    await Promise.all([lines.send({ a: 1 }), lines.send({ b: 2 })]);
    await lines.end();
    const answer = await received;
    assert.equal(answer.headers['content-type'], 'application/x-ndjson');
    assert.equal(await text(answer), '{"a":1}\n{"b":2}\n');
  });

  it('fails where the client goes away and leaves lines untaken, and so does each line after that', async () => {
    const { response, received } = await exchange();
    const lines = jsonLines(response);
    await lines.send({ a: 1 });
    const untaken = assert.rejects(lines.send({ filling: 'x'.repeat(64 * 1024 * 1024) }));
    (await received).destroy();
    await untaken;
    await assert.rejects(lines.send({ b: 2 }));
  });
});
