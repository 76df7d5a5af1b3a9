import { once } from 'node:events';
import { connect } from 'node:net';
import { eventually } from '../support/service.ts';
import { Rig } from './rig.ts';
import { clean, infected, unscannable } from './samples.ts';
import { attempt, type Trial } from './trial.ts';

const MIB = 2 ** 20;

describe('clamd', () => {
  const rig = new Rig();

  const scanning = () =>
    eventually(async () => ((await rig.operations()).operations['objects.getMedia']?.calls ?? 0) > 0);

  /** Sends, and does something to clamd while it scans. */
  async function whileScanning(trial: Trial, disturb: () => Promise<unknown>): Promise<void> {
    await rig.resetOperations();
    const sending = trial.send(clean(16 * MIB), infected(16 * MIB), unscannable());
    await scanning();
    await disturb();
    trial.injected(1);
    await sending;
  }

  it('that is killed in the middle of a scan is waited for', () =>
    attempt(rig, 'clamd: killed (supervisor and all)', async (trial) => {
      for (let times = 0; times < 2; times++) {
        await whileScanning(trial, () => rig.kill('clamd').restarted);
      }
    }));

  it('that dies alone in the middle of a scan is waited for', () =>
    attempt(rig, 'clamd: killed alone', async (trial) => {
      await whileScanning(trial, async () => {
        const before = rig.pid('clamd');
        process.kill(rig.clamdPid(), 'SIGKILL');
        await eventually(async () => isBack(before));
      });
    }));

  it('that is asked to end in the middle of a scan is waited for', () =>
    attempt(rig, 'clamd: SIGTERM', async (trial) => {
      await whileScanning(trial, async () => {
        const before = rig.pid('clamd');
        process.kill(rig.clamdPid(), 'SIGTERM');
        await eventually(async () => isBack(before));
      });
    }));

  it('that is down when files come is waited for', () =>
    attempt(rig, 'clamd: unreachable', async (trial) => {
      rig.clamd.shut = true;
      rig.clamd.cut();
      await trial.send(clean(), infected(), unscannable());
      trial.injected(1);
      await eventually(async () => ((await rig.operations()).operations.notify?.errors ?? 0) > 3);
    }));

  it('that stands still and goes on is waited for', () =>
    attempt(rig, 'clamd: SIGSTOP, SIGCONT', async (trial) => {
      for (let times = 0; times < 2; times++) {
        const pid = rig.clamdPid();
        process.kill(pid, 'SIGSTOP');
        try {
          await rig.resetOperations();
          await trial.send(clean(MIB), infected(MIB));
          // Read and not sent, or not even read where the engine is due to be looked at again.
          await eventually(async () => {
            const { operations } = await rig.operations();
            return (operations['objects.getMedia']?.calls ?? 0) + (operations.notify?.errors ?? 0) > 0;
          }, 60);
        } finally {
          process.kill(pid, 'SIGCONT');
        }
        trial.injected(1);
      }
    }));

  it('that loads its signatures anew goes on scanning', () =>
    attempt(rig, 'clamd: RELOAD during scans', async (trial) => {
      for (let times = 0; times < 5; times++) {
        const sending = trial.send(clean(4 * MIB), infected(4 * MIB), unscannable());
        await reload(rig.clamd.upstream);
        trial.injected(1);
        await sending;
      }
    }));

  it('that closes while bytes are sent is tried again', () =>
    attempt(rig, 'clamd: connection cut in mid-stream', async (trial) => {
      for (let times = 0; times < 3; times++) await whileScanning(trial, async () => rig.clamd.cut());
    }));

  async function isBack(before: number): Promise<boolean> {
    return rig.platform
      .status()
      .processes.some(({ name, state, pid }) => name === 'clamd' && state === 'ready' && pid !== before);
  }
});

async function reload(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.end('zRELOAD\0');
  socket.resume();
  await once(socket, 'close');
}
