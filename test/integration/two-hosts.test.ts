import assert from 'node:assert/strict';
import type { Handle } from '../../shared/files/handle.ts';
import { outsideContract } from '../support/contract.ts';
import type { Relay } from '../support/relay.ts';
import { OWNER } from '../support/service.ts';
import { TwoHosts } from '../support/two-hosts.ts';

describe('upload and files with separate host names', () => {
  const { service, upload, files } = new TwoHosts();
  let authorization: { authorization: string };

  before(async () => {
    authorization = { authorization: `Bearer ${await service.platform.token(OWNER)}` };
  });

  async function call(host: Relay, method: string, path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { ...authorization, ...(init.headers as Record<string, string>) };
    const response = await fetch(`${host.url}${path}`, { ...init, method, headers });
    assert.deepEqual(await outsideContract(method, path, response), []);
    return response;
  }

  const get = (url: string) => fetch(url, { headers: authorization });

  it('lead from an upload to its file', async () => {
    const headers = { prefer: 'wait=30', 'idempotency-key': 'two-hosts' };
    const response = await call(upload, 'POST', '/files', { body: 'Hello', headers });
    const handle = (await response.json()) as Handle;
    const self = `${files.url}/files/${handle.id}`;
    assert.deepEqual([response.status, response.headers.get('location')], [201, self]);
    assert.deepEqual(handle.links, { self, status: `${self}/status` });
    assert.equal(await (await get(self)).text(), 'Hello');
    assert.deepEqual(((await (await get(handle.links.status)).json()) as Handle).links, handle.links);
    const { files: mine } = (await (await call(files, 'GET', '/files')).json()) as { files: Handle[] };
    assert.deepEqual(mine[0]?.links, handle.links);
    const again = await call(upload, 'POST', '/files', { body: 'Hello', headers });
    assert.equal(again.headers.get('location'), self);
  });

  it('lead from a problem to the file that it is about', async () => {
    const broken = await call(upload, 'POST', '/files', { body: 'a', headers: { prefer: 'wait=30' } });
    const headers = { 'idempotency-key': 'two-hosts', prefer: 'wait=30' };
    assert.match(broken.headers.get('location') ?? '', new RegExp(`^${files.url}/files/`));
    assert.equal((await call(upload, 'POST', '/files', { body: 'other', headers })).status, 422);
  });

  it('lead from a problem to its explanation', async () => {
    for (const refused of [
      await call(upload, 'POST', '/files', { body: 'a', headers: { 'content-encoding': 'gzip' } }),
      await call(upload, 'GET', `/files/${'0'.repeat(43)}`),
      await call(files, 'GET', `/files/${'0'.repeat(43)}`),
    ]) {
      const { type, title } = (await refused.json()) as { type: string; title: string };
      assert.match(type, new RegExp(`^${files.url}/problems/`));
      const explained = await fetch(type);
      assert.equal(explained.status, 200);
      assert.equal(((await explained.json()) as { title: string }).title, title);
    }
  });

  it('lead from a direct session to its file', async () => {
    const order = { method: 'POST', headers: { 'content-type': 'application/json' } };
    const response = await call(upload, 'POST', '/uploads/direct', { ...order, body: '{"size": 1}' });
    const { handle } = (await response.json()) as { handle: Handle };
    assert.equal(response.headers.get('location'), `${files.url}/files/${handle.id}`);
    assert.equal((await get(handle.links.status)).status, 200);
  });

  it('keep a tus upload where it began, and link its file', async () => {
    const tus = { 'tus-resumable': '1.0.0' };
    const created = await call(upload, 'POST', '/uploads', { headers: { ...tus, 'upload-length': '5' } });
    const { id, links } = (await created.json()) as Handle;
    const location = created.headers.get('location') ?? '';
    assert.equal(location, `/uploads/${id}`);
    const headers = { ...tus, 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' };
    assert.equal((await call(upload, 'PATCH', location, { headers, body: 'Hello' })).status, 204);
    assert.equal(links.self, `${files.url}/files/${id}`);
    assert.equal((await get(links.status)).status, 200);
  });

  it('tell a client that mixes them up', async () => {
    const id = '0'.repeat(43);
    const read = await call(upload, 'GET', `/files/${id}`);
    assert.equal(read.status, 404);
    assert.match(await read.text(), new RegExp(`Files are read at ${files.url}/files`));
    const listed = await call(upload, 'GET', '/files');
    assert.deepEqual([listed.status, listed.headers.get('allow')], [405, 'OPTIONS, POST']);
    assert.match(await listed.text(), new RegExp(`Files are read at ${files.url}/files`));
    const sent = await call(files, 'POST', '/files', { body: 'Hello' });
    assert.deepEqual([sent.status, sent.headers.get('allow')], [405, 'GET, HEAD']);
    assert.match(await sent.text(), /Uploads have a separate host name/);
    const changed = await call(files, 'PUT', '/files', { body: 'Hello' });
    assert.equal(changed.headers.get('allow'), 'GET, HEAD, POST, OPTIONS');
    const asked = await call(files, 'OPTIONS', '/files');
    assert.deepEqual([asked.status, asked.headers.get('allow')], [405, 'GET, HEAD']);
  });
});
