import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Fileshare, type FileshareOptions } from '../../client/src/index.ts';
import { FolderUploadStore, fileSource } from '../../client/src/node.ts';
import { noise } from '../support/noise.ts';
import { EICAR, OWNER } from '../support/service.ts';
import { TwoHosts } from '../support/two-hosts.ts';
import { all, Folder, MIB, run } from './fixture.ts';

const MAIN = join(import.meta.dirname, '../../client/src/cli/main.ts');
const SMALL = { postUpTo: MIB / 2, chunkSize: MIB };

describe('client: upload and files with separate host names', () => {
  const { service, upload, files } = new TwoHosts();
  const folder = new Folder();
  const token = () => service.platform.token(OWNER);
  const clientOf = (options: { readonly store?: FolderUploadStore } = {}) =>
    new Fileshare({ uploadUrl: upload.url, filesUrl: `${files.url}/`, token, ...SMALL, ...options });

  for (const via of ['post', 'tus', 'direct'] as const) {
    it(`uploads by ${via}, waits, downloads, lists, shares and deletes`, async () => {
      const client = clientOf();
      const bytes = noise(2 * MIB);
      const { id } = await client.upload(bytes, { via });
      assert.equal((await client.wait(id, { timeout: 30 })).state, 'clean');
      assert.ok(bytes.equals(await (await client.download(id)).bytes()));
      await client.share(id, 'group:a');
      await client.references.add(id, 'urn:a');
      await client.references.remove(id, 'urn:a');
      assert.ok((await all(client.list())).some((handle) => handle.id === id));
      await client.delete(id);
    });
  }

  it('asks each address for its own alone', () => {
    const lines = (relay: typeof upload) =>
      new Set(relay.seen.map(({ line }) => line.replace(/[0-9a-v]{43}/, 'ID')));
    assert.deepEqual([...lines(upload)].sort(), [
      'OPTIONS /uploads',
      'PATCH /uploads/ID',
      'POST /files',
      'POST /uploads',
      'POST /uploads/direct',
    ]);
    assert.ok([...lines(files)].every((line) => / \/files(\/ID.*)?$/.test(line) && line !== 'POST /files'));
  });

  it('finds the handle of a file that is malware already when the answer comes', async () => {
    const client = new Fileshare({ uploadUrl: upload.url, filesUrl: files.url, token, fetch: waiting });
    assert.equal((await client.upload(new Blob([EICAR]))).state, 'infected');
  });

  for (const via of ['tus', 'direct'] as const) {
    it(`continues an upload by ${via}, from where it stood`, async () => {
      await writeFile(folder.path(`${via}.bin`), noise(4 * MIB));
      const store = new FolderUploadStore(folder.path(via));
      const source = await fileSource(folder.path(`${via}.bin`));
      const cut = new AbortController();
      const onProgress = ({ sent }: { sent: number }) => void (sent >= 2.5 * MIB && cut.abort());
      await assert.rejects(clientOf({ store }).upload(source, { via, signal: cut.signal, onProgress }));
      let resumedFrom = 0;
      const { id } = await clientOf({ store }).upload(source, {
        via,
        onProgress: (progress) => {
          resumedFrom = progress.resumedFrom;
        },
      });
      assert.ok(resumedFrom >= MIB, String(resumedFrom));
      assert.equal((await clientOf().wait(id, { timeout: 30 })).state, 'clean');
    });
  }

  it('is what the command line takes, by options or environment', async () => {
    const common = {
      FILESHARE_TOKEN: await token(),
      XDG_STATE_HOME: folder.path('state'),
      FILESHARE_URL: '',
    };
    await writeFile(folder.path('a.txt'), 'a');
    const fileshare = (args: readonly string[], env: Record<string, string> = {}) =>
      run(process.execPath, [MAIN, ...args], { cwd: folder.path(), env: { ...common, ...env } });
    const options = ['--upload-url', upload.url, '--files-url', files.url];
    const sent = await fileshare([...options, 'upload', 'a.txt', '--wait', '--json']);
    assert.equal(sent.code, 0, sent.stderr);
    const { id } = JSON.parse(sent.stdout) as { id: string };
    const env = { FILESHARE_UPLOAD_URL: upload.url, FILESHARE_FILES_URL: files.url };
    const got = await fileshare(['download', id, '-o', '-'], env);
    assert.deepEqual([got.code, got.stdout], [0, 'a'], got.stderr);
    const one = await fileshare(['--url', service.url, 'status', id], env);
    assert.equal(one.code, 0, 'an option goes before the environment');
    for (const [args, wrong] of [
      [['--upload-url', upload.url], /--upload-url and --files-url go together/],
      [
        ['--url', upload.url, '--files-url', files.url],
        /Set --url, or --upload-url and --files-url, not both/,
      ],
      [['--upload-url', 'x', '--files-url', files.url], /--upload-url: x is not a URL/],
    ] as const) {
      const refused = await fileshare([...args, 'ls']);
      assert.equal(refused.code, 2);
      assert.match(refused.stderr, wrong);
    }
    const half = await fileshare(['ls'], { FILESHARE_FILES_URL: files.url });
    assert.match(half.stderr, /FILESHARE_UPLOAD_URL and FILESHARE_FILES_URL go together/);
  });

  /** Holds the answer back until there is a verdict. */
  function waiting(url: string, init: RequestInit): Promise<Response> {
    return fetch(url, { ...init, headers: { ...(init.headers as object), prefer: 'wait=30' } });
  }
});

describe('client: a service that sends elsewhere', () => {
  const seen: string[] = [];
  const elsewhere = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers.authorization ?? 'without a token'}`);
    response.writeHead(500).end();
  });
  const handle = { id: 'a', state: 'infected', size: 1 };
  const service = createServer((request, response) => {
    const { port } = elsewhere.address() as AddressInfo;
    const location = `http://127.0.0.1:${port}${request.url === '/uploads' ? '/uploads/a' : '/files/a'}`;
    request.resume();
    if (request.method === 'OPTIONS') response.writeHead(204, { 'tus-version': '1.0.0' }).end();
    else if (request.method === 'POST')
      response.writeHead(request.url === '/files' ? 410 : 201, { location }).end();
    else if (request.method === 'PATCH') response.writeHead(204, { 'upload-offset': '1' }).end();
    else response.end(JSON.stringify({ ...handle, authorized: request.headers.authorization !== undefined }));
  });
  let options: FileshareOptions;

  before(async () => {
    for (const server of [elsewhere, service])
      await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    options = {
      url: `http://127.0.0.1:${(service.address() as AddressInfo).port}`,
      token: 'secret',
      retries: 0,
    };
  });
  after(() => {
    for (const server of [elsewhere, service]) server.close();
  });

  for (const via of ['post', 'tus'] as const) {
    it(`does not get the client, or its token, there by ${via}`, async () => {
      const got = await new Fileshare(options).upload(new Blob(['a']), { via });
      assert.deepEqual(got, { id: 'a', state: 'infected', size: 1, authorized: true });
      assert.deepEqual(seen, []);
    });
  }
});
