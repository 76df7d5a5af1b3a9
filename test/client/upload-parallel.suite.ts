import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import {
  type FileSource,
  type Fileshare,
  type FileshareOptions,
  FileshareProblem,
  type UploadProgress,
} from '../../client/src/index.ts';
import { FolderUploadStore, fileSource } from '../../client/src/node.ts';
import { noise } from '../support/noise.ts';
import { OWNER, Service } from '../support/service.ts';
import { all, BadLine, clientOf, Folder, MIB } from './fixture.ts';

const SIZE = 6 * MIB + 5;
const PARTS = 4;
/** Small sizes, so that a few megabytes are several parts of several requests. */
const SMALL = { postUpTo: MIB / 2, parallelFrom: MIB, parallel: PARTS, chunkSize: MIB / 4, retries: 3 };

type Fetch = NonNullable<FileshareOptions['fetch']>;

describe('client: uploads in several parts at once', () => {
  const service = new Service();
  const folder = new Folder();
  const line = new BadLine(() => service.url);
  const large = noise(SIZE);
  const sha256 = createHash('sha256').update(large).digest('hex');
  let path = '';
  before(async () => {
    path = folder.path('large.bin');
    await writeFile(path, large);
  });

  const concatOf = (init: RequestInit) => new Headers(init.headers).get('upload-concat') ?? '';
  async function outcome(client: Fileshare, id: string) {
    const { state, sha256: digest, size } = await client.wait(id, { timeout: 30 });
    return { state, digest, size };
  }
  const CLEAN = { state: 'clean', digest: sha256, size: SIZE };

  for (const [kind, source] of [
    ['a file', () => fileSource(path)],
    ['a Blob', async () => new Blob([large])],
    ['bytes', async () => large],
  ] as const) {
    it(`brings ${kind} there as one file, with its name, type, correlation id and progress`, async () => {
      const seen: UploadProgress[] = [];
      const finals: string[] = [];
      let [under, most] = [0, 0];
      const fetch: Fetch = async (target, init) => {
        if (concatOf(init).startsWith('final')) finals.push(concatOf(init));
        if (init.method !== 'PATCH') return globalThis.fetch(target, init);
        most = Math.max(most, ++under);
        return globalThis.fetch(target, init).finally(() => under--);
      };
      const client = clientOf(service, { ...SMALL, fetch });
      const correlationId = `parallel, ${kind}`;
      const described = { name: 'å.bin', type: 'application/x-a', correlationId };
      const { id } = await client.upload(await source(), { ...described, onProgress: seen.push.bind(seen) });
      assert.deepEqual(await outcome(client, id), CLEAN);
      const listed = await all(client.list({ correlationId }));
      assert.deepEqual(
        listed.map((file) => [file.id, file.fileName, file.contentType]),
        [[id, 'å.bin', 'application/x-a']],
      );
      assert.deepEqual(
        finals.map((final) => final.split(' ').length),
        [PARTS],
      );
      assert.equal(most, PARTS);
      assert.deepEqual(seen.at(-1), { sent: SIZE, size: SIZE, resumedFrom: 0 });
    });
  }

  it('is for what is large and can be read in parts, unless it is turned off', async () => {
    const concats: string[] = [];
    const fetch: Fetch = (target, init) => {
      if (concatOf(init)) concats.push(concatOf(init));
      return globalThis.fetch(target, init);
    };
    const upload = async (
      options: Pick<FileshareOptions, 'parallel' | 'parallelFrom'>,
      source: FileSource | Blob | ReadableStream,
    ) => clientOf(service, { ...SMALL, ...options, fetch }).upload(source, { via: 'tus' });
    await upload({ parallelFrom: SIZE + 1 }, new Blob([large]));
    await upload({ parallel: 1 }, new Blob([large]));
    await upload({}, new Blob([large]).stream());
    const { slice: _, ...whole } = await fileSource(path);
    await upload({}, whole);
    assert.deepEqual(concats, []);
    await upload({}, new Blob([large]));
    assert.equal(concats.length, PARTS + 1);
  });

  it('brings a file there over a line that breaks', async () => {
    line.expect(...Array.from({ length: 12 }, (_, at) => ({ cutUp: 40_000 + at * 60_000 })));
    const client = clientOf(service, { ...SMALL, retries: 10, url: line.url });
    const { id } = await client.upload(await fileSource(path));
    assert.deepEqual(await outcome(client, id), CLEAN);
  });

  it('goes on where each part stood, in another process', async () => {
    const store = new FolderUploadStore(folder.path('state'));
    const stopped = new AbortController();
    const stop = ({ sent }: UploadProgress) => {
      if (sent > SIZE / 2) stopped.abort();
    };
    const begun = clientOf(service, { ...SMALL, store });
    await assert.rejects(begun.upload(await fileSource(path), { signal: stopped.signal, onProgress: stop }), {
      name: 'AbortError',
    });
    const seen: UploadProgress[] = [];
    const client = clientOf(service, { ...SMALL, store });
    const { id } = await client.upload(await fileSource(path), { onProgress: seen.push.bind(seen) });
    assert.ok((seen[0]?.resumedFrom ?? 0) > SIZE / 4);
    assert.deepEqual(await outcome(client, id), CLEAN);
    // It is over: the same file again is another upload.
    assert.notEqual((await client.upload(await fileSource(path))).id, id);
  });

  it('finds the file where its parts became one and nobody was told', async () => {
    const store = new FolderUploadStore(folder.path('lost'));
    let made = '';
    const lost: Fetch = async (target, init) => {
      const response = await globalThis.fetch(target, init);
      if (!concatOf(init).startsWith('final')) return response;
      made = response.headers.get('location') ?? '';
      throw new TypeError('the line is dead');
    };
    const options = { ...SMALL, store, retries: 0 };
    await assert.rejects(clientOf(service, { ...options, fetch: lost }).upload(await fileSource(path)));
    // The service removes one part after another.
    let isFirst = true;
    const slow: Fetch = async (target, init) => {
      if (init.method !== 'HEAD' || !isFirst) return globalThis.fetch(target, init);
      isFirst = false;
      return new Response(null, { headers: { 'upload-offset': String(Math.floor(SIZE / PARTS)) } });
    };
    const again = clientOf(service, { ...options, fetch: slow });
    const { id } = await again.upload(await fileSource(path));
    assert.equal(`/uploads/${id}`, new URL(made, service.url).pathname);
    assert.deepEqual(await outcome(clientOf(service), id), CLEAN);
  });

  it('begins anew where parts are over', async () => {
    const store = new FolderUploadStore(folder.path('over'));
    const paths: string[] = [];
    const refused: Fetch = async (target, init) => {
      if (init.method === 'PATCH') return new Response('{}', { status: 403 });
      const response = await globalThis.fetch(target, init);
      if (concatOf(init) === 'partial') paths.push(response.headers.get('location') ?? '');
      return response;
    };
    const failing = clientOf(service, { ...SMALL, store, fetch: refused });
    await assert.rejects(failing.upload(await fileSource(path)), FileshareProblem);
    assert.equal(paths.length, PARTS);
    const headers = {
      authorization: `Bearer ${await service.platform.token(OWNER)}`,
      'tus-resumable': '1.0.0',
    };
    for (const each of paths.slice(0, 2)) {
      const url = new URL(each, service.url);
      assert.equal((await fetch(url, { method: 'DELETE', headers })).status, 204);
    }
    const client = clientOf(service, { ...SMALL, store });
    const { id } = await client.upload(await fileSource(path));
    assert.deepEqual(await outcome(client, id), CLEAN);
  });

  it('is a failed file where the parts are other bytes than the whole', async () => {
    const source = await fileSource(path);
    const changed: FileSource = {
      ...source,
      fingerprint: undefined,
      async *slice(start, end) {
        yield large.subarray(start, end).map((byte) => byte ^ 1);
      },
    };
    const client = clientOf(service, SMALL);
    const { id } = await client.upload(changed);
    const handle = await client.wait(id, { timeout: 30 });
    assert.deepEqual([handle.state, 'reason' in handle && handle.reason], ['failed', 'contentMismatch']);
  });

  it('is refused by a digest that is not that of its only part', async () => {
    const authorization = `Bearer ${await service.platform.token(OWNER)}`;
    const send = (headers: Record<string, string>, body?: string) =>
      fetch(new URL('/uploads', service.url), {
        method: 'POST',
        headers: { authorization, 'tus-resumable': '1.0.0', ...headers },
        ...(body !== undefined && { body }),
      });
    const type = { 'content-type': 'application/offset+octet-stream' };
    const part = await send({ 'upload-concat': 'partial', 'upload-length': '3', ...type }, 'abc');
    assert.equal(part.status, 201, await part.text());
    const concat = { 'upload-concat': `final;${part.headers.get('location')}` };
    const digestOf = (text: string) => `sha-256=:${createHash('sha256').update(text).digest('base64')}:`;
    for (const digest of [digestOf('abd'), 'sha-256=:AAAA:', 'sha-256']) {
      const refused = await send({ ...concat, 'repr-digest': digest });
      assert.equal(refused.status, 400, digest);
    }
    assert.equal((await send({ ...concat, 'repr-digest': digestOf('abc') })).status, 201);
  });
});
