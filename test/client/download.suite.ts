import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type DownloadProgress,
  Fileshare,
  FileshareConnectionError,
  FileshareIntegrityError,
  FileshareTimeout,
  isAvailable,
  isInfected,
  isNotFound,
  isNotScannedYet,
} from '../../client/src/index.ts';
import { noise } from '../support/noise.ts';
import { EICAR, Service } from '../support/service.ts';
import { BadLine, clientOf, MIB } from './fixture.ts';

/** SHA-256 of `hello`. */
const HELLO = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';
const SIZE = 2 * MIB + 17;

describe('client: waiting and downloads', () => {
  const service = new Service();
  const line = new BadLine(() => service.url);
  const content = noise(SIZE, 5);
  let id = '';

  before(async () => {
    const client = clientOf(service);
    ({ id } = await client.upload(content, { name: 'røntgen "1".bin', type: 'image/x-a', via: 'post' }));
    assert.ok(isAvailable(await client.wait(id, { timeout: 30 })));
  });

  it('gives the bytes, and tells what they are', async () => {
    const seen: DownloadProgress[] = [];
    const download = await clientOf(service).download(id, { onProgress: seen.push.bind(seen) });
    assert.equal(download.size, SIZE);
    assert.equal(download.contentType, 'image/x-a');
    assert.equal(download.fileName, 'røntgen "1".bin');
    assert.ok(content.equals(await download.bytes()));
    assert.deepEqual(seen.at(-1), { received: SIZE, size: SIZE });
  });

  it('continues a download that breaks off', async () => {
    line.expect({ cutDown: 500_000 }, { cutDown: 10 }, { cutDown: 900_000 });
    const download = await clientOf(service, { url: line.url }).download(id);
    assert.ok(content.equals(await download.bytes()));
    assert.equal(line.connections, 4);
  });

  it('is no success where it ends too early', async () => {
    line.expect({ cutDown: 500_000 }, { cutDown: 1 }, { cutDown: 1 }, { cutDown: 1 }, { cutDown: 1 });
    const download = await clientOf(service, { url: line.url, retries: 1 }).download(id);
    await assert.rejects(download.bytes(), FileshareConnectionError);
  });

  it('refuses bytes with another digest', async () => {
    line.expect({ flipDown: 1_000_000 });
    const download = await clientOf(service, { url: line.url }).download(id);
    await assert.rejects(download.bytes(), FileshareIntegrityError);
  });

  it('stops where it is told to', async () => {
    const controller = new AbortController();
    const onProgress = () => controller.abort();
    const download = await clientOf(service).download(id, { signal: controller.signal, onProgress });
    await assert.rejects(download.bytes(), { name: 'AbortError' });
  });

  it('lets go of the connection where nobody reads on', async () => {
    line.expect();
    const { stream } = await clientOf(service, { url: line.url }).download(id);
    const reader = stream.getReader();
    await reader.read();
    await reader.cancel();
  });

  it('tells why there is nothing to download', async () => {
    const client = clientOf(service);
    const infected = await client.upload(new Blob([EICAR]));
    assert.equal((await client.wait(infected.id)).state, 'infected');
    await assert.rejects(client.download(infected.id), isInfected);
    await assert.rejects(client.download('0'.repeat(43)), isNotFound);
    await assert.rejects(clientOf(service, {}, 'org:999999999').download(id), isNotFound);
  });

  describe('at a service that is slow, or does not keep its word', () => {
    const halves = new Set<string | undefined>();
    const server = createServer((request, response) => {
      const handle = { id: 'a', state: 'pending', sha256: 'ab'.repeat(32), size: 5 };
      const digest = 'sha-512=:AAAA:, sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:';
      const early =
        '{"type":"https://files.example/problems/not-scanned-yet","title":"Not yet","status":409}';
      const half = (next: () => void): void => {
        if (halves.has(request.url)) return void response.end(JSON.stringify(handle));
        halves.add(request.url);
        response.write('{"id":', next);
      };
      const fill = (error?: Error | null): void => {
        if (!error) response.write(' '.repeat(2 ** 20), fill);
      };
      const answers: Record<string, () => void> = {
        '/files/stalls/status': () => half(() => undefined),
        '/files/cut/status': () => half(() => response.destroy()),
        '/files/endless/status': fill,
        '/files/portal/status': () => response.end('<h1>Log in to the network'),
        '/files/stalls': () => {
          response.writeHead(404, { 'content-type': 'application/problem+json' });
          half(() => undefined);
        },
        '/files/a/status': () => response.end(JSON.stringify(handle)),
        '/files/bare/status': () => response.end(JSON.stringify(handle)),
        '/files/early': () =>
          response.writeHead(409, { 'content-type': 'application/problem+json' }).end(early),
        '/files/proxy': () => response.writeHead(403, { 'content-type': 'text/html' }).end('<h1>'),
        '/files/bare': () => response.end('hello'),
        '/files/moved': () => response.writeHead(307, { location: '/bucket/object' }).end(),
        '/files/moved/status': () => response.end(JSON.stringify({ ...handle, sha256: HELLO })),
        '/bucket/object': () => response.end('hello'),
        '/files/longer': () =>
          response.writeHead(200, { 'repr-digest': digest, 'content-length': 6 }).end('hello!'),
      };
      answers[request.url ?? '']?.();
    });
    let client: Fileshare;
    before(async () => {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      client = new Fileshare({
        url: addressOf(server),
        retries: 0,
      });
    });
    after(() => {
      server.closeAllConnections();
      server.close();
    });

    it('waits only as long as it may', async () => {
      await assert.rejects(client.wait('a', { timeout: 0.05 }), FileshareTimeout);
      const signal = AbortSignal.timeout(20);
      await assert.rejects(client.wait('a', { signal }), { name: 'TimeoutError' });
    });

    for (const [id, how] of [
      ['stalls', 'comes to a halt'],
      ['cut', 'is cut off'],
    ] as const) {
      it(`asks again where an answer ${how}`, async () => {
        const patient = new Fileshare({ url: addressOf(server), retries: 2, idleSeconds: 0.2 });
        assert.equal((await patient.status(id)).state, 'pending');
        assert.ok(halves.has(`/files/${id}/status`));
      });
    }

    it('gives up an answer that does not end, or is of another server', async () => {
      await assert.rejects(client.status('endless'), FileshareConnectionError);
      await assert.rejects(client.status('portal'), FileshareConnectionError);
    });

    it('makes a problem of half a problem document', () =>
      assert.rejects(
        new Fileshare({ url: addressOf(server), retries: 0, idleSeconds: 0.2 }).download('stalls'),
        {
          name: 'FileshareProblem',
          type: 'about:blank',
          status: 404,
        },
      ));

    it('knows a file that was not scanned yet', () =>
      assert.rejects(client.download('early'), isNotScannedYet));

    it('makes a problem of whatever else answers', () =>
      assert.rejects(client.download('proxy'), {
        name: 'FileshareProblem',
        type: 'about:blank',
        status: 403,
      }));

    it('asks for the digest where the answer does not tell it', async () => {
      const download = await client.download('bare');
      assert.equal(download.sha256, 'ab'.repeat(32));
      await assert.rejects(download.bytes(), FileshareIntegrityError);
    });

    it('follows to Cloud Storage, and verifies what comes from there', async () => {
      const bytes = await (await client.download('moved')).bytes();
      assert.equal(Buffer.from(bytes).toString(), 'hello');
    });

    it('refuses a content that its digest does not fit', async () => {
      await assert.rejects((await client.download('longer')).bytes(), FileshareIntegrityError);
    });
  });
});

function addressOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}
