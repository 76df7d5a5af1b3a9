import type { FaultRule } from '../../infra/emulators/storage/src/faults/faults.ts';
import { clean, infected, type Sample } from './samples.ts';
import type { Step } from './scan-steps.ts';

type UploadStep = Pick<Step, 'name' | 'hold' | 'held'> & { readonly samples: () => readonly Sample[] };

const MIB = 2 ** 20;
const small = () => [clean(), infected()];
/** Two whole chunks and a rest. */
const large = () => [clean(17 * MIB)];

function step(name: string, rule: Omit<FaultRule, 'effect'>, samples: () => readonly Sample[]): UploadStep {
  return {
    name,
    samples,
    held: samples === small ? 2 : 1,
    hold: (rig, when) => rig.fault({ ...rule, effect: { kind: 'stall', when } }),
  };
}

const record = { operation: 'objects.insert', bucket: 'permanent', namePrefix: 'files/' } as const;

/** Calls of an upload to Cloud Storage, small and large. */
export const UPLOAD_STEPS: readonly UploadStep[] = [
  step('writing the record', record, small),
  step('writing the object', { operation: 'objects.insert', bucket: 'unscanned' }, small),
  step('opening a session', { operation: 'resumable.start' }, large),
  step('the first chunk', { operation: 'resumable.chunk', nth: 1, times: 1 }, large),
  step('the second chunk', { operation: 'resumable.chunk', nth: 2, times: 1 }, large),
  step('writing the record of a session', record, large),
  step('the last chunk', { operation: 'resumable.chunk', nth: 3, times: 1 }, large),
];

const keyed = { operation: 'objects.insert', bucket: 'permanent' } as const;

/** The calls of an upload with an idempotency key to Cloud Storage. */
export const KEYED_UPLOAD_STEPS: readonly Pick<Step, 'name' | 'hold' | 'held'>[] = [
  one('claiming the key', { ...keyed, namePrefix: 'idempotency/' }),
  one('writing the record', { ...keyed, namePrefix: 'files/' }),
  one('writing the object', { operation: 'objects.insert', bucket: 'unscanned' }),
];

function one(name: string, rule: Omit<FaultRule, 'effect'>): Pick<Step, 'name' | 'hold' | 'held'> {
  return { name, held: 1, hold: (rig, when) => rig.fault({ ...rule, effect: { kind: 'stall', when } }) };
}
