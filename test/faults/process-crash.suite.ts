import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { silent } from '../shared/scanning/hostile.ts';
import { SCAN } from './clamd-commands.ts';
import { Rig } from './rig.ts';
import { clean, infected, unscannable } from './samples.ts';
import { attempt, type Trial } from './trial.ts';

const MIB = 2 ** 20;

describe('a process that is killed', () => {
  const rig = new Rig({ LEASE_ABOVE_BYTES: String(MIB) });

  it('as Cloud Storage: what was accepted is there again, and decided', () =>
    attempt(rig, 'Cloud Storage: killed', async (trial) => {
      for (let times = 0; times < 3; times++) await killStorage(trial);
    }));

  it('as the files function, in the middle of a download: the client sees that it is cut', () =>
    attempt(rig, 'files killed: in the middle of a download', async (trial) => {
      const [sent] = await trial.send(clean(30 * MIB));
      assert.ok(sent?.id);
      await rig.decided(sent.id);
      const response = await rig.call('GET', `/files/${sent.id}`);
      const hash = createHash('sha256');
      let killed: Promise<unknown> | undefined;
      const whole = async (): Promise<void> => {
        for await (const piece of response.body ?? []) {
          if (!killed) {
            killed = rig.kill('files').restarted;
            trial.injected(1);
          }
          hash.update(piece);
        }
      };
      const cut = await whole().then(
        () => false,
        () => true,
      );
      assert.ok(cut || hash.digest('hex') === sent.sha256, 'short, and not told');
      trial.note(cut ? 'cut' : 'whole');
      await killed;
    }));

  it('as the scanner, under a lease: another takes over once it has run out', () =>
    attempt(
      rig,
      'scanner killed: under leases of two files',
      async (trial) => {
        rig.clamd.plan(silent, 2, SCAN);
        const sent = await trial.send(clean(2 * MIB), infected(2 * MIB));
        await trial.struck(2);
        for (const { id } of sent) {
          const verdict = await rig.bucket('permanent').stat(`verdicts/${id}`);
          assert.ok(verdict?.metadata['leaseHolder']);
        }
        await rig.kill('scanner').restarted;
        await trial.clear();
      },
      120,
    ));

  async function killStorage(trial: Trial): Promise<void> {
    // Decided, waiting and under way.
    await trial.send(clean(), infected(), unscannable());
    const sending = trial.send(clean(20 * MIB), infected());
    const { restarted } = rig.kill('storage');
    trial.injected(1);
    await Promise.all([sending, restarted]);
  }
});
