import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Bucket } from '../../../shared/storage/bucket.ts';
import { connectStorage } from '../../../shared/storage/connect.ts';
import { StorageError } from '../../../shared/storage/error.ts';
import type { Generation } from '../../../shared/storage/object.ts';
import { collect, FAST_RETRY } from './streams.ts';

const RESOURCE = {
  bucket: 'b',
  name: 'x',
  generation: '1',
  metageneration: '1',
  crc32c: 'AAAAAA==',
  timeCreated: '2026-01-01T00:00:00.000Z',
};

describe('storage client: differences of Google’s storage-testbench', () => {
  let server: Server;
  let bucket: Bucket;
  let answer: (response: ServerResponse) => void;
  before(async () => {
    server = createServer((_, response) => answer(response)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    bucket = new Bucket(connectStorage(`127.0.0.1:${port}`), 'b', { retry: FAST_RETRY, paced: true });
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  const resource = (fields: object) => {
    answer = (response) => response.end(JSON.stringify({ ...RESOURCE, ...fields }));
  };
  const read = async () => {
    const range = { start: 3, end: 6 };
    const bytes = await bucket.read('x', { generation: '1' as Generation, range });
    assert.ok(bytes);
    return (await collect(bytes)).toString();
  };

  it('reads an object resource without a size as an empty object', async () => {
    resource({});
    assert.equal((await bucket.stat('x'))?.size, 0);
    for (const size of [7, null, 'x', '-1']) {
      resource({ size });
      await assert.rejects(bucket.stat('x'), { reason: 'malformedAnswer' });
    }
  });

  it('accepts a range answered with 200 and the Content-Range that was asked for', async () => {
    const head = { 'content-range': 'bytes 3-6/10' };
    answer = (response) => response.writeHead(200, head).end('3456');
    assert.equal(await read(), '3456');
    answer = (response) => response.writeHead(200).end('0123456789');
    await assert.rejects(read(), (error) => error instanceof StorageError && error.reason === 'wrongRange');
  });

  it('knows an insert whose answer was lost as its own, although the endpoint added metadata', async () => {
    const metadata = { state: 'pending', x_emulator_upload: 'multipart' };
    let tries = 0;
    answer = (response) => {
      const items = [{ ...RESOURCE, metadata }];
      if (response.req.method === 'GET') response.end(JSON.stringify({ items }));
      else response.writeHead(tries++ === 0 ? 503 : 412).end();
    };
    const options = { contentType: 'text/plain', metadata: { state: 'pending' } };
    assert.deepEqual((await bucket.insertEmpty('x', options))?.metadata, metadata);
    tries = 0;
    const other = { ...options, metadata: { state: 'clean' } };
    assert.equal(await bucket.insertEmpty('x', other), undefined);
  });
});
