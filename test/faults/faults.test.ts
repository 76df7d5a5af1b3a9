import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { eventually } from '../support/service.ts';
import { SCAN } from './clamd-commands.ts';
import { crashAt } from './crash.ts';
import { HOSTILE_REPLIES } from './hostile-replies.ts';
import { settle, violations } from './invariants.ts';
import { type BucketName, Rig } from './rig.ts';
import { clean, infected, type Sample } from './samples.ts';
import { oneOfEach, SCAN_STEPS } from './scan-steps.ts';
import { EFFECTS, MEDIA_EFFECTS, SCANNER_CALLS } from './storage-faults.ts';
import { attempt } from './trial.ts';
import { UPLOAD_STEPS } from './upload-steps.ts';

/** A selection of `npm run test:faults`, short enough for every run of the tests. */
describe('faults, in short', () => {
  const rig = new Rig();
  const known: Sample = clean();
  before(async () => {
    await rig.send(known);
  });

  for (const [name, when] of [
    ['waiting for clamd', 'before'],
    ['promoting or quarantining', 'after'],
    ['writing the verdict', 'after'],
    ['publishing', 'after'],
  ] as const) {
    const step = named(SCAN_STEPS, name);
    it(`a scanner killed ${name}: every file is decided by the next one`, () =>
      attempt(rig, `scanner killed: ${name}`, (trial) =>
        crashAt(trial, 'scanner', step, when, oneOfEach(known)),
      ));
  }

  for (const name of ['writing the object', 'the last chunk']) {
    const step = named(UPLOAD_STEPS, name);
    it(`an upload function killed after ${name}: nobody was told of a file that is lost`, () =>
      attempt(rig, `upload killed: ${name}`, (trial) =>
        crashAt(trial, 'upload', step, 'after', step.samples()),
      ));
  }

  for (const [what, how] of [
    ['read the bytes', 'a flipped bit'],
    ['rewrite', 'reset although it took effect'],
    ['insert the verdict', '500 although it took effect'],
  ]) {
    const call = SCANNER_CALLS.find(([name]) => name === what)?.[1];
    const effect = [...EFFECTS, ...MEDIA_EFFECTS].find(([name]) => name === how)?.[1];
    it(`"${what}" with ${how}: both files are decided`, () =>
      attempt(rig, `scanner: ${what}: ${how}`, async (trial) => {
        assert.ok(call && effect);
        await rig.fault({ ...call, times: 3, effect });
        await trial.send(clean(), infected());
        await trial.struck(3);
      }));
  }

  for (const name of ['half a reply', 'stream: BROKEN zip ERROR', 'two replies', 'resets after the stream']) {
    it(`a clamd that says ${name}: no file is clean by it`, () =>
      attempt(rig, `hostile clamd: ${name}`, async (trial) => {
        const behave = HOSTILE_REPLIES.find((reply) => reply[0] === name)?.[1];
        assert.ok(behave);
        rig.clamd.plan(behave, 2, SCAN);
        await trial.send(clean(), infected());
        await trial.struck(2);
      }));
  }

  // The last: what it breaks stays broken.
  it('the check of the invariants finds each of them broken', async () => {
    const sent = await Promise.all(
      [clean(), clean(), infected(), infected(), clean()].map((sample) => rig.send(sample)),
    );
    const [first = '', second = '', third = '', fourth = '', fifth = ''] = sent.map(({ id }) => id);
    await settle(rig, 120);
    assert.deepEqual(await violations(rig, sent), []);

    const bytes = randomBytes(100);
    await put(rig, 'permanent', `blobs/sha256/${createHash('sha256').update(bytes).digest('hex')}`, bytes);
    await put(rig, 'permanent', `blobs/sha256/${'0'.repeat(64)}`, bytes);
    await put(rig, 'unscanned', 'left', bytes);
    // The scanner finds it decided, and would remove it.
    await rig.fault({
      operation: 'objects.delete',
      bucket: 'unscanned',
      times: 1_000,
      effect: { kind: 'error', status: 503 },
    });
    await put(rig, 'unscanned', fourth, bytes);
    await put(rig, 'quarantine', 'stray', bytes);
    await remove(rig, 'permanent', `blobs/sha256/${sent[0]?.sha256}`);
    await remove(rig, 'permanent', `files/${second}`);
    await remove(rig, 'quarantine', third);
    // The instance remembers that it was there.
    for (const { name } of await rig.all('permanent', `receipts/${fifth}/`))
      await remove(rig, 'permanent', name);
    const verdict = await rig.bucket('permanent').stat(`verdicts/${fourth}`);
    assert.ok(verdict);
    await rig.bucket('permanent').patch(verdict.name, verdict, { state: 'clean' });

    const found = await violations(rig, sent);
    for (const expected of [
      /^\(a\) .* was never uploaded as clean/,
      new RegExp(`^\\(a\\) ${fifth} was handed out without a receipt`),
      /^\(a\) blobs\/sha256\/0{64} holds bytes whose SHA-256 is/,
      new RegExp(`^\\(b\\) ${first}, clean, is not handed out`),
      new RegExp(`^\\(b\\) ${second}, clean, is without a record`),
      new RegExp(`^\\(b\\) ${fourth}, infected, is clean`),
      new RegExp(`^\\(c\\) ${fourth}: events say infected`),
      /^\(d\) left is left in unscanned/,
      new RegExp(`^\\(d\\) ${fourth} is left in unscanned`),
      new RegExp(`^\\(e\\) ${third} is missing`),
      /^\(e\) stray is not to be in quarantine/,
      new RegExp(`^\\(f\\) ${first} breaks the rule blobMissing`),
      new RegExp(`^\\(f\\) ${fourth} breaks the rule uploadLeft`),
    ]) {
      assert.ok(
        found.some((violation) => expected.test(violation)),
        `${expected} is not in:\n${found.join('\n')}`,
      );
    }
  });
});

function named<T extends { readonly name: string }>(steps: readonly T[], name: string): T {
  const step = steps.find((candidate) => candidate.name === name);
  if (!step) throw new Error(`no step ${name}`);
  return step;
}

async function put(rig: Rig, bucket: BucketName, name: string, bytes: Buffer): Promise<void> {
  async function* source() {
    yield bytes;
  }
  const staged = await rig.bucket(bucket).stage(name, source(), { contentType: 'text/plain' });
  await staged.commit();
}

async function remove(rig: Rig, bucket: BucketName, name: string): Promise<void> {
  const object = await eventually(() => rig.bucket(bucket).stat(name));
  await rig.bucket(bucket).delete(name, object);
}
