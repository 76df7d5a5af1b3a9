import { setTimeout as delay } from 'node:timers/promises';
import type { Bench, Row } from '../bench.ts';
import { text } from '../content.ts';
import { type Finding, figure } from '../finding.ts';
import { drain, send } from '../http.ts';
import { forgetPeak, peakMemory } from '../process.ts';
import { MIB } from '../scale.ts';
import type { Stage } from '../stage/stage.ts';

export const memory: Row = { name: 'memory', title: 'Peak memory', measure };

const FUNCTIONS = ['upload', 'scanner', 'files'] as const;
type Peaks = Readonly<Record<(typeof FUNCTIONS)[number], number>>;
/** Time for the garbage of the work before to be collected: it is no part of a file's cost. */
const SETTLE_MS = 500;

async function measure({ scale, live, say }: Bench): Promise<readonly Finding[]> {
  const stage = await live();
  const { sizes, atLeast } = scale.memory;
  const [smallest = MIB] = sizes;
  // V8 lets its heap grow for a while, whatever passes: what is asked is whether the size of a file matters.
  await passThrough(stage, smallest, atLeast);
  const peaks: { readonly size: number; readonly peak: Peaks }[] = [];
  for (const size of sizes) {
    say(`  ${size / MIB} MiB up, scanned, and down again`);
    peaks.push({ size, peak: await peaksOf(stage, size, atLeast) });
  }
  return FUNCTIONS.map((name) => {
    const [first, ...larger] = peaks.map(({ peak }) => peak[name]);
    const [second = Number.NaN] = larger;
    const all = peaks.map(({ size, peak }) => `${figure(peak[name] / MIB)} at ${size / MIB}`);
    return {
      what: `Peak resident memory of ${name}`,
      against: `itself at ${smallest / MIB} MiB`,
      target: { atMost: 1.2 },
      value: Math.max(...larger) / (first ?? Number.NaN),
      unit: '×',
      detail: `MiB: ${all.join(', ')}; of each size ${atLeast / MIB} MiB of files or more`,
      limit:
        `From the second size to the largest it grows by ${figure((larger.at(-1) ?? Number.NaN) / second)}. What is above ` +
        'the smallest is garbage that is not collected yet, bounded by --max-old-space-size and not by the file; ' +
        'a scan in windows keeps two overlaps of 4 MiB as well.',
    };
  });
}

async function peaksOf(stage: Stage, size: number, atLeast: number): Promise<Peaks> {
  await delay(SETTLE_MS);
  for (const name of FUNCTIONS) forgetPeak(stage.pid(name));
  await passThrough(stage, size, atLeast);
  const peaks = FUNCTIONS.map((name) => [name, peakMemory(stage.pid(name))] as const);
  return Object.fromEntries(peaks) as Record<keyof Peaks, number>;
}

/** Files of one size, `atLeast` so many bytes in all, one after the other: up, scanned, and down again. */
async function passThrough(stage: Stage, size: number, atLeast: number): Promise<void> {
  const headers = stage.authorization;
  for (let passed = 0; passed < atLeast; passed += size) {
    const body = lines(size);
    const uploaded = await send(`${stage.url('upload')}/files`, { method: 'POST', headers, body });
    const { id } = JSON.parse(uploaded.body.toString()) as { id: string };
    await stage.front?.delivered(id);
    await drain(`${stage.url('files')}/files/${id}`, headers);
  }
}

async function* lines(size: number): AsyncGenerator<Buffer> {
  yield* text(size);
}
