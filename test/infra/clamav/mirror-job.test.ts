import assert from 'node:assert/strict';
import { finds, NDB, NEWER } from './mirror-job.ts';
import { MirrorJobFixture, messages } from './mirror-job-fixture.ts';

describe('the signature mirror job', () => {
  const job = new MirrorJobFixture();
  beforeEach(() => job.offer('test.ndb', NDB));

  it('fills an empty mirror', async () => {
    const ran = await job.run();
    assert.match(
      messages(ran)[0] ?? '',
      /^INFO new signatures pass their trial: loaded in \d+ ms, \d+ bytes/,
    );
    assert.deepEqual(messages(ran).slice(1), ['INFO new in the mirror: test.ndb'], ran.said);
    assert.equal(ran.code, 0);
    assert.equal(await job.contentOf('test.ndb'), NDB);
  });

  it('downloads and writes nothing where nothing is new', async () => {
    await job.run();
    const generation = await job.generationOf('test.ndb');
    const ran = await job.run();
    assert.deepEqual(messages(ran), ['INFO the mirror has what there is'], ran.said);
    assert.equal(job.source.count('/test.ndb', 200), 1);
    assert.equal(job.source.count('/test.ndb', 304), 1);
    assert.equal(await job.generationOf('test.ndb'), generation);
  });

  it('takes what is newer, and never what is older', async () => {
    await job.run();
    job.offer('test.ndb', NEWER);
    const newer = await job.run();
    assert.equal(newer.code, 0, newer.said);
    assert.equal(await job.contentOf('test.ndb'), NEWER);
    job.source.files.set('test.ndb', NDB);
    job.source.modifiedAt = 0;
    assert.equal((await job.run()).code, 0);
    assert.equal(await job.contentOf('test.ndb'), NEWER);
  });

  it('leaves the mirror as it is while the source is down, and fails', async () => {
    await job.run();
    job.source.failure = 503;
    const ran = await job.run();
    assert.equal(ran.code, 1);
    assert.match(messages(ran).join('\n'), /^ERROR the mirror could not be brought up to date: custom: /);
    assert.equal(await job.contentOf('test.ndb'), NDB);
  });

  it('puts nothing broken into the mirror', async () => {
    await job.run();
    job.offer('test.ndb', 'this is no signature\n');
    assert.equal((await job.run()).code, 1);
    assert.equal(await job.contentOf('test.ndb'), NDB);
  });

  it('puts no .cvd into the mirror that ClamAV has not signed', async () => {
    const fields = 'ClamAV-VDB:10 Nov 2026 09-00 +0000:27000:1:90';
    const header = `${fields}:${'a'.repeat(32)}:${'b'.repeat(200)}:tester:1700000000`;
    job.source.files.set(
      'daily.cvd',
      Buffer.concat([Buffer.from(header.padEnd(512)), Buffer.alloc(2048, 7)]),
    );
    const ran = await job.run({ SIGNATURE_FILES: 'daily.cvd test.ndb' });
    assert.equal(ran.code, 1);
    assert.equal(await job.contentOf('daily.cvd'), undefined);
    assert.equal(await job.contentOf('test.ndb'), NDB);
  });

  it('replaces what is broken in the mirror', async () => {
    await job.storage.put(job.name('test.ndb'), 'half a fi');
    const ran = await job.run();
    assert.equal(ran.code, 0, ran.said);
    assert.equal(await job.contentOf('test.ndb'), NDB);
  });

  it('keeps what a faster one has put there meanwhile', async () => {
    await job.run();
    job.offer('test.ndb', NEWER);
    const faster = NEWER + finds('Worm.Of.Tonight', 'a worm of tonight');
    job.source.onRequest = () => job.storage.put(job.name('test.ndb'), faster);
    const ran = await job.run();
    assert.equal(ran.code, 0);
    assert.match(messages(ran).join('\n'), /INFO test\.ndb was put into the mirror by somebody else/);
    assert.equal(await job.contentOf('test.ndb'), faster);
  });

  it('stays away for as long as it was asked to, also in the next run', async () => {
    job.source.failure = 429;
    job.source.failureHeaders = { 'retry-after': '3600' };
    const first = await job.run({ SIGNATURE_FILES: 'daily.cvd' });
    assert.equal(first.code, 0, first.said);
    assert.match(
      messages(first).join('\n'),
      /^WARNING ClamAV's network asks to wait: .*cool-down until after/,
    );
    const asked = job.source.answers.length;
    assert.ok(asked > 0);
    const second = await job.run({ SIGNATURE_FILES: 'daily.cvd' });
    assert.equal(second.code, 0, second.said);
    assert.match(messages(second).join('\n'), /WARNING ClamAV's network asks to wait/);
    assert.equal(job.source.answers.length, asked);
  });

  it('fails where the mirror cannot be written to', async () => {
    const ran = await job.run({ SIGNATURE_MIRROR: 'gs://no-such-bucket/x' });
    assert.equal(ran.code, 1);
    assert.match(messages(ran).join('\n'), /ERROR /);
  });

  it('fails where there is no token, and asks nobody for signatures', async () => {
    const ran = await job.run({ GCE_METADATA_HOST: '127.0.0.1:1' });
    assert.equal(ran.code, 1);
    assert.match(messages(ran).join('\n'), /ERROR the mirror cannot be read: no token/);
    assert.equal(job.source.answers.length, 0);
  });

  for (const [variable, value] of [
    ['SIGNATURE_MIRROR', 'https://mirror.example/'],
    ['SIGNATURE_SOURCE', 'ftp://database.clamav.net'],
    ['SIGNATURE_FILES', '../daily.cvd'],
    ['TRIAL_LOAD_SECONDS', 'soon'],
    ['TRIAL_MEMORY_BYTES', '0'],
    ['TRIAL_MAX_HOLD_HOURS', '1.5'],
    ['SIGNATURE_OVERRIDE', 'daily 27654'],
    ['ROLL_BACK', 'daily'],
  ] as const) {
    it(`names ${variable} where it is ${value}`, async () => {
      const ran = await job.run({ [variable]: value });
      assert.equal(ran.code, 64);
      assert.match(messages(ran)[0] ?? '', new RegExp(`^ERROR ${variable} must`));
    });
  }
});
