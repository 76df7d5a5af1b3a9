import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { finds, NDB, NEWER } from './mirror-job.ts';
import { MirrorJobFixture, messages } from './mirror-job-fixture.ts';

/** The version of a file that ClamAV has not numbered, as log lines and verdicts have it. */
const versionOf = (content: string) => createHash('sha256').update(content).digest('hex').slice(0, 8);

describe('a roll-back of signatures', () => {
  const job = new MirrorJobFixture();
  const bad = `test-${versionOf(NEWER)}`;
  beforeEach(async () => {
    job.offer('test.ndb', NDB);
    assert.equal((await job.run()).code, 0);
    job.offer('test.ndb', NEWER);
    assert.equal((await job.run()).code, 0);
  });

  it('restores the version before', async () => {
    assert.equal(await job.contentOf('test.ndb'), NEWER);
    const ran = await job.run({ ROLL_BACK: bad });
    assert.equal(ran.code, 0, ran.said);
    assert.deepEqual(messages(ran), [`WARNING signatures are rolled back: ${bad} is refused from now on`]);
    assert.equal(await job.contentOf('test.ndb'), NDB);
  });

  it('asks no source', async () => {
    const asked = job.source.answers.length;
    await job.run({ ROLL_BACK: bad });
    assert.equal(job.source.answers.length, asked);
  });

  it('changes nothing where it is repeated', async () => {
    await job.run({ ROLL_BACK: bad });
    const generation = await job.generationOf('test.ndb');
    const again = await job.run({ ROLL_BACK: bad });
    assert.equal(again.code, 0, again.said);
    assert.equal(await job.generationOf('test.ndb'), generation);
  });

  it('is completed by a repeat where it ended after the refusal', async () => {
    await job.storage.put(
      job.name('trial.dat'),
      `refused ${bad} ${createHash('sha256').update(NEWER).digest('hex')}\n`,
    );
    assert.equal((await job.run({ ROLL_BACK: bad })).code, 0);
    assert.equal(await job.contentOf('test.ndb'), NDB);
  });

  it('keeps the bad version out until a newer one is there', async () => {
    await job.run({ ROLL_BACK: bad });
    job.offer('test.ndb', NEWER);
    job.source.modifiedAt = Math.floor(Date.now() / 1000) + 3 * 86_400;
    const refused = await job.run();
    assert.equal(refused.code, 3, refused.said);
    assert.match(
      messages(refused).join('\n'),
      new RegExp(`^ERROR new signatures are held: ${bad} was rolled back `),
    );
    assert.equal(await job.contentOf('test.ndb'), NDB);
    const newest = NEWER + finds('Worm.Of.Tonight', 'a worm of tonight');
    job.offer('test.ndb', newest);
    job.source.modifiedAt += 86_400;
    assert.equal((await job.run()).code, 0);
    assert.equal(await job.contentOf('test.ndb'), newest);
    assert.match((await job.contentOf('trial.dat')) ?? '', new RegExp(`^refused ${bad} [0-9a-f]{64}\n$`));
  });

  for (const [what, version, reason] of [
    ['a version that the mirror does not have', 'test-00000000', 'the mirror has test.ndb '],
    ['a file that is not in the mirror', 'daily-27654', 'the mirror has test.ndb '],
  ] as const) {
    it(`fails for ${what}`, async () => {
      const ran = await job.run({ ROLL_BACK: version });
      assert.equal(ran.code, 1);
      assert.match(
        messages(ran).join('\n'),
        new RegExp(`^ERROR signatures could not be rolled back: ${reason}`),
      );
      assert.equal(await job.contentOf('test.ndb'), NEWER);
    });
  }

  it('fails without a version before, and refuses nothing', async () => {
    await job.storage.call(
      'DELETE',
      `/storage/v1/b/contract/o/${encodeURIComponent(job.name('test.ndb.previous'))}`,
    );
    const ran = await job.run({ ROLL_BACK: bad });
    assert.equal(ran.code, 1);
    assert.match(messages(ran).join('\n'), /could not be rolled back: there is no test\.ndb\.previous: /);
    assert.equal(await job.contentOf('trial.dat'), undefined);
  });

  it('fails where the version before is broken', async () => {
    await job.storage.put(job.name('test.ndb.previous'), 'half a fi');
    const ran = await job.run({ ROLL_BACK: bad });
    assert.equal(ran.code, 1);
    assert.match(messages(ran).join('\n'), /could not be rolled back: test\.ndb\.previous is refused: /);
    assert.equal(await job.contentOf('test.ndb'), NEWER);
  });

  it('fails where the version before is the same', async () => {
    await job.storage.put(job.name('test.ndb.previous'), NEWER);
    const ran = await job.run({ ROLL_BACK: bad });
    assert.equal(ran.code, 1);
    assert.match(messages(ran).join('\n'), /could not be rolled back: test\.ndb\.previous is the same$/);
  });

  it('restores nothing where the refusal cannot be remembered', async () => {
    const { faults } = job.storage.emulator;
    faults.add({
      operation: 'resumable.chunk',
      namePrefix: job.name('trial.dat'),
      effect: { kind: 'error', status: 503 },
    });
    try {
      assert.equal((await job.run({ ROLL_BACK: bad })).code, 1);
      assert.equal(await job.contentOf('test.ndb'), NEWER);
    } finally {
      faults.clear();
    }
  });
});
