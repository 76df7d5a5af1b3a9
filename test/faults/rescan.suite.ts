import { decide, type Phase } from './decide.ts';
import { Rig, type Upload } from './rig.ts';
import { clean } from './samples.ts';
import { type Call, EFFECTS } from './storage-faults.ts';
import { attempt, type Trial } from './trial.ts';

/** A call about one content or file, so that each fault strikes one. */
type CallOf = (upload: Upload) => Call;

const about =
  (operation: Call['operation'], prefix: string, bucket: Call['bucket'] = 'permanent'): CallOf =>
  ({ sha256, id = '' }) => ({
    operation,
    bucket,
    namePrefix: prefix + (prefix === 'verdicts/' ? id : sha256),
  });

/** Calls by which an operator's word, and the walk that follows from it, get from one state to the other. */
const CALLS: readonly (readonly [phase: Phase, name: string, call: CallOf])[] = [
  ['condemn', 'insert the finding', about('objects.insert', 'findings/sha256/')],
  ['condemn', 'open the recall', about('objects.insert', 'recalls/sha256/')],
  ['condemn', 'claim the recall', about('objects.patch', 'recalls/sha256/')],
  ['condemn', 'copy into quarantine', about('objects.rewrite', 'blobs/sha256/')],
  ['condemn', 'write the verdict', about('objects.patch', 'verdicts/')],
  ['condemn', 'add a candidate', about('objects.insert', 'collect/sha256/')],
  ['condemn', 'end the recall', about('objects.delete', 'recalls/sha256/')],
  ['release', 'lift the finding', about('objects.patch', 'findings/sha256/')],
  ['release', 'open the recall', about('objects.insert', 'recalls/sha256/')],
  ['release', 'claim the recall', about('objects.patch', 'recalls/sha256/')],
  ['release', 'look into quarantine', about('objects.get', 'sha256/', 'quarantine')],
  ['release', 'bring the bytes back', about('objects.rewrite', 'sha256/', 'quarantine')],
  ['release', 'write the verdict', about('objects.patch', 'verdicts/')],
  ['release', 'end the recall', about('objects.delete', 'recalls/sha256/')],
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

describe('an operator’s word under faults', () => {
  const rig = new Rig();

  /** A file that is condemned, collected and released, and a disturbance of one of these. */
  async function judged(
    trial: Trial,
    disturbed: Phase,
    disturb: (upload: Upload, decideIt: () => Promise<void>) => Promise<void>,
  ) {
    const [upload] = await trial.send(clean());
    if (upload?.id === undefined) throw new Error('it was not accepted');
    await rig.decided(upload.id);
    for (const phase of ['condemn', 'release'] as const) {
      if (phase === 'release') await collected(upload);
      if (phase !== disturbed) await decide(rig, phase, upload);
      else await disturb(upload, () => decide(rig, phase, upload));
    }
  }

  /** Only quarantine has the bytes then. */
  async function collected({ sha256 }: Upload): Promise<void> {
    const blob = await rig.bucket('permanent').stat(`blobs/sha256/${sha256}`);
    if (!blob) throw new Error('it is not stored');
    await rig.bucket('permanent').delete(blob.name, blob);
  }

  for (const [phase, what, call] of CALLS) {
    it(`"${what}" of a ${phase} fails in each way, for a file each: it is done, and can be undone`, () =>
      attempt(rig, `${phase}: ${what}: ${[...KINDS].join(', ')}`, async (trial) => {
        const ways = EFFECTS.filter(([name]) => KINDS.has(name));
        const judging = ways.map(([, effect]) =>
          judged(trial, phase, async (upload, decideIt) => {
            await rig.fault({ ...call(upload), times: 3, effect });
            await decideIt();
          }),
        );
        await Promise.all(judging);
      }));

    for (const when of ['before', 'after'] as const) {
      it(`a sweeper killed ${when} "${what}" of a ${phase}: the next one does it`, () =>
        attempt(rig, `sweeper killed: ${phase}: ${what}, ${when} it took effect`, (trial) =>
          judged(trial, phase, async (upload, decideIt) => {
            await rig.fault({ ...call(upload), effect: { kind: 'stall', when } });
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
