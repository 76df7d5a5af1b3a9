import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { EICAR } from '../../../shared/scanning/canary.ts';
import { finds, NDB, NEWER } from './mirror-job.ts';
import { MirrorJobFixture, messages } from './mirror-job-fixture.ts';
import { freePort } from './sidecar.ts';

/** Finds EICAR as the file that somebody uploads, and in nothing that contains it. */
const SHALLOW = `Eicar;Engine:51-255,Target:0,Container:CL_TYPE_ANY;0;0:${EICAR.toString('hex')}\n`;
const HELD =
  /^ERROR new signatures are held: (.*) \(set ([0-9a-f]{12}), since (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)\)$/;
const TOO_LONG = /^CRITICAL new signatures are held for too long and need a decision: /;

/** Many that find nothing. */
function heavy(count: number): string {
  const line = (at: number) => finds(`Heavy.${at}`, `${at}`.padStart(9, '0').repeat(9));
  return NDB + Array.from({ length: count }, (_, at) => line(at)).join('');
}

describe('new signatures are tried before they are in the mirror', () => {
  const job = new MirrorJobFixture();
  const env = { SIGNATURE_FILES: 'test.ndb' };
  beforeEach(() => job.offer('test.ndb', NDB));

  /** Runs the job, which has to hold what is new. @returns the reason, and the id of the set */
  async function held(also: Readonly<Record<string, string>> = {}) {
    const generation = await job.generationOf('test.ndb');
    const ran = await job.run({ ...env, ...also });
    assert.equal(ran.code, 3, ran.said);
    assert.equal(await job.generationOf('test.ndb'), generation);
    const [, reason = '', set = '', since = ''] = messages(ran)
      .flatMap((line) => HELD.exec(line) ?? [])
      .slice(0, 4);
    assert.notEqual(reason, '', ran.said);
    return { reason, set, since };
  }

  /** Puts a set into the mirror, which passes. @returns the bytes of memory it took */
  async function promoted(): Promise<number> {
    const ran = await job.run(env);
    assert.equal(ran.code, 0, ran.said);
    return Number(/(\d+) bytes of memory/.exec(ran.said)?.[1]);
  }

  it('holds what finds a clean PDF', async () => {
    await promoted();
    job.offer('test.ndb', NEWER + finds('Worm.Of.Fools', '%PDF-1.7'));
    assert.match(
      (await held()).reason,
      /they find Worm\.Of\.Fools\.UNOFFICIAL FOUND in archive\.pdf, which is clean/,
    );
    assert.equal(await job.contentOf('test.ndb'), NDB);
  });

  it('holds what misses EICAR in a zip', async () => {
    const files = { SIGNATURE_FILES: 'test.ndb other.ldb' };
    job.offer('other.ldb', SHALLOW);
    assert.equal((await job.run(files)).code, 0);
    job.offer('test.ndb', finds('Worm.Of.Yesterday', 'a worm of yesterday'));
    const { reason } = await held(files);
    assert.match(reason, /^they miss malware in: .*\beicar\.zip\b/);
    assert.doesNotMatch(reason, /eicar\.com/);
  });

  it('holds what takes twice the memory', async () => {
    const bytes = await promoted();
    const bound = Math.round(bytes * 1.5);
    job.offer('test.ndb', heavy(200_000));
    assert.match(
      (await held({ TRIAL_MEMORY_BYTES: `${bound}` })).reason,
      new RegExp(`^they take \\d+ bytes of memory, more than ${bound}$`),
    );
  });

  it('holds what loads too slowly', async () => {
    await promoted();
    job.offer('test.ndb', NEWER);
    assert.equal((await held({ TRIAL_LOAD_SECONDS: '0' })).reason, 'they take longer than 0 s to load');
  });

  it('holds what clamd does not start with', async () => {
    await promoted();
    job.offer('test.ndb', NEWER);
    const server = createServer((socket) => socket.destroy()).listen(await freePort(), '127.0.0.1');
    await once(server, 'listening');
    try {
      const { port } = server.address() as import('node:net').AddressInfo;
      assert.match((await held({ CLAMD_PORT: `${port}` })).reason, /^clamd ends: .*in use/);
    } finally {
      server.close();
    }
  });

  it('remembers since when it holds them, and asks for a decision after the longest hold', async () => {
    await promoted();
    job.offer('test.ndb', finds('Worm.Of.Fools', '%PDF-1.7'));
    const { since } = await held();
    assert.equal((await held()).since, since);
    await job.storage.put(job.name('trial.dat'), `held ${Math.floor(Date.now() / 1000) - 7200}\n`);
    await held({ TRIAL_MAX_HOLD_HOURS: '3' });
    const ran = await job.run({ ...env, TRIAL_MAX_HOLD_HOURS: '2' });
    assert.equal(ran.code, 3);
    assert.match(messages(ran).join('\n'), TOO_LONG);
    assert.equal(await job.contentOf('test.ndb'), NDB);
  });

  it('ends a hold with the next signatures that pass', async () => {
    await promoted();
    job.offer('test.ndb', finds('Worm.Of.Fools', '%PDF-1.7'));
    await held();
    job.offer('test.ndb', NEWER);
    await promoted();
    assert.equal(await job.contentOf('test.ndb'), NEWER);
    assert.equal(await job.contentOf('trial.dat'), '');
  });

  it('promotes the set that somebody decides on, and no other', async () => {
    await promoted();
    const worse = NDB + finds('Worm.Of.Fools', '%PDF-1.7');
    job.offer('test.ndb', worse);
    const { set } = await held({ SIGNATURE_OVERRIDE: '0123456789ab' });
    const ran = await job.run({ ...env, SIGNATURE_OVERRIDE: set });
    assert.equal(ran.code, 0, ran.said);
    assert.match(
      messages(ran).join('\n'),
      /WARNING new signatures are promoted by SIGNATURE_OVERRIDE, although they find/,
    );
    assert.equal(await job.contentOf('test.ndb'), worse);
  });

  it('holds them where another job has remembered the hold meanwhile', async () => {
    await promoted();
    job.offer('test.ndb', finds('Worm.Of.Fools', '%PDF-1.7'));
    job.source.onRequest = () => job.storage.put(job.name('trial.dat'), 'held 1700000000\n');
    const ran = await job.run(env);
    assert.equal(ran.code, 3, ran.said);
    assert.match(messages(ran).join('\n'), /trial\.dat was put into the mirror by somebody else/);
  });

  for (const file of ['trial.dat', 'test.ndb.previous']) {
    it(`fails, and leaves the signatures as they are, where ${file} cannot be written`, async () => {
      await promoted();
      job.offer('test.ndb', file === 'trial.dat' ? NDB + finds('Worm.Of.Fools', '%PDF-1.7') : NEWER);
      const { faults } = job.storage.emulator;
      faults.add({
        operation: 'resumable.chunk',
        namePrefix: job.name(file),
        effect: { kind: 'error', status: 503 },
      });
      try {
        const ran = await job.run(env);
        assert.equal(ran.code, 1, ran.said);
        assert.match(
          messages(ran).join('\n'),
          /ERROR the mirror could not be brought up to date: .* cannot be put into the mirror: status 503/,
        );
        assert.equal(await job.contentOf('test.ndb'), NDB);
      } finally {
        faults.clear();
      }
    });
  }
});
