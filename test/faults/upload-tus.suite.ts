import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { FaultRule } from '../../infra/emulators/storage/src/faults/faults.ts';
import { eventually } from '../support/service.ts';
import { idOf, TusRequests } from '../support/tus.ts';
import { Rig } from './rig.ts';
import { clean, infected } from './samples.ts';
import { attempt } from './trial.ts';

/** The calls to Cloud Storage of the last request of an upload. */
const STEPS: readonly (readonly [string, Omit<FaultRule, 'effect'>])[] = [
  ['writing the last part', { operation: 'objects.insert', bucket: 'unscanned', namePrefix: 'parts/' }],
  ['composing', { operation: 'objects.compose' }],
  ['removing a part', { operation: 'objects.delete', bucket: 'unscanned', namePrefix: 'parts/' }],
];

/** The calls of a request that makes a file of partial uploads. */
const FINAL_STEPS: readonly (readonly [string, Omit<FaultRule, 'effect'>])[] = [
  ['claiming an upload', { operation: 'objects.insert', bucket: 'unscanned', namePrefix: 'parts/' }],
  ['writing the record', { operation: 'objects.insert', bucket: 'permanent', namePrefix: 'files/' }],
  ['composing', { operation: 'objects.compose' }],
  ['removing an upload', { operation: 'objects.delete', bucket: 'unscanned', namePrefix: 'parts/' }],
];

describe('an upload in several requests whose function is killed', () => {
  const rig = new Rig({}, { STUCK_AFTER_SECONDS: '3' });
  const tus = new TusRequests(rig);

  for (const [step, rule] of STEPS) {
    for (const when of ['before', 'after'] as const) {
      for (const sample of [clean(), infected()]) {
        it(`${step}, ${when} it took effect: goes on, and is the same ${sample.expected} file`, () =>
          attempt(rig, `tus upload killed: ${step}, ${when} it took effect`, async (trial) => {
            const { bytes, expected } = sample;
            const sha256 = createHash('sha256').update(bytes).digest('hex');
            if (expected === 'clean') rig.cleanDigests.add(sha256);
            const path = await tus.create({ 'upload-length': String(bytes.length) });
            assert.equal((await tus.patch(path, 0, bytes.subarray(0, 700))).status, 204);
            await rig.fault({ ...rule, effect: { kind: 'stall', when } });
            const sending = tus.patch(path, 700, bytes.subarray(700)).catch(() => undefined);
            await trial.struck(1);
            const { restarted } = rig.kill('upload');
            const answer = await sending;
            await trial.clear();
            await restarted;
            const offset = await eventually(() => tus.offset(path).catch(() => undefined));
            if (answer?.status === 204) assert.equal(offset, bytes.length);
            if (offset < bytes.length)
              assert.equal((await tus.patch(path, offset, bytes.subarray(offset))).status, 204);
            const upload = { ...sample, sha256, id: idOf(path), answer: 204 };
            rig.uploads.push(upload);
            trial.uploads.push(upload);
            // The sweeper removes what a process that died did not.
            await eventually(async () => {
              await rig.sweeper('/sweep');
              return (await rig.names('unscanned', `parts/${idOf(path)}/`)).length === 0;
            }, 60);
          }));
      }
    }
  }

  for (const [step, rule] of FINAL_STEPS) {
    for (const when of ['before', 'after'] as const) {
      it(`combining, ${step}, ${when} it took effect: the same request again is the one file`, () =>
        attempt(rig, `tus final upload killed: ${step}, ${when} it took effect`, async (trial) => {
          const sample = clean();
          const { bytes } = sample;
          const sha256 = createHash('sha256').update(bytes).digest('hex');
          rig.cleanDigests.add(sha256);
          const pieces = [bytes.subarray(0, 700), bytes.subarray(700)];
          const paths = await Promise.all(
            pieces.map((piece) =>
              tus.create({ 'upload-concat': 'partial', 'upload-length': String(piece.length) }, piece),
            ),
          );
          const headers = { 'upload-concat': `final;${paths.join(' ')}` };
          const combine = () => tus.send('POST', '/uploads', { headers });
          await rig.fault({ ...rule, effect: { kind: 'stall', when } });
          const sending = combine().catch(() => undefined);
          await trial.struck(1);
          const { restarted } = rig.kill('upload');
          const answer = await sending;
          await trial.clear();
          await restarted;
          const again = await eventually(async () => {
            const repeated = await combine().catch(() => undefined);
            return repeated?.status === 201 ? repeated : undefined;
          });
          const path = again.headers.get('location') ?? assert.fail();
          if (answer?.status === 201) assert.equal(answer.headers.get('location'), path);
          const upload = { ...sample, sha256, id: idOf(path), answer: 201 };
          rig.uploads.push(upload);
          trial.uploads.push(upload);
          await eventually(async () => {
            await rig.sweeper('/sweep');
            const left = await Promise.all(
              paths.map((each) => rig.names('unscanned', `parts/${idOf(each)}/`)),
            );
            return left.flat().length === 0;
          }, 60);
        }));
    }
  }
});
