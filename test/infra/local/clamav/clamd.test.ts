import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningClamd, startClamd } from '../../../../infra/local/clamav/clamd.ts';
import { renderConf } from '../../../../infra/local/clamav/conf.ts';
import { ensureClamd } from '../../../../infra/local/clamav/install.ts';
import type { Exit } from '../../../../infra/local/clamav/process.ts';
import { provideSignatures } from '../../../../infra/local/clamav/signatures.ts';
import { detectsCanary } from '../../../../shared/scanning/canary.ts';
import { createClamd } from '../../../../shared/scanning/clamd.ts';

const MIB = 2 ** 20;
const SMALL = { maxScanBytes: MIB, threads: 1 } as const;

describe('a private clamd', () => {
  let folder: string;
  const running: RunningClamd[] = [];
  before(async () => {
    await ensureClamd();
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'clamd own '));
  });
  afterEach(async () => {
    for (const clamd of running.splice(0)) await clamd.stop();
    await rm(folder, { recursive: true });
  });

  async function start(options: Partial<Parameters<typeof startClamd>[0]> = {}): Promise<RunningClamd> {
    const clamd = await startClamd({ folder, ...SMALL, ...options });
    running.push(clamd);
    return clamd;
  }

  function exitOf(clamd: RunningClamd): Promise<Exit> {
    return new Promise((resolve) => clamd.onExit(resolve));
  }

  it('is ready when it is there: it finds EICAR, and nothing in a harmless file', async () => {
    const { host, port, development, maxBytes } = await start();
    const deadlines = { connectTimeoutMs: 30_000, idleTimeoutMs: 60_000, totalTimeoutMs: 150_000 };
    assert.equal(await detectsCanary(createClamd({ host, port, ...deadlines })), true);
    assert.equal(development, !process.env['CLAMAV_DATABASE_DIR']);
    assert.equal(maxBytes, MIB);
  });

  it('starts with an empty temporary directory', async () => {
    await mkdir(join(folder, 'tmp'), { recursive: true });
    await writeFile(join(folder, 'tmp', 'left-behind'), 'by a clamd that was killed');
    const { temporaryDirectory } = await start();
    assert.deepEqual(await readdir(temporaryDirectory), []);
    assert.equal((await stat(temporaryDirectory)).mode & 0o777, 0o700);
  });

  it('says when it has ended because it was asked to', async () => {
    const clamd = await start();
    const exit = exitOf(clamd);
    await clamd.stop();
    assert.equal((await exit).expected, true);
    await clamd.stop();
  });

  it('says when it has ended on its own, also to those who ask late, and can be started again', async () => {
    const clamd = await start();
    const { port } = clamd;
    process.kill(clamd.pid, 'SIGKILL');
    assert.deepEqual(await exitOf(clamd), { reason: 'SIGKILL', expected: false });
    assert.deepEqual(await exitOf(clamd), { reason: 'SIGKILL', expected: false });
    assert.equal((await start({ port })).port, port);
  });

  it('refuses a port that somebody else has, rather than trust who answers there', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    assert(typeof address === 'object' && address !== null);
    await assert.rejects(start({ port: address.port }), /clamd cannot have port \d+/);
    other.close();
  });

  it('shows the end of its log if it dies at once', async () => {
    const broken = join(folder, 'broken');
    await mkdir(broken);
    await writeFile(join(broken, 'broken.ndb'), 'this is no signature\n');
    await assert.rejects(start({ databaseDirectory: broken }), (error: Error) => {
      assert.match(error.message, /^clamd ended at once \(code 1\): .*broken\.ndb/);
      assert.equal(error.message.includes('\n'), false);
      return true;
    });
  });

  it('refuses signatures that do not find EICAR', async () => {
    const blind = join(folder, 'blind');
    await mkdir(blind);
    await writeFile(join(blind, 'blind.ndb'), `Nothing.Much:0:*:${'ab'.repeat(40)}\n`);
    await assert.rejects(start({ databaseDirectory: blind }), /does not find the EICAR test file/);
  });

  it('refuses a disk without room for what it may unpack', async () => {
    await assert.rejects(
      start({ minTempBytes: Number.MAX_SAFE_INTEGER }),
      /may need .* MiB of temporary space/,
    );
  });

  it('leaves no process behind one that does not become ready', async () => {
    await assert.rejects(start({ startTimeoutMs: 0 }), /was not ready within 0 ms/);
    assert.equal(existsSync(join(folder, 'clamd.log')), true);
    await start();
  });
});

describe('renderConf', () => {
  const values = {
    CLAMD_ADDRESS: '127.0.0.1',
    CLAMD_PORT: 3310,
    DATABASE_DIRECTORY: '/signatures with space',
    TEMPORARY_DIRECTORY: '/tmp',
    MAX_STREAM_BYTES: 1,
    MAX_SCAN_BYTES: 2,
    MAX_MEMBER_BYTES: 3,
    MAX_THREADS: 4,
    DISABLE_CACHE: 'yes',
  } as const;

  it('fills in every value', async () => {
    const conf = await renderConf(values);
    assert.match(conf, /^DatabaseDirectory \/signatures with space$/m);
    assert.equal(conf.includes('$'), false);
  });

  it('lets no value become another option', async () => {
    for (const path of ['/a\nAlertExceedsMax no', '', ' /a', '/a ', '/a"b']) {
      await assert.rejects(
        renderConf({ ...values, DATABASE_DIRECTORY: path }),
        /DATABASE_DIRECTORY cannot be written/,
      );
    }
  });
});

const RULES = ['unscannable.cfg', 'unscannable.ftm', 'unscannable.ldb'];

describe('provideSignatures', () => {
  let folder: string;
  let clamd: string;
  before(async () => {
    clamd = await ensureClamd();
    folder = await mkdtemp(join(tmpdir(), 'signatures-'));
  });
  after(() => rm(folder, { recursive: true }));

  it('writes the development signatures once', async () => {
    assert.deepEqual(await provideSignatures(folder, clamd, ''), { directory: folder, development: true });
    const files = await readdir(folder);
    assert.deepEqual(files.sort(), ['development.hsb', 'development.ndb', ...RULES]);
    const times = await Promise.all(files.map((name) => stat(join(folder, name))));
    await provideSignatures(folder, clamd, '');
    const later = await Promise.all(files.map((name) => stat(join(folder, name))));
    assert.deepEqual(
      later.map(({ ino, mtimeMs }) => [ino, mtimeMs]),
      times.map(({ ino, mtimeMs }) => [ino, mtimeMs]),
    );
  });

  it('removes rules of earlier versions', async () => {
    await writeFile(join(folder, 'unscannable.ndb'), '');
    await provideSignatures(folder, clamd, '');
    assert.deepEqual((await readdir(folder)).sort(), ['development.hsb', 'development.ndb', ...RULES]);
  });

  it('repairs signatures that were changed', async () => {
    await writeFile(join(folder, 'development.ndb'), '');
    await provideSignatures(folder, clamd, '');
    assert.match(await readFile(join(folder, 'development.ndb'), 'utf8'), /^Eicar-Test-Signature:0:\*:/);
  });

  it("uses the caller's beside those of what cannot be scanned, and writes nothing to theirs", async () => {
    const official = await mkdtemp(join(tmpdir(), 'official-'));
    await writeFile(join(official, 'daily.cvd'), 'of today');
    const { directory, development } = await provideSignatures(folder, clamd, official);
    assert.equal(development, false);
    assert.deepEqual((await readdir(directory)).sort(), ['daily.cvd', ...RULES]);
    assert.equal(await readFile(join(directory, 'daily.cvd'), 'utf8'), 'of today');
    assert.deepEqual(await readdir(official), ['daily.cvd']);
    await rm(official, { recursive: true });
  });

  it('refuses a directory that is not there', async () => {
    await assert.rejects(provideSignatures(folder, clamd, join(folder, 'nowhere')), /nowhere/);
  });
});
