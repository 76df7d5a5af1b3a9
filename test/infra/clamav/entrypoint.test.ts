import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { ensureClamd } from '../../../infra/local/clamav/install.ts';
import { EICAR } from '../../../shared/scanning/canary.ts';
import { eventually } from '../local/eventually.ts';
import { Mirror } from './mirror.ts';
import { Sidecar } from './sidecar.ts';
import { zipOfMethod } from './unsupported-files.ts';

const EICAR_NDB = `Eicar-Test-Signature:0:*:${EICAR.toString('hex')}\n`;
const WORM = 'a worm that nobody knew yesterday';
const WORM_NDB = `Worm.Of.Today:0:*:${Buffer.from(WORM).toString('hex')}\n`;
const FILES = { SIGNATURE_FILES: 'test.ndb' };

describe('the ClamAV sidecar', () => {
  let sidecar: Sidecar;
  let mirror: Mirror;
  before(async () => {
    await ensureClamd();
  });
  beforeEach(async () => {
    sidecar = await Sidecar.create();
    mirror = await Mirror.start();
    mirror.files.set('test.ndb', EICAR_NDB);
  });
  afterEach(async () => {
    await sidecar[Symbol.asyncDispose]();
    await mirror[Symbol.asyncDispose]();
  });

  const fromMirror = () => ({ SIGNATURE_MIRROR: `http://${mirror.host}/`, ...FILES });

  it('brings signatures from the mirror before it starts, and finds EICAR', async () => {
    sidecar.start(fromMirror());
    await sidecar.finds(EICAR);
    assert.equal((await sidecar.scan('harmless'))?.kind, 'clean');
    assert.equal((await sidecar.state())['state'], 'current');
    const line = JSON.parse(sidecar.lines.find((line) => line.includes('clamd starts')) ?? '{}');
    assert.equal(line.severity, 'INFO');
    assert.match(line.database, /^test\.ndb [0-9a-f]{8}$/);
  });

  it('finds also what cannot be looked into', async () => {
    sidecar.start(fromMirror());
    await sidecar.finds(EICAR);
    const verdict = await sidecar.scan(zipOfMethod(14));
    assert.deepEqual(verdict, {
      kind: 'unscannable',
      reason: 'unsupported',
      detail: 'Heuristics.Unscannable.Zip.LZMA.UNOFFICIAL',
    });
  });

  it('has the limits of its environment', async () => {
    sidecar.start(fromMirror());
    await sidecar.finds(EICAR);
    assert.equal((await sidecar.scan(Buffer.alloc(2 ** 20)))?.kind, 'clean');
    const conf = await readFile(sidecar.path('run', 'clamd.conf'), 'utf8');
    assert.match(conf, /^StreamMaxLength 1048576$/m);
    assert.equal(conf.includes('${'), false);
  });

  it('empties its temporary directory, where a clamd that was killed left files', async () => {
    await mkdir(sidecar.path('temporary', 'clamav-left'), { mode: 0o777 });
    await writeFile(sidecar.path('temporary', '.left'), '');
    sidecar.start(fromMirror());
    await sidecar.finds(EICAR);
    assert.deepEqual(await readdir(sidecar.path('temporary')), []);
  });

  it('starts with the signatures it has while the mirror is down, and says so once', async () => {
    await writeFile(sidecar.path('database', 'test.ndb'), EICAR_NDB);
    mirror.failure = 503;
    sidecar.start(fromMirror());
    await sidecar.finds(EICAR);
    await eventually(() => mirror.count('/test.ndb', 503) >= 2);
    assert.equal(sidecar.count(/"WARNING".*test\.ndb cannot be fetched: .*503/), 1);
    assert.equal((await sidecar.state())['state'], 'stale');

    mirror.failure = undefined;
    await eventually(async () => (await sidecar.state())['state'] === 'current');
  });

  it('does not start without signatures, and says why', async () => {
    mirror.failure = 503;
    await rm(sidecar.path('app', 'signatures'), { recursive: true });
    sidecar.start(fromMirror());
    assert.equal(await sidecar.exit, 69);
    assert.equal(sidecar.count(/"ERROR","message":"no signatures: clamd would find nothing/), 1);
    assert.equal(sidecar.count(/"WARNING".*test\.ndb cannot be fetched/), 1);
  });

  it('is ready before its grant on the mirror holds, and takes the signatures as soon as it does', async () => {
    mirror.failure = 403;
    sidecar.start(fromMirror());
    await sidecar.finds(EICAR);
    assert.equal(sidecar.count(/"WARNING".*clamd starts with those of the image/), 1);
    assert.equal((await sidecar.state())['state'], 'stale');
    mirror.files.set('test.ndb', EICAR_NDB + WORM_NDB);
    mirror.failure = undefined;
    await sidecar.finds(WORM);
    assert.equal((await sidecar.state())['state'], 'current');
  });

  it('starts with the signatures of the image, which no scanner takes for official ones', async () => {
    sidecar.start({ ...fromMirror(), SIGNATURE_FILES: 'main.cvd daily.cvd bytecode.cvd' });
    await sidecar.finds(EICAR);
    assert.equal((await sidecar.state())['state'], 'stale');
    assert.equal((await sidecar.version()).databaseDate, undefined);
  });

  it('finds what is new in the mirror without a restart', async () => {
    sidecar.start(fromMirror());
    await sidecar.finds(EICAR);
    assert.equal((await sidecar.scan(WORM))?.kind, 'clean');
    mirror.files.set('test.ndb', EICAR_NDB + WORM_NDB);
    await sidecar.finds(WORM);
    assert.equal(sidecar.count(/new signatures are in place/), 2);
  });

  it('goes back to older signatures where the mirror does', async () => {
    mirror.files.set('test.ndb', EICAR_NDB + WORM_NDB);
    sidecar.start(fromMirror());
    await sidecar.finds(WORM);
    mirror.files.set('test.ndb', EICAR_NDB);
    await eventually(async () => (await sidecar.scan(WORM))?.kind === 'clean');
  });

  it('does not download or reload what has not changed', async () => {
    sidecar.start(fromMirror());
    await eventually(() => mirror.count('/test.ndb', 304) >= 2);
    assert.equal(mirror.count('/test.ndb', 200), 1);
    assert.equal(sidecar.count(/Database correctly reloaded/), 0);
  });

  it('keeps scanning with what it has when an update is broken', async () => {
    sidecar.start(fromMirror());
    await sidecar.finds(EICAR);
    mirror.files.set('test.ndb', 'this is no signature\n');
    await sidecar.says(/"WARNING".*test\.ndb is refused: /);
    assert.equal((await sidecar.scan(EICAR))?.kind, 'infected');
    assert.equal(await readFile(sidecar.path('database', 'test.ndb'), 'utf8'), EICAR_NDB);
  });

  it('refuses a .cvd whose signature is not that of ClamAV, and takes the other files', async () => {
    const fields = 'ClamAV-VDB:10 Nov 2026 09-00 +0000:27000:1:90';
    const header = `${fields}:${'a'.repeat(32)}:${'b'.repeat(200)}:tester:1700000000`;
    mirror.files.set('daily.cvd', Buffer.concat([Buffer.from(header.padEnd(512)), Buffer.alloc(2048, 7)]));
    sidecar.start({ ...fromMirror(), SIGNATURE_FILES: 'daily.cvd test.ndb' });
    await sidecar.says(/"WARNING".*daily\.cvd is refused: /);
    await sidecar.finds(EICAR);
    assert.equal((await readdir(sidecar.path('database'))).includes('daily.cvd'), false);
  });

  it('reads a private bucket with the token of the metadata server', async () => {
    mirror.files.set('clamav/prod/test.ndb', EICAR_NDB);
    sidecar.start({
      SIGNATURE_MIRROR: 'gs://signatures/clamav/prod',
      GCE_METADATA_HOST: mirror.host,
      STORAGE_EMULATOR_HOST: `http://${mirror.host}`,
      ...FILES,
    });
    await sidecar.finds(EICAR);
    await eventually(
      () => mirror.count('/storage/v1/b/signatures/o/clamav%2Fprod%2Ftest.ndb?alt=media', 304) > 0,
    );
  });

  it('reads a mounted directory', async () => {
    await mkdir(sidecar.path('mounted'));
    await writeFile(sidecar.path('mounted', 'test.ndb'), EICAR_NDB);
    sidecar.start({ SIGNATURE_MIRROR: `file://${sidecar.path('mounted')}`, ...FILES });
    await sidecar.finds(EICAR);
    await writeFile(sidecar.path('mounted', 'test.ndb'), EICAR_NDB + WORM_NDB);
    await sidecar.finds(WORM);
    await rm(sidecar.path('mounted', 'test.ndb'));
    await sidecar.says(/test\.ndb cannot be fetched: no such file/);
    assert.equal((await sidecar.scan(WORM))?.kind, 'infected');
  });

  it('does without a mirror where the signatures come with the image', async () => {
    await writeFile(sidecar.path('database', 'test.ndb'), EICAR_NDB);
    sidecar.start();
    await sidecar.finds(EICAR);
  });

  it('ends clamd and itself with 0 when it is told to', async () => {
    sidecar.start(fromMirror());
    await sidecar.finds(EICAR);
    sidecar.signal('SIGTERM');
    assert.equal(await sidecar.exit, 0);
    assert.equal(await sidecar.scan('anything'), undefined);
  });

  it('ends at once when it is told to while it waits for the mirror', async () => {
    const silent = await Mirror.start();
    const asked = silent.swallow();
    sidecar.start({ SIGNATURE_MIRROR: `http://${silent.host}/`, ...FILES });
    await asked;
    sidecar.signal('SIGTERM');
    assert.equal(await sidecar.exit, null);
    await silent[Symbol.asyncDispose]();
  });

  it('is clamd, and leaves nothing behind when that is killed', async () => {
    sidecar.start(fromMirror());
    await sidecar.finds(EICAR);
    process.kill(sidecar.pid, 'SIGKILL');
    assert.equal(await sidecar.exit, null);
  });

  const WRONG: readonly (readonly [string, string])[] = [
    ['CLAMD_ADDRESS', 'all'],
    ['CLAMD_PORT', '65536'],
    ['MAX_SCAN_BYTES', '1e9'],
    ['MAX_THREADS', '0'],
    ['REFRESH_SECONDS', '08'],
    ['DATABASE_DIRECTORY', 'relative'],
    ['RUN_DIRECTORY', '/proc/nowhere'],
    ['TEMPORARY_DIRECTORY', '/'],
    ['TEMPORARY_DIRECTORY', '/tmp/"\nUser root'],
    ['SIGNATURE_MIRROR', 'ftp://mirror'],
    ['SIGNATURE_FILES', '../test.ndb'],
  ];
  for (const [name, value] of WRONG) {
    it(`names ${name} where it is ${JSON.stringify(value)}, and does nothing`, async () => {
      await writeFile(sidecar.path('temporary', 'untouched'), '');
      sidecar.start({ [name]: value });
      assert.equal(await sidecar.exit, 64);
      assert.equal(sidecar.count(new RegExp(`"ERROR","message":"${name} must`)), sidecar.lines.length);
      assert.deepEqual(await readdir(sidecar.path('temporary')), ['untouched']);
    });
  }
});
