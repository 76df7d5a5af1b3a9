import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import {
  type DownloadProgress,
  Fileshare,
  FileshareConnectionError,
  FileshareIntegrityError,
  FileshareProblem,
} from '../../client/src/index.ts';
import { downloadFile } from '../../client/src/node.ts';
import { noise } from '../support/noise.ts';
import { OWNER, Service } from '../support/service.ts';
import { BadLine, clientOf, Folder, MIB, run } from './fixture.ts';

const MAIN = join(import.meta.dirname, '../../client/src/cli/main.ts');
/** Four parts, the last a short one. */
const SIZE = 56 * MIB + 17;
const PART = 16 * MIB;
/** Bytes: large by default. */
const LARGE_SIZE = 160 * MIB;
const LARGE = { parallelFrom: 1 };

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('client: a large download over several connections', () => {
  const service = new Service();
  const line = new BadLine(() => service.url);
  const folder = new Folder();
  const content = noise(SIZE, 7);
  let id = '';
  let count = 0;

  before(async () => {
    ({ id } = await clientOf(service).upload(content, { name: 'a.bin' }));
    assert.equal((await clientOf(service).wait(id)).state, 'clean');
  });

  /** A path in an empty folder. */
  async function place(): Promise<{ path: string; names: () => Promise<string[]> }> {
    const name = String(count++);
    await mkdir(folder.path(name));
    return { path: folder.path(name, 'a.bin'), names: () => readdir(folder.path(name)) };
  }
  const overLine = (options: { retries?: number } = {}) => clientOf(service, { url: line.url, ...options });

  it('is whole, verified, and alone in its folder', async () => {
    const { path, names } = await place();
    const seen: DownloadProgress[] = [];
    line.expect();
    const saved = await downloadFile(overLine(), id, { ...LARGE, path, onProgress: seen.push.bind(seen) });
    assert.deepEqual(saved, {
      path,
      size: SIZE,
      sha256: sha256(content),
      contentType: 'application/octet-stream',
    });
    assert.ok(content.equals(await readFile(path)));
    assert.deepEqual(await names(), ['a.bin']);
    assert.deepEqual(seen.at(-1), { received: SIZE, size: SIZE });
    assert.ok(seen.every(({ received }, at) => received >= (seen[at - 1]?.received ?? 0)));
    assert.ok(line.connections >= 4, `${line.connections} connections`);
  });

  it('asks for the rest of a range whose connection is cut', async () => {
    const { path, names } = await place();
    line.expect({}, { cutDown: 3 * MIB }, {}, { cutDown: 100 });
    await downloadFile(overLine(), id, { ...LARGE, path });
    assert.ok(content.equals(await readFile(path)));
    assert.deepEqual(await names(), ['a.bin']);
  });

  it('refuses bytes with another digest, and leaves nothing', async () => {
    const { path, names } = await place();
    line.expect({}, { flipDown: 2 * MIB });
    await assert.rejects(downloadFile(overLine(), id, { ...LARGE, path }), FileshareIntegrityError);
    assert.deepEqual(await names(), []);
  });

  it('leaves what it has where the service is gone, and continues there', async () => {
    const { path, names } = await place();
    let broken = false;
    const onProgress = ({ received }: DownloadProgress) => {
      if (broken || received < 40 * MIB) return;
      broken = true;
      line.expect(...Array.from({ length: 50 }, () => ({ cutDown: 1 })));
    };
    line.expect();
    const failing = downloadFile(overLine({ retries: 1 }), id, { ...LARGE, path, onProgress });
    await assert.rejects(failing, FileshareConnectionError);
    assert.deepEqual(await names(), ['a.bin.part']);
    line.expect();
    const seen: DownloadProgress[] = [];
    await downloadFile(overLine(), id, { ...LARGE, path, onProgress: seen.push.bind(seen) });
    const first = seen[0]?.received ?? 0;
    assert.ok(first > 0 && [0, SIZE % PART].includes(first % PART), `${first} are whole parts`);
    assert.ok(content.equals(await readFile(path)));
    assert.deepEqual(await names(), ['a.bin']);
  });

  it('verifies what an earlier attempt left as all the rest', async () => {
    const { path, names } = await place();
    await interrupted(path);
    const left = await readFile(`${path}.part`);
    const at = left.subarray(SIZE).indexOf('\n') + 1;
    const kept = left.subarray(SIZE + at).indexOf(1);
    assert.notEqual(kept, -1, 'a part is there');
    left[kept * PART + 5] = (left[kept * PART + 5] ?? 0) ^ 1;
    await writeFile(`${path}.part`, left);
    await assert.rejects(downloadFile(clientOf(service), id, { ...LARGE, path }), FileshareIntegrityError);
    assert.deepEqual(await names(), []);
  });

  it('leaves a part file alone that is of another content, or is not one of ours', async () => {
    const { path, names } = await place();
    await interrupted(path);
    const left = await readFile(`${path}.part`);
    for (const other of [
      Buffer.from('of another program, or the name that a sender chose'),
      left.subarray(0, left.length - 1),
      Buffer.concat([
        left.subarray(0, SIZE),
        Buffer.from(left.subarray(SIZE).toString('latin1').replace(id, '0'.repeat(43)), 'latin1'),
      ]),
    ]) {
      await writeFile(`${path}.part`, other);
      const seen: DownloadProgress[] = [];
      await downloadFile(clientOf(service), id, { ...LARGE, path, onProgress: seen.push.bind(seen) });
      assert.ok((seen[0]?.received ?? 0) < PART);
      assert.ok(content.equals(await readFile(path)));
      assert.deepEqual(await names(), ['a.bin', 'a.bin.part']);
      assert.ok(other.equals(await readFile(`${path}.part`)));
    }
  });

  it('leaves it also where it breaks off', async () => {
    const { path, names } = await place();
    await writeFile(`${path}.part`, 'of another program');
    await interrupted(path);
    assert.equal(await readFile(`${path}.part`, 'utf8'), 'of another program');
    await downloadFile(clientOf(service), id, { ...LARGE, path });
    assert.deepEqual(await names(), ['a.bin', 'a.bin.part'], 'its part file was continued');
  });

  it('follows no link that has the name of a part file, and waits for no pipe', async () => {
    const { path, names } = await place();
    await interrupted(path);
    const elsewhere = folder.path('elsewhere');
    await rename(`${path}.part`, elsewhere);
    const before = await readFile(elsewhere);
    await symlink(elsewhere, `${path}.part`);
    await downloadFile(clientOf(service), id, { ...LARGE, path });
    assert.ok(before.equals(await readFile(elsewhere)));
    await rm(`${path}.part`);
    await run('mkfifo', [`${path}.part`]);
    await downloadFile(clientOf(service), id, { ...LARGE, path });
    assert.ok(content.equals(await readFile(path)));
    assert.deepEqual(await names(), ['a.bin', 'a.bin.part']);
  });

  for (const [kind, options, left] of [
    ['small', {}, ['a.bin']],
    ['large', LARGE, ['a.bin', 'a.bin.part']],
  ] as const) {
    it(`replaces no file that appears meanwhile, if it may not: a ${kind} one`, async () => {
      const { path, names } = await place();
      const onProgress = ({ received }: DownloadProgress) =>
        void (received > SIZE / 2 && writeFileSync(path, 'of another'));
      const downloading = downloadFile(clientOf(service), id, {
        ...options,
        path,
        onProgress,
        replace: false,
      });
      await assert.rejects(downloading, { code: 'EEXIST' });
      assert.equal(await readFile(path, 'utf8'), 'of another');
      assert.deepEqual(await names(), left);
      await downloadFile(clientOf(service), id, { ...options, path });
      assert.ok(content.equals(await readFile(path)));
      assert.deepEqual(await names(), ['a.bin']);
    });

    it(`is not stopped by what a process with the same id has left: a ${kind} one`, async () => {
      const { path } = await place();
      await writeFile(`${path}.${process.pid}.part`, 'half of it');
      await downloadFile(clientOf(service), id, { ...options, path, replace: false });
      assert.ok(content.equals(await readFile(path)));
    });
  }

  it('takes over from a process that was killed, and not from one that runs', async () => {
    const { path, names } = await place();
    await interrupted(path);
    const running = `${path}.${process.ppid}.part`;
    await rename(`${path}.part`, running);
    await downloadFile(clientOf(service), id, { ...LARGE, path });
    assert.deepEqual((await names()).sort(), ['a.bin', `a.bin.${process.ppid}.part`].sort());
    const gone = await run(process.execPath, ['-p', 'process.pid']);
    await rename(running, `${path}.${gone.stdout.trim()}.part`);
    const seen: DownloadProgress[] = [];
    await downloadFile(clientOf(service), id, { ...LARGE, path, onProgress: seen.push.bind(seen) });
    assert.ok([0, SIZE % PART].includes((seen[0]?.received ?? 1) % PART));
    assert.deepEqual(await names(), ['a.bin']);
  });

  it('removes what it has of a file that was deleted meanwhile', async () => {
    const { path, names } = await place();
    const other = await clientOf(service).upload(content, { name: 'deleted.bin' });
    await clientOf(service).wait(other.id);
    const deleting = downloadFile(clientOf(service), other.id, {
      ...LARGE,
      path: async () => {
        await clientOf(service).delete(other.id);
        return path;
      },
    });
    await assert.rejects(deleting, (error: unknown) => {
      assert.ok(error instanceof FileshareProblem);
      assert.equal(error.code, 'file-deleted');
      return true;
    });
    assert.deepEqual(await names(), []);
  });

  it('is one connection for a file that is not large', async () => {
    const { path } = await place();
    line.expect();
    await downloadFile(overLine(), id, { path });
    assert.ok(content.equals(await readFile(path)));
    // The second tells the size, which a chunked answer does not.
    assert.ok(line.connections <= 2, String(line.connections));
    await assert.rejects(downloadFile(overLine(), id, { path, connections: 0 }), RangeError);
  });

  it('is continued by the command line after Ctrl-C', async () => {
    const { path, names } = await place();
    const large = await clientOf(service).upload(noise(LARGE_SIZE, 9), { name: 'large.bin' });
    await clientOf(service).wait(large.id);
    const env = { FILESHARE_URL: service.url, FILESHARE_TOKEN: await service.platform.token(OWNER) };
    const fileshare = (watch: (kill: (signal: NodeJS.Signals) => void) => void = () => undefined) =>
      run(process.execPath, [MAIN, 'download', large.id, '-o', path], { env, started: watch });
    const stopped = await fileshare(async (kill) => {
      while (!(await partsIn(path, LARGE_SIZE))) await new Promise((resolve) => setImmediate(resolve));
      kill('SIGINT');
    });
    assert.equal(stopped.code, 130, stopped.stderr);
    assert.match(stopped.stderr, /The same command again continues/);
    assert.deepEqual(await names(), ['a.bin.part']);
    const again = await fileshare();
    assert.equal(again.code, 0, again.stderr);
    assert.equal(sha256(await readFile(path)), sha256(noise(LARGE_SIZE, 9)));
    assert.deepEqual(await names(), ['a.bin']);
  });

  /** Whether a process has completed a part of the file. */
  async function partsIn(path: string, size: number): Promise<boolean> {
    for (const name of await readdir(join(path, '..'))) {
      const file = await open(join(path, '..', name)).catch(() => undefined);
      if (!file) continue;
      const { buffer, bytesRead } = await file.read(Buffer.alloc(1000), 0, 1000, size);
      await file.close();
      const tail = buffer.subarray(0, bytesRead);
      if (tail.subarray(tail.indexOf('\n') + 1).includes(1)) return true;
    }
    return false;
  }

  /** Leaves a part file with at least one part. */
  async function interrupted(path: string): Promise<void> {
    const controller = new AbortController();
    const { signal } = controller;
    const onProgress = ({ received }: DownloadProgress) => void (received >= 40 * MIB && controller.abort());
    await assert.rejects(
      downloadFile(clientOf(service), id, { ...LARGE, path, signal, onProgress, connections: 2 }),
      { name: 'AbortError' },
    );
    const names = await readdir(dirname(path));
    const sizes = await Promise.all(names.map(async (name) => (await stat(join(dirname(path), name))).size));
    assert.ok(sizes.some((size) => size > SIZE));
  }
});

describe('client: a large download from a service that does not keep its word', () => {
  const folder = new Folder();
  const content = noise(PART + 10, 3);
  const etag = `"${sha256(content)}"`;
  let answer: (start: number, end: number, response: ServerResponse) => void;
  let ranges = 0;
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    if (start !== undefined && end !== undefined) {
      ranges++;
      return answer(Number(start), Number(end), response);
    }
    whole(response);
  });
  const digest = {
    etag,
    'repr-digest': `sha-256=:${Buffer.from(sha256(content), 'hex').toString('base64')}:`,
  };
  let beforeEnd = () => {};
  const whole = (response: ServerResponse) => {
    response.writeHead(200, { ...digest, 'content-length': content.length }).write(content.subarray(0, PART));
    // The client has the head, and so has looked at its folder, once it takes more than buffers hold.
    response.once('drain', () => {
      beforeEnd();
      response.end(content.subarray(PART));
    });
  };
  const part = (
    start: number,
    end: number,
    response: ServerResponse,
    headers: Record<string, string> = {},
  ) => {
    const range = `bytes ${start}-${end}/${content.length}`;
    response
      .writeHead(206, { ...digest, 'content-range': range, ...headers })
      .end(content.subarray(start, end + 1));
  };
  let fileshare: Fileshare;
  before(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    fileshare = new Fileshare({ url, retries: 0 });
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  const downloading = () => downloadFile(fileshare, 'a', { ...LARGE, path: folder.path('a') });

  it('is refused by the command line where its file appears meanwhile', async () => {
    const cwd = folder.path('appears');
    await mkdir(cwd);
    const { port } = server.address() as AddressInfo;
    const env = { FILESHARE_URL: `http://127.0.0.1:${port}`, FILESHARE_TOKEN: 'x' };
    beforeEnd = () => writeFileSync(join(cwd, 'a'), 'mine');
    const ran = await run(process.execPath, [MAIN, 'download', 'a'], { cwd, env });
    beforeEnd = () => undefined;
    assert.equal(ran.code, 2, ran.stderr);
    assert.match(ran.stderr, /exists\. Use --force/);
    assert.equal(await readFile(join(cwd, 'a'), 'utf8'), 'mine');
    assert.deepEqual(await readdir(cwd), ['a']);
    await rm(cwd, { recursive: true });
  });

  it('takes the whole where a range is answered with it', async () => {
    answer = (_, __, response) => whole(response);
    await downloading();
    assert.ok(content.equals(await readFile(folder.path('a'))));
    assert.ok(ranges > 0);
    assert.deepEqual(await readdir(folder.path()), ['a']);
  });

  for (const [title, fault] of [
    [
      'a range of another version',
      (start: number, end: number, response: ServerResponse) =>
        part(start, end, response, { etag: '"other"' }),
    ],
    [
      'another range',
      (start: number, end: number, response: ServerResponse) => part(start + 1, end, response),
    ],
    [
      'more than the range',
      (start: number, end: number, response: ServerResponse) => {
        const range = `bytes ${start}-${end}/${content.length}`;
        response.writeHead(206, { ...digest, 'content-range': range });
        response.end(Buffer.concat([content.subarray(start, end + 1), Buffer.from('x')]));
      },
    ],
  ] as const) {
    it(`refuses ${title}, and leaves nothing but what was there`, async () => {
      answer = fault;
      await assert.rejects(downloading(), FileshareIntegrityError);
      assert.deepEqual(await readdir(folder.path()), ['a']);
    });
  }
});
