import type { Sample } from './samples.ts';
import type { Step } from './scan-steps.ts';
import type { Trial } from './trial.ts';

/** Holds a function at a step, kills it there, and lets the next one start in a world without faults. */
export async function crashAt(
  trial: Trial,
  victim: 'scanner' | 'upload',
  step: Pick<Step, 'hold' | 'held'>,
  when: 'before' | 'after',
  samples: readonly Sample[],
): Promise<void> {
  await step.hold(trial.rig, when);
  const sending = trial.send(...samples);
  await trial.struck(step.held);
  const { restarted } = trial.rig.kill(victim);
  await sending;
  await trial.clear();
  await restarted;
}
