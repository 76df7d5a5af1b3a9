import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Authorize, type Call, Transport } from '../../../shared/storage/transport.ts';

const CALL: Call = { operation: 'objects.get', method: 'GET', url: '/storage/v1/b/a/o/b', timeoutMs: 60_000 };

describe('a request to Cloud Storage', () => {
  let server: Server;
  let requests = 0;
  let url = '';
  before(async () => {
    server = createServer((_, response) => {
      requests++;
      response.end('{}');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  beforeEach(() => {
    requests = 0;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  it('carries its credentials', async () => {
    const transport = new Transport(url, async () => new Headers({ authorization: 'Bearer token' }));
    const [[request]] = await Promise.all([once(server, 'request'), transport.json(CALL)]);
    assert.equal(request.headers.authorization, 'Bearer token');
  });

  it('has its deadline also while its credentials do not come', async () => {
    const silent: Authorize = () => new Promise(() => undefined);
    const call = new Transport(url, silent).json({ ...CALL, timeoutMs: 20 });
    await assert.rejects(call, { name: 'StorageError', reason: 'deadline' });
    assert.equal(requests, 0);
  });

  it('is not sent where it was given up while its credentials came', async () => {
    const controller = new AbortController();
    const transport = new Transport(url, async () => {
      controller.abort();
      return new Headers();
    });
    const call = transport.json({ ...CALL, signal: controller.signal });
    await assert.rejects(call, { name: 'StorageError', reason: 'aborted' });
    assert.equal(requests, 0);
  });

  it('fails, to be tried again, where its credentials cannot be had', async () => {
    const transport = new Transport(url, async () => {
      throw new Error('no metadata server');
    });
    await assert.rejects(transport.json(CALL), { name: 'StorageError', status: 0, transient: true });
    assert.equal(requests, 0);
  });
});
