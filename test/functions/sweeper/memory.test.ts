import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Walk, walk } from '../../../functions/sweeper/walk.ts';
import { newFileId } from '../../../shared/files/file-id.ts';
import { Bucket } from '../../../shared/storage/bucket.ts';
import { connectStorage } from '../../../shared/storage/connect.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';
import { OWNER } from './fixture.ts';

const COUNT = 20_000;
const PAGE = 1000;
const FILLING = 4000;
const MIB = 2 ** 20;

describe('a sweep through many objects', () => {
  let server: Server;
  let pages = 0;

  // The listing alone, of objects that are made up: to insert so many would be most of the test.
  before(async () => {
    server = createServer((request, response) => {
      pages++;
      const { searchParams } = new URL(request.url ?? '/', 'http://storage');
      const start = Number(searchParams.get('pageToken') ?? 0);
      const items = Array.from({ length: Math.min(PAGE, COUNT - start) }, resource);
      const next = start + items.length;
      response.end(JSON.stringify({ items, ...(next < COUNT && { nextPageToken: String(next) }) }));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  it('holds no more than a page of them', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const heap = () => {
      collect();
      return process.memoryUsage().heapUsed;
    };
    const { port } = server.address() as AddressInfo;
    const bucket = new Bucket(connectStorage(`http://127.0.0.1:${port}`), 'unscanned');
    let visits = 0;
    let most = 0;
    const visit: Walk<StoredObject>['visit'] = async () => {
      if (++visits % PAGE === PAGE / 2) most = Math.max(most, heap());
    };
    const before = heap();
    const next = await walk({ bucket, prefix: '', from: '', stop: () => false, visit });
    assert.deepEqual([next, visits, pages], [undefined, COUNT, COUNT / PAGE]);
    const grown = (most - before) / MIB;
    assert.ok(grown < (COUNT * FILLING) / MIB / 3, `${grown.toFixed(1)} MiB more than before`);
  });
});

function resource(): object {
  return {
    bucket: 'unscanned',
    name: newFileId(OWNER),
    generation: '1',
    metageneration: '1',
    size: '0',
    crc32c: 'AAAAAA==',
    timeCreated: '2026-01-01T00:00:00Z',
    metadata: { filling: 'x'.repeat(FILLING) },
  };
}
