import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { cloudEvent, post, resources } from './events.ts';
import { Rig } from './rig.ts';
import { clean, infected, type Sample } from './samples.ts';
import { attempt, type Trial } from './trial.ts';

const MIB = 2 ** 20;
/** Connections of the client at a time. */
const CLIENTS = 64;

describe('more than two scan slots can take', function () {
  this.timeout(240_000);
  const rig = new Rig({ SCAN_TIMEOUT_SECONDS: '60' });

  it('200 events at once: each is done or comes back, and every file is decided', () =>
    attempt(
      rig,
      'overload: 200 events at once on 2 slots',
      async (trial) => {
        await rig.fault({ operation: 'notify', effect: { kind: 'error', status: 503 } });
        await pooled(
          trial,
          Array.from({ length: 200 }, (_, index) => mixed(index)),
        );
        const found = await resources(
          rig,
          trial.uploads.map(({ id }) => id),
        );
        await rig.clearFaults();
        const answers = await Promise.all(found.map((resource) => post(rig, cloudEvent(resource))));
        for (const answer of answers) trial.note(`answered ${answer}`);
        // The front refuses what waits too long for the one instance, and the scanner what it has no slot for.
        for (const answer of answers) assert.ok([204, 429, 503].includes(Number(answer)), String(answer));
        trial.injected(answers.length);
      },
      120,
    ));

  it('1 000 small files at once: all are decided, none failed, and memory stays flat', () =>
    attempt(
      rig,
      'overload: 1 000 files at once on 2 slots',
      async (trial) => {
        await pooled(
          trial,
          Array.from({ length: 1_000 }, (_, index) => mixed(index)),
        );
        for (const { answer } of trial.uploads) assert.equal(answer, 202);
        for (const { id } of trial.uploads.slice(-CLIENTS)) if (id) await rig.decided(id, 120);
        trial.injected(1);
        const peak = peakMemory(rig.pid('scanner'));
        assert.ok(peak < 250 * MIB, `the scanner took ${Math.round(peak / MIB)} MiB`);
      },
      120,
    ));

  async function pooled(trial: Trial, samples: readonly Sample[]): Promise<void> {
    const waiting = [...samples];
    const client = async (): Promise<void> => {
      for (let next = waiting.pop(); next; next = waiting.pop()) await trial.send(next);
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
  }
});

/** Every tenth holds malware. */
function mixed(index: number): Sample {
  return index % 10 === 0 ? infected(500) : clean(500);
}

/** Peak resident memory so far, bytes: `VmHWM` of proc(5). */
function peakMemory(pid: number): number {
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) * 1024;
}
