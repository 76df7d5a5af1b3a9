import { randomBytes } from 'node:crypto';
import { type Bare, startBareFiles } from '../../baseline/start-pipe.ts';
import type { Bench, Row } from '../../bench.ts';
import { type Finding, figure } from '../../finding.ts';
import { MIB, type Scale } from '../../scale.ts';
import { sideBySide } from '../../side-by-side.ts';
import { moduleDefaults } from '../../stage/module-defaults.ts';
import type { Stage } from '../../stage/stage.ts';
import { median, pairedRatio } from '../../stats.ts';
import { type Load, type Passed, throughBare, throughUs } from './backlog.ts';

export const latencyThroughput: Row = {
  name: 'latency',
  title: 'Small files at a latency of 40 ms, with the settings of the module',
  measure,
};

/** Required speed-up over one at a time. */
const BARE_STEPS = 8;

async function measure({ scale, distant, say }: Bench): Promise<readonly Finding[]> {
  const stage = await distant();
  await using bare = await startBareFiles(stage, 'node');
  const findings: Finding[] = [];
  for (const size of scale.latency.sizes) {
    say(`  ${size / 1000} KB`);
    findings.push(...(await measureSize(stage, bare, size, scale.latency)));
  }
  return findings;
}

async function measureSize(
  stage: Stage,
  bare: Bare,
  size: number,
  { warmUp, seconds, most, rounds }: Scale['latency'],
): Promise<readonly Finding[]> {
  const { concurrency, scanSlots } = moduleDefaults();
  const load = (files: number): Load => ({
    files,
    content: () => randomBytes(size),
    uploads: concurrency.upload,
  });
  // Compilers are warm from here on, and it is known how many files make a backlog that lasts.
  const probed = warmUp > 0 ? (await throughUs(stage, load(warmUp))).decided : Number.POSITIVE_INFINITY;
  const files = Math.min(most, Math.max(warmUp, Math.round(probed * seconds)));
  // Its files come in steps of so many, and a rate needs several.
  const bareFiles = Math.max(files, concurrency.scanner * BARE_STEPS);
  await throughBare(bare, load(bareFiles), concurrency.scanner);
  const passed: Passed[] = [];
  const rates = await sideBySide(
    {
      ours: async () => {
        passed.push(await throughUs(stage, load(files)));
        return passed.at(-1)?.decided ?? Number.NaN;
      },
      bare: () => throughBare(bare, load(bareFiles), concurrency.scanner),
    },
    rounds,
  );
  const last = passed.at(-1);
  const refused = median(passed.map((each) => each.refused)) * 100;
  const kilobytes = `${size / 1000} KB`;
  const ratio = pairedRatio(rates.ours, rates.bare);
  return [
    {
      what: `${kilobytes}: files that one scanner decides a second`,
      against: 'a bare exchange',
      target: { atLeast: 120 },
      value: median(rates.ours),
      unit: '',
      detail:
        `a backlog of ${files}; bare ${figure(median(rates.bare))}, we are at ${figure(ratio)} of that; ` +
        `the last of them after ${figure(median(passed.map((each) => each.seconds)))} s; uploaded ${figure(median(passed.map((each) => each.uploaded)))} a second. ${last ? usageText(last) : ''}`,
      limit:
        `${concurrency.scanner} requests at a time and ${scanSlots} scan slots. Bare is a Node process that makes the same ` +
        `requests for ${concurrency.scanner} files at a time, with SHA-256 and CRC32C, and nothing else.`,
    },
    {
      what: `${kilobytes}: deliveries that the scanner refuses`,
      against: 'all deliveries',
      target: { atMost: 1 },
      value: refused,
      unit: ' %',
      detail: `${passed.map((each) => figure(each.refused * 100)).join(', ')} % in each round`,
      limit:
        'Each refusal costs a pause of Pub/Sub, ten seconds at least, and one of the attempts of its event.',
    },
  ];
}

/** Such as `CPU: upload 40 %, scanner 80 %; memory: …`. */
export function usageText({ busy, memory }: Pick<Passed, 'busy' | 'memory'>): string {
  const processors = Object.entries(busy).map(([name, share]) => `${name} ${figure(share * 100)} %`);
  const bytes = Object.entries(memory).map(([name, peak]) => `${name} ${figure(peak / MIB)}`);
  return `CPU, of one processor each: ${processors.join(', ')}; memory in MiB: ${bytes.join(', ')}`;
}
