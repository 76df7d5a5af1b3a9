import { eventually } from '../support/service.ts';
import { Rig, type Upload } from './rig.ts';
import { clean } from './samples.ts';
import { type Call, EFFECTS } from './storage-faults.ts';
import { attempt, type Trial } from './trial.ts';

type Phase = 'condemn' | 'release';

const below = (prefix: string): Pick<Call, 'bucket' | 'namePrefix'> => ({
  bucket: 'permanent',
  namePrefix: prefix,
});

/** Calls by which an operator's word, and the walk that follows from it, get from one state to the other. */
const CALLS: readonly (readonly [phase: Phase, name: string, call: Call])[] = [
  ['condemn', 'insert the finding', { operation: 'objects.insert', ...below('findings/') }],
  ['condemn', 'open the recall', { operation: 'objects.insert', ...below('recalls/') }],
  ['condemn', 'claim the recall', { operation: 'objects.patch', ...below('recalls/') }],
  ['condemn', 'copy into quarantine', { operation: 'objects.rewrite' }],
  ['condemn', 'write the verdict', { operation: 'objects.patch', ...below('verdicts/') }],
  ['condemn', 'add a candidate', { operation: 'objects.insert', ...below('collect/') }],
  ['condemn', 'end the recall', { operation: 'objects.delete', ...below('recalls/') }],
  ['release', 'lift the finding', { operation: 'objects.patch', ...below('findings/') }],
  ['release', 'open the recall', { operation: 'objects.insert', ...below('recalls/') }],
  ['release', 'claim the recall', { operation: 'objects.patch', ...below('recalls/') }],
  ['release', 'look into quarantine', { operation: 'objects.get', bucket: 'quarantine' }],
  ['release', 'bring the bytes back', { operation: 'objects.rewrite' }],
  ['release', 'write the verdict', { operation: 'objects.patch', ...below('verdicts/') }],
  ['release', 'end the recall', { operation: 'objects.delete', ...below('recalls/') }],
];

/** Enough of them for each kind of failure: refused, refused too late, cut, cut too late, silent, not allowed. */
const KINDS = new Set([
  '503',
  '500 although it took effect',
  'reset before',
  'reset although it took effect',
  'silence although it took effect',
  '403',
]);

const STATES = { condemn: 'infected', release: 'clean' } as const;

describe('an operator’s word under faults', () => {
  const rig = new Rig();

  /** Repeats the order until it is taken, and sweeps until the file has the state that it asks for. */
  async function decide(phase: Phase, { id = '', sha256 }: Upload): Promise<void> {
    const body = JSON.stringify({ sha256, reason: 'a test' });
    const ok = async (path: string, init = {}) => (await rig.sweeper(path, init)).ok;
    await eventually(() => ok(`/${phase}`, { body }).catch(() => false));
    const isOver = async () => {
      await ok('/sweep').catch(() => false);
      const { state } = await rig.status(id);
      const open = await rig.names('permanent', `recalls/sha256/${sha256}`);
      return state === STATES[phase] && open.length === 0;
    };
    await eventually(isOver);
  }

  /** A file that is condemned, collected and released, and a disturbance of one of these. */
  async function judged(
    trial: Trial,
    disturbed: Phase,
    disturb: (decideIt: () => Promise<void>) => Promise<void>,
  ) {
    const [upload] = await trial.send(clean());
    if (upload?.id === undefined) throw new Error('it was not accepted');
    await rig.decided(upload.id);
    for (const phase of ['condemn', 'release'] as const) {
      if (phase === 'release') await collected(upload);
      if (phase !== disturbed) await decide(phase, upload);
      else await disturb(() => decide(phase, upload));
    }
  }

  /** Only quarantine has the bytes then. */
  async function collected({ sha256 }: Upload): Promise<void> {
    const blob = await rig.bucket('permanent').stat(`blobs/sha256/${sha256}`);
    if (!blob) throw new Error('it is not stored');
    await rig.bucket('permanent').delete(blob.name, blob);
  }

  for (const [phase, what, call] of CALLS) {
    for (const [how, effect] of EFFECTS.filter(([name]) => KINDS.has(name))) {
      it(`"${what}" of a ${phase} with ${how}: it is done, and can be undone`, () =>
        attempt(rig, `${phase}: ${what}: ${how}`, (trial) => {
          return judged(trial, phase, async (decideIt) => {
            await rig.fault({ ...call, times: 3, effect });
            await decideIt();
            await trial.clear();
          });
        }));
    }

    for (const when of ['before', 'after'] as const) {
      it(`a sweeper killed ${when} "${what}" of a ${phase}: the next one does it`, () =>
        attempt(rig, `sweeper killed: ${phase}: ${what}, ${when} it took effect`, (trial) =>
          judged(trial, phase, async (decideIt) => {
            await rig.fault({ ...call, effect: { kind: 'stall', when } });
            const deciding = decideIt();
            await trial.struck(1);
            const { restarted } = rig.kill('sweeper');
            await trial.clear();
            await restarted;
            await deciding;
          }),
        ));
    }
  }
});
