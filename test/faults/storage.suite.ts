import assert from 'node:assert/strict';
import type { Effect } from '../../infra/emulators/storage/src/faults/faults.ts';
import { Rig, type Upload } from './rig.ts';
import { clean, infected, type Sample } from './samples.ts';
import {
  type Call,
  EFFECTS,
  FILES_CALLS,
  MEDIA_EFFECTS,
  SCANNER_CALLS,
  SESSION_CALLS,
  UPLOAD_CALLS,
} from './storage-faults.ts';
import { attempt, type Trial } from './trial.ts';

const MIB = 2 ** 20;

/** The answer for a new file is 404: nothing strikes this call after it took effect. */
const FINDS_NOTHING = 'get the verdict';

/** One file of two is infected, and a lost answer to its insert is found out by a read. */
const INSERTED_ONCE = 'insert the finding';

function isLate(effect: Effect): boolean {
  return 'when' in effect && effect.when === 'after';
}

describe('Cloud Storage that fails', () => {
  const rig = new Rig();

  /** Fails the first calls, sends, and waits for the last failure: so that none hits the tests' own calls. */
  async function failing(
    trial: Trial,
    [call, effect, times]: readonly [Call, Effect, number],
    samples: readonly Sample[],
  ): Promise<Upload[]> {
    await rig.fault({ ...call, times, effect });
    const sent = await trial.send(...samples);
    await trial.struck(times);
    return sent;
  }

  for (const [what, call] of SCANNER_CALLS) {
    const effects = call.operation === 'objects.getMedia' ? [...EFFECTS, ...MEDIA_EFFECTS] : EFFECTS;
    for (const [how, effect] of effects.filter(([, each]) => what !== FINDS_NOTHING || !isLate(each))) {
      it(`the scanner's "${what}" with ${how}: both files are decided`, () =>
        attempt(rig, `scanner: ${what}: ${how}`, async (trial) => {
          await failing(trial, [call, effect, what === INSERTED_ONCE ? 1 : 3], [clean(), infected()]);
        }));
    }
  }

  for (const [what, call] of [...UPLOAD_CALLS, ...SESSION_CALLS]) {
    const samples = SESSION_CALLS.some(([name]) => name === what)
      ? () => [clean(9 * MIB)]
      : () => [clean(), infected()];
    for (const [how, effect] of EFFECTS) {
      it(`the upload's "${what}" with ${how}: the file is accepted or refused, and not lost`, () =>
        attempt(rig, `upload: ${what}: ${how}`, async (trial) => {
          const refused = how === '403';
          const files = samples();
          // A call that is refused for good is not tried again; in place of a record one that is expired is tried.
          const refusals = files.length * (what === 'insert the record' ? 2 : 1);
          const sent = await failing(trial, [call, effect, refused ? refusals : 2], files);
          for (const { answer } of sent) assert.equal(answer === 202, !refused);
        }));
    }
  }

  describe('under a download', () => {
    const bytes = clean(300_000);
    let path = '';
    before(async () => {
      path = `/files/${(await rig.send(bytes)).id}`;
      await rig.decided(path.slice('/files/'.length));
    });

    for (const [what, call] of FILES_CALLS) {
      const effects = call.operation === 'objects.getMedia' ? [...EFFECTS, ...MEDIA_EFFECTS] : EFFECTS;
      for (const [how, effect] of effects) {
        it(`"${what}" with ${how}: the bytes are right, or visibly not there`, () =>
          attempt(rig, `files: ${what}: ${how}`, async (trial) => {
            await rig.fault({ ...call, times: 2, effect });
            trial.note(await downloaded(path, bytes));
            trial.note(await downloaded(path, bytes));
          }));
      }
    }

    /** The client's view. @throws where it would take wrong bytes for the right ones */
    async function downloaded(path: string, { bytes }: Sample): Promise<string> {
      const response = await rig.call('GET', path);
      if (!response.ok) {
        await response.arrayBuffer();
        assert.ok(response.status >= 500);
        return `refused (${response.status})`;
      }
      const received = await response.arrayBuffer().catch(() => undefined);
      if (!received) return 'cut';
      assert.ok(Buffer.from(received).equals(bytes));
      return 'whole';
    }
  });
});
