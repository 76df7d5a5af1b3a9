import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { truncate, utimes, writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import {
  FileshareConnectionError,
  FileshareIntegrityError,
  FileshareProblem,
  type UploadProgress,
} from '../../client/src/index.ts';
import { FolderUploadStore, fileSource } from '../../client/src/node.ts';
import { Problem } from '../../shared/http/problems.ts';
import { noise } from '../support/noise.ts';
import { EICAR, Service } from '../support/service.ts';
import { all, BadLine, clientOf, Folder, MIB } from './fixture.ts';

const LARGE = 3 * MIB;
const OTHER = 'org:974652269';
/** Small sizes, so that a few megabytes take several requests. */
const SMALL = { postUpTo: MIB / 2, chunkSize: MIB, retries: 3 };

describe('client: uploads', () => {
  const service = new Service();
  const folder = new Folder();
  const line = new BadLine(() => service.url);
  const large = noise(LARGE);
  const sha256 = createHash('sha256').update(large).digest('hex');

  for (const [kind, source] of [
    ['a Blob', () => new Blob(['Hello'])],
    ['bytes', () => new TextEncoder().encode('Hello')],
    ['a Buffer', () => Buffer.from('Hello')],
    ['an ArrayBuffer', () => new Uint8Array([72, 101, 108, 108, 111]).buffer],
    ['a web stream', () => new Blob(['Hello']).stream()],
    ['a Node stream', () => Readable.from([Buffer.from('He'), Buffer.from('llo')])],
  ] as const) {
    it(`takes ${kind}`, async () => {
      const handle = await clientOf(service).upload(source(), { name: 'hallå.txt', type: 'text/plain' });
      assert.equal(handle.sha256, createHash('sha256').update('Hello').digest('hex'));
      assert.equal(handle.fileName, 'hallå.txt');
      assert.equal(handle.contentType, 'text/plain');
    });
  }

  it('takes the name and type of a File', async () => {
    const handle = await clientOf(service).upload(new File(['a'], "r'ø(1).txt", { type: 'text/plain' }));
    assert.equal(handle.fileName, "r'ø(1).txt");
    assert.equal(handle.contentType, 'text/plain');
  });

  it('takes an empty file', async () => {
    assert.equal((await clientOf(service).upload(new Uint8Array(0))).size, 0);
    // Of what comes in several requests, the handle tells the size with the verdict.
    const { id } = await clientOf(service).upload(new Uint8Array(0), { via: 'tus' });
    assert.equal((await clientOf(service).wait(id, { timeout: 20 })).size, 0);
  });

  for (const via of ['post', 'tus', 'direct'] as const) {
    it(`brings a file there by ${via}, with its name, its type, its correlation id and its progress`, async () => {
      const seen: UploadProgress[] = [];
      const correlationId = `message 17, by ${via}`;
      const described = { name: 'å.bin', type: 'application/x-a', correlationId };
      const options = { via, ...described, onProgress: seen.push.bind(seen) };
      const { id } = await clientOf(service, SMALL).upload(large, options);
      const found = await all(clientOf(service).list({ correlationId }));
      assert.deepEqual(
        found.map((file) => [file.id, file.correlationId]),
        [[id, correlationId]],
      );
      const handle = await clientOf(service).wait(id, { timeout: 20 });
      assert.equal(handle.state, 'clean');
      assert.equal(handle.sha256, sha256);
      assert.equal(handle.fileName, 'å.bin');
      assert.equal(handle.contentType, 'application/x-a');
      assert.deepEqual(seen.at(-1), { sent: LARGE, size: LARGE, resumedFrom: 0 });
      assert.ok(seen.length > 3, 'it moves');
      assert.ok(
        seen.every(({ sent }, at) => sent >= (seen[at - 1]?.sent ?? 0)),
        'and never back',
      );
    });
  }

  it('brings a stream of unknown length there, in several requests', async () => {
    const pieces = Readable.from([
      large.subarray(0, 100),
      large.subarray(100, LARGE - 1),
      large.subarray(LARGE - 1),
    ]);
    const client = clientOf(service, SMALL);
    // Its digest comes with its verdict.
    const handle = await client.wait((await client.upload(pieces)).id);
    assert.equal(handle.sha256, sha256);
    assert.equal(handle.size, LARGE);
  });

  it('chooses by size', async () => {
    const ways: string[] = [];
    const fetch = (url: string, init: RequestInit) => {
      ways.push(`${init.method} ${new URL(url).pathname.replace(/[0-9a-v]{43}/, 'ID')}`);
      return globalThis.fetch(url, init);
    };
    const client = clientOf(service, { ...SMALL, directFrom: 2 * MIB, fetch });
    await client.upload(large.subarray(0, MIB / 2));
    assert.deepEqual(ways.splice(0), ['POST /files']);
    await client.upload(large.subarray(0, MIB / 2 + 1));
    assert.deepEqual(ways.splice(0), [
      'OPTIONS /uploads',
      'POST /uploads',
      'PATCH /uploads/ID',
      'GET /files/ID/status',
    ]);
    await client.upload(large);
    assert.equal(ways[0], 'POST /uploads/direct');
  });

  it('makes one file of a POST whose answer got lost', async () => {
    line.expect({ cutDown: 1 }, { cutDown: 50 });
    const client = clientOf(service, { url: line.url, retries: 4 });
    const handle = await client.upload(noise(1000, 7), { name: 'once.bin' });
    assert.equal(line.connections, 3);
    const named = [];
    for await (const { id, fileName } of client.list()) if (fileName === 'once.bin') named.push(id);
    assert.deepEqual(named, [handle.id]);
  });

  it('gives the handle of malware that was found before the answer was there', async () => {
    const client = clientOf(service);
    const options = { idempotencyKey: 'malware' };
    const { id } = await client.upload(new Blob([EICAR]), options);
    assert.equal((await client.wait(id, { timeout: 20 })).state, 'infected');
    const again = await client.upload(new Blob([EICAR]), options);
    assert.deepEqual([again.id, again.state], [id, 'infected']);
  });

  for (const via of ['post', 'tus', 'direct'] as const) {
    it(`survives a line that breaks in the middle by ${via}`, async () => {
      line.expect({ cutUp: 700_000 }, { cutUp: 300_000 }, { cutUp: 20 }, { cutUp: 1_500_000 });
      const client = clientOf(service, { ...SMALL, url: line.url, retries: 5 });
      const handle = await client.upload(large, { via });
      assert.equal((await client.wait(handle.id, { timeout: 20 })).sha256, sha256);
    });
  }

  it('says that it cannot reach the service, after as many attempts as it should make', async () => {
    line.expect(...Array.from({ length: 9 }, () => ({ cutUp: 1 })));
    const client = clientOf(service, { url: line.url, retries: 1 });
    await assert.rejects(client.upload(large), FileshareConnectionError);
    assert.equal(line.connections, 2);
  });

  it('gives up a connection on which nothing happens', async () => {
    const never: typeof fetch = (_, init) =>
      new Promise((_resolve, reject) => {
        init?.signal?.addEventListener('abort', () => reject(init.signal?.reason), { once: true });
      });
    const client = clientOf(service, { retries: 0, idleSeconds: 0.05, fetch: never });
    await assert.rejects(client.status('x'), FileshareConnectionError);
  });

  it('does not repeat what was refused for good', async () => {
    const client = clientOf(service, { token: 'none' });
    const refused = (error: unknown) => error instanceof FileshareProblem && error.code === 'unauthenticated';
    await assert.rejects(client.upload(new Uint8Array(3)), refused);
    await assert.rejects(client.upload(large, { via: 'tus' }), refused);
  });

  for (const via of ['tus', 'direct'] as const) {
    it(`continues an upload by ${via} that was aborted, as another process would`, async () => {
      const path = folder.path(`resumed-${via}.bin`);
      await writeFile(path, large);
      const store = new FolderUploadStore(folder.path('state'));
      const controller = new AbortController();
      const onProgress = ({ sent }: UploadProgress) => {
        if (sent >= 1.5 * MIB) controller.abort();
      };
      const first = clientOf(service, { ...SMALL, store });
      const aborted = first.upload(await fileSource(path), { via, onProgress, signal: controller.signal });
      await assert.rejects(aborted, { name: 'AbortError' });

      const seen: UploadProgress[] = [];
      const second = clientOf(service, { ...SMALL, store });
      const handle = await second.upload(await fileSource(path), { via, onProgress: seen.push.bind(seen) });
      assert.ok((seen[0]?.resumedFrom ?? 0) >= MIB, 'it does not begin anew');
      assert.equal((await second.wait(handle.id, { timeout: 20 })).sha256, sha256);

      const third = await second.upload(await fileSource(path), { via });
      assert.notEqual(third.id, handle.id, 'a complete upload is not gone on with');
    });
  }

  for (const [via, who] of [
    ['tus', 'another caller'],
    ['direct', 'another caller'],
    ['direct', 'who lets this caller see the file'],
  ] as const) {
    it(`begins anew where ${who} began by ${via}, with the same store`, async () => {
      const path = folder.path(`shared-${via}.bin`);
      await writeFile(path, large);
      const store = new FolderUploadStore(folder.path('shared'));
      const controller = new AbortController();
      const onProgress = ({ sent }: UploadProgress) => void (sent >= 1.5 * MIB && controller.abort());
      const first = clientOf(service, { ...SMALL, store });
      const aborted = first.upload(await fileSource(path), { via, onProgress, signal: controller.signal });
      await assert.rejects(aborted, { name: 'AbortError' });
      if (who !== 'another caller') {
        for await (const { id } of first.list({ state: 'uploading' })) await first.share(id, OTHER);
      }

      const seen: UploadProgress[] = [];
      const second = clientOf(service, { ...SMALL, store }, OTHER);
      const handle = await second.upload(await fileSource(path), { via, onProgress: seen.push.bind(seen) });
      assert.equal(seen.at(-1)?.resumedFrom, 0);
      assert.equal((await second.wait(handle.id, { timeout: 20 })).sha256, sha256);
      assert.equal((await second.viewers(handle.id)).owner, OTHER);
    });
  }

  for (const via of ['post', 'tus', 'direct'] as const) {
    it(`gives a file its end by ${via}`, async () => {
      const expiresAt = new Date(Date.now() + 3_600_000);
      const { id } = await clientOf(service, SMALL).upload(large, { via, expiresAt });
      assert.equal((await clientOf(service).wait(id, { timeout: 20 })).expiresAt, expiresAt.toISOString());
    });
  }

  it('moves the end of a file that an earlier attempt made', async () => {
    const client = clientOf(service);
    const [first, second] = [3_600_000, 7_200_000].map((ms) => new Date(Date.now() + ms).toISOString());
    const idempotencyKey = randomUUID();
    const one = await client.upload(new TextEncoder().encode('one'), { idempotencyKey, expiresAt: first });
    const same = await client.upload(new TextEncoder().encode('one'), { idempotencyKey, expiresAt: second });
    assert.deepEqual([same.id, same.expiresAt], [one.id, second]);
    assert.equal((await client.status(one.id)).expiresAt, second);
  });

  it('begins anew with another correlation id', async () => {
    const path = folder.path('correlated.bin');
    await writeFile(path, large);
    const store = new FolderUploadStore(folder.path('correlated'));
    const controller = new AbortController();
    const onProgress = ({ sent }: UploadProgress) => void (sent >= 1.5 * MIB && controller.abort());
    const client = clientOf(service, { ...SMALL, store });
    const source = () => fileSource(path);
    const first = { via: 'tus', correlationId: 'message 1' } as const;
    const aborted = client.upload(await source(), { ...first, onProgress, signal: controller.signal });
    await assert.rejects(aborted, { name: 'AbortError' });

    const other = await client.upload(await source(), { ...first, correlationId: 'message 2' });
    assert.equal(other.correlationId, 'message 2');
    const seen: UploadProgress[] = [];
    const same = await client.upload(await source(), { ...first, onProgress: seen.push.bind(seen) });
    assert.equal(same.correlationId, 'message 1');
    assert.ok((seen[0]?.resumedFrom ?? 0) >= MIB);
  });

  it('asks for the offset and continues where another request had locked the upload', async () => {
    const methods: string[] = [];
    const locked = new Problem('upload-locked').document();
    const fetching: typeof fetch = async (input, init) => {
      methods.push(init?.method ?? '');
      if (methods.filter((method) => method === 'PATCH').length !== 1 || init?.method !== 'PATCH')
        return fetch(input, init);
      const headers = { 'content-type': 'application/problem+json', 'retry-after': '1' };
      return new Response(JSON.stringify(locked), { status: 423, headers });
    };
    const { id } = await clientOf(service, { ...SMALL, fetch: fetching }).upload(large, { via: 'tus' });
    assert.deepEqual(methods.slice(methods.indexOf('PATCH')).slice(0, 3), ['PATCH', 'HEAD', 'PATCH']);
    assert.equal((await clientOf(service).wait(id, { timeout: 20 })).sha256, sha256);
  });

  it('goes on once its token is good again', async () => {
    const path = folder.path('expired.bin');
    await writeFile(path, large);
    const store = new FolderUploadStore(folder.path('expired'));
    const controller = new AbortController();
    const onProgress = ({ sent }: UploadProgress) => void (sent >= 1.5 * MIB && controller.abort());
    const client = clientOf(service, { ...SMALL, store });
    const options = { via: 'direct', onProgress, signal: controller.signal } as const;
    await assert.rejects(client.upload(await fileSource(path), options), { name: 'AbortError' });
    const expired = clientOf(service, { ...SMALL, store, token: 'none' });
    await assert.rejects(expired.upload(await fileSource(path), { via: 'direct' }), { status: 401 });
    const seen: UploadProgress[] = [];
    await client.upload(await fileSource(path), { via: 'direct', onProgress: seen.push.bind(seen) });
    assert.ok((seen[0]?.resumedFrom ?? 0) >= MIB);
  });

  it('begins anew where the file has changed meanwhile', async () => {
    const path = folder.path('changed.bin');
    await writeFile(path, large);
    const store = new FolderUploadStore(folder.path('state'));
    const client = clientOf(service, { ...SMALL, store });
    const signal = AbortSignal.abort();
    await assert.rejects(client.upload(await fileSource(path), { signal }), { name: 'AbortError' });
    const controller = new AbortController();
    const onProgress = ({ sent }: UploadProgress) => void (sent >= MIB && controller.abort());
    const interrupted = client.upload(await fileSource(path), { onProgress, signal: controller.signal });
    await assert.rejects(interrupted, { name: 'AbortError' });
    await utimes(path, 1, 1);
    const seen: UploadProgress[] = [];
    await client.upload(await fileSource(path), { onProgress: seen.push.bind(seen) });
    assert.equal(seen.at(-1)?.resumedFrom, 0);
  });

  it('refuses a mix of two contents, and leaves no such file', async () => {
    const path = folder.path('mixed.bin');
    await writeFile(path, large);
    const source = { ...(await fileSource(path)), fingerprint: 'the same' };
    const store = new FolderUploadStore(folder.path('state'));
    const client = clientOf(service, { ...SMALL, store });
    const controller = new AbortController();
    const onProgress = ({ sent }: UploadProgress) => void (sent >= 1.5 * MIB && controller.abort());
    await assert.rejects(client.upload(source, { onProgress, signal: controller.signal }), {
      name: 'AbortError',
    });
    const other = { ...source, open: () => Readable.from([noise(LARGE, 99)]) };
    await assert.rejects(client.upload(other, { name: 'mixed.bin' }), FileshareIntegrityError);
    for await (const { fileName } of client.list({ pageSize: 5 })) assert.notEqual(fileName, 'mixed.bin');
  });

  it('refuses a mix of two contents by direct once it is scanned, and leaves no such file', async () => {
    const path = folder.path('mixed-direct.bin');
    await writeFile(path, large);
    const source = { ...(await fileSource(path)), fingerprint: 'the same' };
    const client = clientOf(service, { ...SMALL, store: new FolderUploadStore(folder.path('state')) });
    const controller = new AbortController();
    const onProgress = ({ sent }: UploadProgress) => void (sent >= 1.5 * MIB && controller.abort());
    const aborted = client.upload(source, { via: 'direct', onProgress, signal: controller.signal });
    await assert.rejects(aborted, { name: 'AbortError' });
    const other = { ...source, open: () => Readable.from([noise(LARGE, 98)]) };
    let id = '';
    const mixed = async () => {
      ({ id } = await client.upload(other, { via: 'direct' }));
      await client.wait(id, { timeout: 60 });
    };
    await assert.rejects(mixed(), FileshareIntegrityError);
    for await (const { fileName } of client.list({ pageSize: 5, state: 'clean' }))
      assert.notEqual(fileName, 'mixed-direct.bin');
  });

  for (const [way, options, via] of [
    ['tus', SMALL, 'tus'],
    ['direct', SMALL, 'direct'],
    ['tus in parts', { ...SMALL, parallelFrom: 1, parallel: 2 }, undefined],
  ] as const) {
    it(`fails by ${way} where the file becomes shorter meanwhile`, async () => {
      const path = folder.path(`shorter-${way}.bin`);
      await writeFile(path, large);
      const source = await fileSource(path);
      await truncate(path, LARGE - MIB - 5);
      await assert.rejects(clientOf(service, options).upload(source, { via }), FileshareIntegrityError);
    });
  }

  it('keeps what it remembers to itself', async () => {
    const store = new FolderUploadStore(folder.path('private', 'state'));
    await store.set('key', 'value');
    assert.equal(await store.get('key'), 'value');
    assert.equal(await store.get('other'), undefined);
    await store.delete('key');
    assert.equal(await store.get('key'), undefined);
  });

  it('reads no more of a stream than it has sent, but a chunk', async () => {
    const path = folder.path('stream.bin');
    await writeFile(path, large);
    const stream = createReadStream(path);
    const controller = new AbortController();
    const onProgress = ({ sent }: UploadProgress) => void (sent >= MIB && controller.abort());
    const client = clientOf(service, SMALL);
    await assert.rejects(client.upload(stream, { onProgress, signal: controller.signal }), {
      name: 'AbortError',
    });
    assert.ok(stream.bytesRead < LARGE);
    assert.ok(stream.destroyed, 'and lets go of it');
  });
});
