import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { type PostOptions, post } from '../../../functions/notify/post.ts';
import { ForbiddenAddress, publicLookup, type Resolve } from '../../../functions/notify/public-address.ts';
import { type Reaction, Receiver } from '../../support/receiver.ts';

const LOOPBACK = [{ address: '127.0.0.1', family: 4 }];

describe('the POST of a callback', () => {
  const receiver = new Receiver();
  let resolved: string[];
  let resolve: Resolve;
  before(() => receiver.listen());
  after(() => receiver.close());
  beforeEach(() => {
    receiver.reset();
    resolved = [];
    resolve = async () => LOOPBACK;
  });

  /** Posts to a name that only the lookup knows. */
  function send(options: Partial<PostOptions> = {}, path = '/hook') {
    const asked: Resolve = (hostname) => {
      resolved.push(hostname);
      return resolve(hostname);
    };
    const lookup = publicLookup(asked, true);
    const url = new URL(path, `http://hooks.example.no:${receiver.port}`);
    return post(url, { headers: { 'webhook-id': '17' }, body: '{}', lookup, timeoutMs: 30_000, ...options });
  }

  it('goes to the address that was looked up, under the name, as it is', async () => {
    receiver.next((response) => response.writeHead(503, { 'retry-after': '7' }).end());
    assert.deepEqual(await send({ body: '{"a":"æøå"}' }), { status: 503, retryAfter: '7' });
    const [{ headers, body } = assert.fail()] = receiver.received;
    assert.equal(headers['host'], `hooks.example.no:${receiver.port}`);
    assert.deepEqual([headers['webhook-id'], headers['content-length'], body], ['17', '14', '{"a":"æøå"}']);
    assert.deepEqual(resolved, ['hooks.example.no']);
  });

  it('looks the name up each time, and refuses one that has become private', async () => {
    const [first, ...others] = ['127.0.0.1', '10.0.0.1', '169.254.169.254', '::ffff:10.0.0.1'];
    const answers = [first, ...others];
    resolve = async () => {
      const address = answers.shift() ?? assert.fail('it is looked up twice for one POST');
      return [{ address, family: address.includes(':') ? 6 : 4 }];
    };
    assert.equal((await send()).status, 204);
    for (const _ of others) await assert.rejects(send(), ForbiddenAddress);
    assert.equal(receiver.received.length, 1);
    assert.equal(resolved.length, 4);
  });

  it('opens a new connection each time', async () => {
    const sockets = new Set<object>();
    const note: Reaction = (response, { socket }) => {
      sockets.add(socket);
      response.writeHead(204).end();
    };
    receiver.next(note, note);
    await send();
    await send();
    assert.equal(sockets.size, 2);
  });

  it('follows no redirect', async () => {
    for (const status of [301, 302, 303, 307, 308]) {
      receiver.reset();
      receiver.next((response) => response.writeHead(status, { location: '/trap' }).end());
      assert.equal((await send()).status, status);
      assert.equal(receiver.received.length, 1);
    }
  });

  for (const [what, step] of [
    ['no answer', () => receiver.next(() => undefined)],
    ['half a head', () => receiver.next((_, { socket }) => void socket.write('HTTP/1.1 204 No'))],
    [
      'a switch to another protocol',
      () =>
        receiver.next((_, { socket }) => {
          socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n');
        }),
    ],
    [
      'no address',
      () => {
        resolve = () => new Promise(() => undefined);
      },
    ],
  ] as const) {
    it(`fails in time where there is ${what}`, async () => {
      step();
      await assert.rejects(send({ timeoutMs: 200 }), { name: 'AbortError' });
    });
  }

  it('ends with the head of the answer, whatever its body is', async () => {
    const closed = new Promise((done) => {
      receiver.next((response) => {
        response.on('close', done);
        pour(response.writeHead(200));
      });
    });
    assert.deepEqual(await send(), { status: 200, retryAfter: undefined });
    await closed;
  });

  it('takes no head of more than 8 KiB', async () => {
    receiver.next((response) => response.writeHead(204, { x: 'x'.repeat(8_192) }).end());
    await assert.rejects(send(), { code: 'HPE_HEADER_OVERFLOW' });
  });
});

/** Sends a body without an end, as fast as it is taken. */
async function pour(response: ServerResponse): Promise<void> {
  while (!response.destroyed) {
    if (!response.write(Buffer.alloc(65_536))) await once(response, 'drain').catch(() => undefined);
  }
}
