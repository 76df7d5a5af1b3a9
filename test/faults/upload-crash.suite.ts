import assert from 'node:assert/strict';
import { crashAt } from './crash.ts';
import { Rig } from './rig.ts';
import { clean } from './samples.ts';
import { attempt } from './trial.ts';
import { UPLOAD_STEPS } from './upload-steps.ts';

describe('an upload function that is killed', () => {
  const rig = new Rig();

  for (const step of UPLOAD_STEPS) {
    for (const when of ['before', 'after'] as const) {
      it(`${step.name}, ${when} it took effect: nobody was told of a file that is lost`, () =>
        attempt(rig, `upload killed: ${step.name}, ${when} it took effect`, async (trial) => {
          await crashAt(trial, 'upload', step, when, step.samples());
          for (const { id } of trial.uploads) assert.equal(id, undefined, 'a client was told of a file');
          // The client sends it again, and then it is there.
          const again = await trial.send(clean());
          assert.equal(again[0]?.answer, 202);
        }));
    }
  }
});
