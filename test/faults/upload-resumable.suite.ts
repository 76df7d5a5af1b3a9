import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { FaultRule } from '../../infra/emulators/storage/src/faults/faults.ts';
import { eventually } from '../support/service.ts';
import { Rig } from './rig.ts';
import { clean } from './samples.ts';
import { attempt } from './trial.ts';

/** The calls to Cloud Storage of the request that completes an upload. */
const STEPS: readonly (readonly [string, Omit<FaultRule, 'effect'>])[] = [
  [
    'writing down the length',
    { operation: 'objects.insert', bucket: 'unscanned', namePrefix: 'parts/', nth: 1 },
  ],
  [
    'writing the last part',
    { operation: 'objects.insert', bucket: 'unscanned', namePrefix: 'parts/', nth: 2 },
  ],
  ['composing', { operation: 'objects.compose' }],
];

describe('an upload by the IETF draft whose function is killed', () => {
  const rig = new Rig({}, { STUCK_AFTER_SECONDS: '3' });
  const patch = (path: string, offset: number, body: Buffer<ArrayBuffer>) =>
    rig.call('PATCH', path, {
      body,
      headers: {
        'content-type': 'application/partial-upload',
        'upload-complete': '?1',
        'upload-offset': String(offset),
      },
    });

  for (const [step, rule] of STEPS) {
    for (const when of ['before', 'after'] as const) {
      it(`${step}, ${when} it took effect: goes on, and is the same file`, () =>
        attempt(rig, `resumable upload killed: ${step}, ${when} it took effect`, async (trial) => {
          const sample = clean();
          const { bytes } = sample;
          const sha256 = createHash('sha256').update(bytes).digest('hex');
          rig.cleanDigests.add(sha256);
          const headers = { 'upload-complete': '?0' };
          const begun = await rig.call('POST', '/files', { body: bytes.subarray(0, 700), headers });
          const path = begun.headers.get('location') ?? '';
          await rig.fault({ ...rule, effect: { kind: 'stall', when } });
          const sending = patch(path, 700, bytes.subarray(700)).catch(() => undefined);
          await trial.struck(1);
          const { restarted } = rig.kill('upload');
          await sending;
          await trial.clear();
          await restarted;
          const head = await eventually(() => rig.call('HEAD', path).catch(() => undefined));
          const offset = Number(head.headers.get('upload-offset'));
          assert.ok(offset === 700 || offset === bytes.length, `${offset}`);
          // Also where it is complete already: the answer was lost, and comes again.
          const done = await patch(path, offset, bytes.subarray(offset));
          assert.ok([201, 202].includes(done.status), `${done.status}`);
          const id = path.split('/').at(-1) ?? '';
          const upload = { ...sample, sha256, id, answer: done.status };
          rig.uploads.push(upload);
          trial.uploads.push(upload);
          await eventually(async () => {
            await rig.sweeper('/sweep');
            return (await rig.names('unscanned', `parts/${id}/`)).length === 0;
          }, 60);
        }));
    }
  }
});
