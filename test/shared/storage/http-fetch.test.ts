import assert from 'node:assert/strict';
import { getEventListeners, once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { Readable } from 'node:stream';
import { httpFetch } from '../../../shared/storage/http-fetch.ts';
import { Transport } from '../../../shared/storage/transport.ts';

describe('the fetch below Gaxios', () => {
  let server: Server | undefined;

  async function serve(listener: RequestListener): Promise<URL> {
    server = createServer(listener).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  }

  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });

  const echo: RequestListener = async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    response.writeHead(201, { 'x-length': request.headers['content-length'] ?? 'none' }).end(body);
  };

  it('sends text, bytes and streams alike, and gives back status, headers and text', async () => {
    const url = await serve(echo);
    for (const body of [
      'some bytes',
      [Buffer.from('some '), Buffer.alloc(0), Buffer.from('bytes')],
      Readable.from(['some ', 'bytes'], { objectMode: false }),
    ]) {
      const headers = { 'content-length': '10' };
      const response = await httpFetch(url, { method: 'PUT', headers, body });
      assert.deepEqual([response.status, response.ok, response.bodyUsed], [201, true, false]);
      assert.equal(response.headers.get('x-length'), '10');
      assert.equal(await response.text(), 'some bytes');
      assert.ok(response.bodyUsed);
    }
  });

  it('reaches an IPv6 address', async function () {
    server = createServer(echo).listen(0, '::1');
    await once(server, 'listening').catch(() => this.skip());
    const { port } = server.address() as AddressInfo;
    assert.equal((await httpFetch(new URL(`http://[::1]:${port}/`), {})).status, 201);
  });

  it('frees the connection of an answer that has no body', async () => {
    let connections = 0;
    const url = await serve((_, response) => response.writeHead(204).end());
    server?.on('connection', () => connections++);
    const transport = new Transport(url.origin);
    for (let calls = 0; calls < 5; calls++) {
      await transport.json({ operation: 'objects.delete', method: 'DELETE', url: '/', timeoutMs: 5_000 });
    }
    assert.equal(connections, 1);
  });

  it('writes nothing any more of a body whose answer came before its end', async () => {
    const body = Buffer.alloc(50_000_000);
    const overwritten = Promise.withResolvers<void>();
    const end = Promise.withResolvers<string>();
    const early = createTcpServer(async (socket) => {
      socket.on('error', () => undefined);
      socket.once('close', () => end.resolve('the connection was closed'));
      await once(socket, 'readable');
      socket.read();
      socket.write('HTTP/1.1 412 Precondition Failed\r\ncontent-length: 2\r\n\r\n{}');
      await overwritten.promise;
      socket.on('data', (data: Buffer) => {
        if (data.includes(0xff)) end.resolve('other bytes were written');
      });
    }).listen(0, '127.0.0.1');
    await once(early, 'listening');
    const transport = new Transport(`http://127.0.0.1:${(early.address() as AddressInfo).port}`);
    const call = {
      operation: 'objects.insert',
      method: 'PUT',
      url: '/',
      expect: [412],
      timeoutMs: 5_000,
    } as const;
    assert.equal(
      (await transport.json({ ...call, body: { pieces: [body], length: body.length } })).status,
      412,
    );
    body.fill(0xff);
    overwritten.resolve();
    assert.equal(await end.promise, 'the connection was closed');
    early.close();
  });

  it('ends a request whose stream fails, and the stream of a request that fails', async () => {
    const url = await serve((request) => request.resume());
    const failing = Readable.from(
      (async function* () {
        yield 'half';
        throw new Error('cut');
      })(),
      { objectMode: false },
    );
    await assert.rejects(httpFetch(url, { method: 'PUT', body: failing }), /cut/);
    const endless = new Readable({ read() {} });
    endless.push('half');
    const arrived = once(server ?? endless, 'request');
    const gone = httpFetch(url, { method: 'PUT', body: endless });
    await arrived;
    server?.closeAllConnections();
    await assert.rejects(gone, { code: 'ECONNRESET' });
    if (!endless.destroyed) await once(endless, 'close');
  });

  it('is aborted as such before the head and within the body, and leaves no listener behind', async () => {
    const silent = new AbortController();
    const url = await serve((request, response) => {
      if (request.url === '/silent') silent.abort();
      else response.writeHead(200, { 'content-length': '10' }).write('half ');
    });
    const { signal } = silent;
    await assert.rejects(httpFetch(new URL('/silent', url), { signals: [signal] }), { name: 'AbortError' });
    const within = new AbortController();
    const response = await httpFetch(url, { signals: [new AbortController().signal, within.signal] });
    const reading = read(response.body);
    within.abort();
    await assert.rejects(reading, { name: 'AbortError' });
    for (const { signal } of [silent, within]) assert.equal(getEventListeners(signal, 'abort').length, 0);
  });

  it('tells the reader of a body that it broke off', async () => {
    const url = await serve((_, response) => {
      response.writeHead(200, { 'content-length': '10' }).write('half ');
      setImmediate(() => response.destroy());
    });
    const response = await httpFetch(url, {});
    await assert.rejects(read(response.body), { code: 'ECONNRESET' });
    await assert.rejects((await httpFetch(url, {})).text(), { code: 'ECONNRESET' });
    const given = await httpFetch(url, {});
    const text = given.text();
    given.body.destroy();
    await assert.rejects(text, /broke off/);
  });
});

async function read(body: IncomingMessage): Promise<void> {
  for await (const _ of body);
}
