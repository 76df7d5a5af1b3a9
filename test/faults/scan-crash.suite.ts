import { crashAt } from './crash.ts';
import { Rig } from './rig.ts';
import { clean, type Sample } from './samples.ts';
import { oneOfEach, SCAN_STEPS } from './scan-steps.ts';
import { attempt } from './trial.ts';

describe('a scanner that is killed', () => {
  const rig = new Rig();
  const known: Sample = clean();
  before(async () => {
    await rig.send(known);
  });

  for (const step of SCAN_STEPS) {
    for (const when of step.moments) {
      const moment = step.moments.length > 1 ? `, ${when} it took effect` : '';
      const fault = `scanner killed: ${step.name}${moment}`;
      it(`${step.name}${moment}: every file is decided by the next one`, () =>
        attempt(rig, fault, (trial) =>
          crashAt(trial, 'scanner', step, when, step.samples?.() ?? oneOfEach(known)),
        ));
    }
  }
});
