import { replyAfterStream } from '../shared/scanning/hostile.ts';
import { CANARY, SCAN, VERSION } from './clamd-commands.ts';
import { EARLY_REPLIES, HOSTILE_REPLIES, SILENCES } from './hostile-replies.ts';
import { Rig } from './rig.ts';
import { clean, infected } from './samples.ts';
import { attempt } from './trial.ts';

const MIB = 2 ** 20;

describe('a clamd that says what it should not', () => {
  const rig = new Rig();

  for (const [name, behave] of HOSTILE_REPLIES) {
    it(`${name}: no file is clean by it, and a good one decides`, () =>
      attempt(rig, `hostile clamd: ${name}`, async (trial) => {
        rig.clamd.plan(behave, 2, SCAN);
        await trial.send(clean(), infected());
        await trial.struck(2);
      }));
  }

  for (const [name, behave] of EARLY_REPLIES) {
    it(`${name}: no file is clean by it, and a good one decides`, () =>
      attempt(rig, `hostile clamd: ${name}`, async (trial) => {
        rig.clamd.plan(behave, 2, SCAN);
        await trial.send(clean(16 * MIB), infected(16 * MIB));
        await trial.struck(2);
      }));
  }

  for (const [name, behave] of SILENCES) {
    it(`${name}: no file is clean by it, and a good one decides`, () =>
      attempt(rig, `hostile clamd: ${name}`, async (trial) => {
        rig.clamd.plan(behave, 2, SCAN);
        // Not taken away: the scanner has to give up on its own.
        await trial.send(clean(12 * MIB), infected(12 * MIB));
        await trial.struck(2);
        for (const { id } of trial.uploads) if (id) await rig.decided(id, 40);
      }));
  }

  it('says that all is too large: no file is clean by it', () =>
    attempt(rig, 'hostile clamd: size limit exceeded', async (trial) => {
      rig.clamd.plan(replyAfterStream('INSTREAM size limit exceeded. ERROR\0'), 2, SCAN);
      await trial.send(
        { ...clean(), expected: 'unscannable', orElse: 'unscannable' },
        { ...infected(), expected: 'unscannable', orElse: 'unscannable' },
      );
      await trial.struck(2);
      for (const { id } of trial.uploads) if (id) await rig.decided(id, 40);
    }));

  it('calls the canary clean: no file is clean by it, and a good one decides', () =>
    attempt(rig, 'hostile clamd: OK to EICAR', async (trial) => {
      rig.clamd.plan(replyAfterStream('stream: OK\0'), 2, CANARY);
      await rig.kill('scanner').restarted;
      await trial.send(clean(), infected());
      await trial.struck(2);
    }));

  it('does not say which version it is: no file is clean by it, and a good one decides', () =>
    attempt(rig, 'hostile clamd: garbage for a version', async (trial) => {
      rig.clamd.plan((socket) => void socket.end('stream: OK\0'), 2, VERSION);
      // The scanner's memory of the last answer is gone with it.
      await rig.kill('scanner').restarted;
      await trial.send(clean(), infected());
      await trial.struck(2);
    }));
});
