import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { crashAt } from './crash.ts';
import { Rig } from './rig.ts';
import { clean } from './samples.ts';
import { attempt } from './trial.ts';
import { KEYED_UPLOAD_STEPS } from './upload-steps.ts';

describe('an upload with an idempotency key that is killed', () => {
  const rig = new Rig();

  for (const step of KEYED_UPLOAD_STEPS) {
    for (const when of ['before', 'after'] as const) {
      it(`${step.name}, ${when} it took effect: its repeat makes one file`, () =>
        attempt(rig, `keyed upload killed: ${step.name}, ${when} it took effect`, async (trial) => {
          const sample = { ...clean(), key: randomUUID() };
          await crashAt(trial, 'upload', step, when, [sample]);
          const [again, third] = [...(await trial.send(sample)), ...(await trial.send(sample))];
          assert.ok(again?.id !== undefined, String(again?.answer));
          assert.ok(third?.id === undefined || third.id === again.id);
          const records = await rig.all('permanent', 'files/');
          const live = records.filter(
            ({ metadata }) => metadata['sha256'] === again.sha256 && metadata['state'] !== 'expired',
          );
          assert.deepEqual(
            live.map(({ name }) => name),
            [`files/${again.id}`],
          );
        }));
    }
  }
});
