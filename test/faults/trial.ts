import assert from 'node:assert/strict';
import { metadataByFile } from '../support/records.ts';
import { eventually } from '../support/service.ts';
import { settle, violations } from './invariants.ts';
import { report } from './report.ts';
import type { Rig, Upload } from './rig.ts';
import type { Sample } from './samples.ts';

/** One fault, what is sent under it, and what comes of it. */
export class Trial {
  readonly rig: Rig;
  readonly uploads: Upload[] = [];
  readonly outcome = new Map<string, number>();
  #injected = 0;

  constructor(rig: Rig) {
    this.rig = rig;
  }

  /** Uploads at the same time. */
  async send(...samples: readonly Sample[]): Promise<Upload[]> {
    const sent = await Promise.all(samples.map((sample) => this.rig.send(sample)));
    this.uploads.push(...sent);
    return sent;
  }

  /** Counts faults that no emulator counts, such as signals. */
  injected(times: number): void {
    this.#injected += times;
  }

  note(what: string, count = 1): void {
    this.outcome.set(what, (this.outcome.get(what) ?? 0) + count);
  }

  /** Waits until faults have struck so often. */
  async struck(times: number): Promise<void> {
    await eventually(async () => (await this.rig.struck()) >= times);
  }

  /** Takes the faults away, and counts them. */
  async clear(): Promise<void> {
    this.#injected += await this.rig.struck();
    await this.rig.clearFaults();
  }

  get count(): number {
    return this.#injected;
  }
}

/**
 * Does `work`, takes its faults away, lets the service settle, checks every invariant and reports it.
 * @throws where one does not hold, and where no fault was injected at all
 */
export async function attempt(
  rig: Rig,
  fault: string,
  work: (trial: Trial) => Promise<void>,
  seconds = 150,
): Promise<void> {
  const trial = new Trial(rig);
  const broken: string[] = [];
  try {
    await work(trial);
    await trial.clear();
    if (trial.count === 0) broken.push('no fault was injected');
  } catch (error) {
    broken.push(`the trial broke off: ${(error as Error).message}`);
    await rig.clearFaults().catch(() => undefined);
  }
  await settle(rig, seconds);
  broken.push(...(await violations(rig, trial.uploads)));
  const objects = [...(await rig.all('permanent', 'files/')), ...(await rig.all('permanent', 'verdicts/'))];
  const records = metadataByFile(objects);
  for (const { id, answer } of trial.uploads) {
    trial.note(id === undefined ? `not accepted (${answer})` : (records.get(id)?.['state'] ?? 'lost'));
  }
  report({ fault, injected: trial.count, outcome: trial.outcome, violations: broken });
  assert.deepEqual(broken, []);
}
