import assert from 'node:assert/strict';
import { ensureClamd } from '../../../infra/local/clamav/install.ts';
import { BUCKET, EmulatorFixture, objectPath } from '../emulators/storage/emulator-fixture.ts';
import { Mirror } from './mirror.ts';
import { runMirrorJob } from './mirror-job.ts';

const NDB = `Worm.Of.Yesterday:0:*:${Buffer.from('a worm of yesterday').toString('hex')}\n`;
const NEWER = `${NDB}Worm.Of.Today:0:*:${Buffer.from('a worm of today').toString('hex')}\n`;
const YESTERDAY = Math.floor(Date.now() / 1000) - 86_400;
/** Time of another version for a sidecar that has asked today. */
const TOMORROW = YESTERDAY + 2 * 86_400;

describe('the signature mirror job', () => {
  const storage = new EmulatorFixture();
  let source: Mirror;
  let metadata: Mirror;
  let prefix = 0;
  before(async () => {
    await ensureClamd();
    metadata = await Mirror.start();
  });
  after(() => metadata[Symbol.asyncDispose]());
  beforeEach(async () => {
    prefix += 1;
    source = await Mirror.start();
    source.files.set('test.ndb', NDB);
    source.modifiedAt = YESTERDAY;
  });
  afterEach(() => source[Symbol.asyncDispose]());

  const name = (file: string) => `mirror-${prefix}/${file}`;
  const run = (env: Record<string, string> = {}) =>
    runMirrorJob({
      SIGNATURE_MIRROR: `gs://${BUCKET}/mirror-${prefix}`,
      SIGNATURE_FILES: 'test.ndb',
      SIGNATURE_SOURCE: `http://${source.host}`,
      STORAGE_EMULATOR_HOST: storage.url,
      // The metadata server is another one than the source, which may be down.
      GCE_METADATA_HOST: metadata.host,
      ...env,
    });

  const contentOf = async (file: string) => {
    const reply = await storage.call('GET', `${objectPath(name(file))}?alt=media`);
    return reply.status === 200 ? reply.text : undefined;
  };
  const generationOf = async (file: string) =>
    (await storage.call('GET', objectPath(name(file)))).ok().generation;
  const messages = ({ lines }: Awaited<ReturnType<typeof run>>) =>
    lines.map(({ severity, message }) => `${severity} ${message}`);

  it('fills an empty mirror', async () => {
    const ran = await run();
    assert.deepEqual(messages(ran), ['INFO new in the mirror: test.ndb'], ran.said);
    assert.equal(ran.code, 0);
    assert.equal(await contentOf('test.ndb'), NDB);
  });

  it('downloads and writes nothing where nothing is new', async () => {
    await run();
    const generation = await generationOf('test.ndb');
    const ran = await run();
    assert.deepEqual(messages(ran), ['INFO the mirror has what there is'], ran.said);
    assert.equal(source.count('/test.ndb', 200), 1);
    assert.equal(source.count('/test.ndb', 304), 1);
    assert.equal(await generationOf('test.ndb'), generation);
  });

  it('takes what is newer, and never what is older', async () => {
    await run();
    source.files.set('test.ndb', NEWER);
    source.modifiedAt = TOMORROW;
    assert.equal((await run()).code, 0);
    assert.equal(await contentOf('test.ndb'), NEWER);
    source.files.set('test.ndb', NDB);
    source.modifiedAt = YESTERDAY;
    assert.equal((await run()).code, 0);
    assert.equal(await contentOf('test.ndb'), NEWER);
  });

  it('leaves the mirror as it is while the source is down, and fails', async () => {
    await run();
    source.failure = 503;
    const ran = await run();
    assert.equal(ran.code, 1);
    assert.match(messages(ran).join('\n'), /^ERROR the mirror could not be brought up to date: custom: /);
    assert.equal(await contentOf('test.ndb'), NDB);
  });

  it('puts nothing broken into the mirror', async () => {
    await run();
    source.files.set('test.ndb', 'this is no signature\n');
    source.modifiedAt = TOMORROW;
    assert.equal((await run()).code, 1);
    assert.equal(await contentOf('test.ndb'), NDB);
  });

  it('puts no .cvd into the mirror that ClamAV has not signed', async () => {
    const fields = 'ClamAV-VDB:10 Nov 2026 09-00 +0000:27000:1:90';
    const header = `${fields}:${'a'.repeat(32)}:${'b'.repeat(200)}:tester:1700000000`;
    source.files.set('daily.cvd', Buffer.concat([Buffer.from(header.padEnd(512)), Buffer.alloc(2048, 7)]));
    const ran = await run({ SIGNATURE_FILES: 'daily.cvd test.ndb' });
    assert.equal(ran.code, 1);
    assert.equal(await contentOf('daily.cvd'), undefined);
    assert.equal(await contentOf('test.ndb'), NDB);
  });

  it('replaces what is broken in the mirror', async () => {
    await storage.put(name('test.ndb'), 'half a fi');
    const ran = await run();
    assert.equal(ran.code, 0, ran.said);
    assert.equal(await contentOf('test.ndb'), NDB);
  });

  it('keeps what a faster one has put there meanwhile', async () => {
    await run();
    source.files.set('test.ndb', NEWER);
    source.modifiedAt = TOMORROW;
    const faster = `${NEWER}Worm.Of.Tonight:0:*:${Buffer.from('a worm of tonight').toString('hex')}\n`;
    source.onRequest = () => storage.put(name('test.ndb'), faster);
    const ran = await run();
    assert.equal(ran.code, 0);
    assert.match(messages(ran).join('\n'), /INFO test\.ndb was put into the mirror by somebody else/);
    assert.equal(await contentOf('test.ndb'), faster);
  });

  it('stays away for as long as it was asked to, also in the next run', async () => {
    source.failure = 429;
    source.failureHeaders = { 'retry-after': '3600' };
    const first = await run({ SIGNATURE_FILES: 'daily.cvd' });
    assert.equal(first.code, 0, first.said);
    assert.match(
      messages(first).join('\n'),
      /^WARNING ClamAV's network asks to wait: .*cool-down until after/,
    );
    const asked = source.answers.length;
    assert.ok(asked > 0);
    const second = await run({ SIGNATURE_FILES: 'daily.cvd' });
    assert.equal(second.code, 0, second.said);
    assert.match(messages(second).join('\n'), /WARNING ClamAV's network asks to wait/);
    assert.equal(source.answers.length, asked);
  });

  it('fails where the mirror cannot be written to', async () => {
    const ran = await run({ SIGNATURE_MIRROR: 'gs://no-such-bucket/x' });
    assert.equal(ran.code, 1);
    assert.match(messages(ran).join('\n'), /ERROR /);
  });

  it('fails where there is no token, and asks nobody for signatures', async () => {
    const ran = await run({ GCE_METADATA_HOST: '127.0.0.1:1' });
    assert.equal(ran.code, 1);
    assert.match(messages(ran).join('\n'), /ERROR the mirror cannot be read: no token/);
    assert.equal(source.answers.length, 0);
  });

  for (const [variable, value] of [
    ['SIGNATURE_MIRROR', 'https://mirror.example/'],
    ['SIGNATURE_SOURCE', 'ftp://database.clamav.net'],
    ['SIGNATURE_FILES', '../daily.cvd'],
  ] as const) {
    it(`names ${variable} where it is ${value}`, async () => {
      const ran = await run({ [variable]: value });
      assert.equal(ran.code, 64);
      assert.match(messages(ran)[0] ?? '', new RegExp(`^ERROR ${variable} must`));
    });
  }
});
