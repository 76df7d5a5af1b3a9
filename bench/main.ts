/** `npm run bench [-- --quick] [-- --only upload,scan] [-- --latency google-cloud:1]`: measures, prints a table, and writes the report. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Bench, Row } from './bench.ts';
import { writeSignatures } from './clamd/signature-set.ts';
import type { Finding } from './finding.ts';
import { parseOptions } from './options.ts';
import { describeMachine } from './report/machine.ts';
import { type Measured, tableOf } from './report/table.ts';
import { writeReport } from './report/write.ts';
import { burst } from './rows/burst.ts';
import { coldStart } from './rows/cold-start.ts';
import { commandLine } from './rows/command-line.ts';
import { contention } from './rows/contention.ts';
import { cost } from './rows/cost.ts';
import { download } from './rows/download.ts';
import { emulator } from './rows/emulator.ts';
import { engine } from './rows/engine.ts';
import { growth } from './rows/growth.ts';
import { latencyAnswers } from './rows/latency/answers.ts';
import { latencyBytes } from './rows/latency/bytes.ts';
import { latencyInstances } from './rows/latency/instances.ts';
import { latencyRescan } from './rows/latency/rescan.ts';
import { latencyThroughput } from './rows/latency/throughput.ts';
import { memory } from './rows/memory.ts';
import { operations } from './rows/operations.ts';
import { scan } from './rows/scan.ts';
import { small } from './rows/small.ts';
import { tus } from './rows/tus.ts';
import { upload } from './rows/upload.ts';
import { FULL, QUICK } from './scale.ts';
import { openStages } from './stage/stages.ts';

/** Those that share a stage one after the other; growth last, because it leaves its records behind. */
const ROWS: readonly Row[] = [
  emulator,
  upload,
  tus,
  contention,
  download,
  scan,
  engine,
  small,
  commandLine,
  operations,
  latencyThroughput,
  latencyAnswers,
  latencyBytes,
  latencyRescan,
  cost,
  burst,
  latencyInstances,
  memory,
  coldStart,
  growth,
];
const PROJECT = resolve(import.meta.dirname, '..');
const print = (line: string): void => console.log(line);

/** @throws {Error} where a row wrote one name twice within a second, which no client and no function should */
async function measureAll(
  rows: readonly Row[],
  bench: Bench,
  refused: () => Promise<number>,
): Promise<readonly Measured[]> {
  const measured: Measured[] = [];
  for (const { name, title, measure } of rows) {
    const start = performance.now();
    print(`${title}…`);
    measured.push({ name, title, findings: await measure(bench).catch((error) => unmeasured(title, error)) });
    const refusals = await refused();
    if (refusals > 0 && name !== 'contention')
      throw new Error(`${title}: ${refusals} writes were refused (429)`);
    print(`  ${((performance.now() - start) / 1000).toFixed(1)} s`);
  }
  return measured;
}

/** The other rows go on; this one is missed, and the benchmark fails. */
function unmeasured(title: string, error: unknown): readonly Finding[] {
  console.error(error instanceof Error ? (error.stack ?? error.message) : error);
  process.exitCode = 1;
  const detail = `It could not be measured: ${error instanceof Error ? error.message : error}`;
  const target = { atLeast: 1 };
  return [{ what: `${title}: measured`, against: '', target, value: 0, unit: '', detail }];
}

const folder = mkdtempSync(join(tmpdir(), 'fileshare-bench-'));
// However it ends, gigabytes must not stay.
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));
try {
  const names = ROWS.map(({ name }) => name);
  const { quick, only, latency, signatures } = parseOptions(process.argv.slice(2), names);
  const rows = ROWS.filter(({ name }) => only.length === 0 || only.includes(name));
  const scale = quick ? QUICK : FULL;
  const machine = describeMachine();
  const databaseDirectory =
    signatures > 0 ? await writeSignatures(join(folder, 'database'), signatures) : undefined;
  await using stages = openStages(folder, scale, { LATENCY: latency }, databaseDirectory);
  const measured = await measureAll(
    rows,
    { scale, folder, databaseDirectory, say: print, ...stages },
    stages.refused,
  );
  print(`\n${tableOf(measured)}\n`);
  const seconds = Math.round(performance.now() / 1000);
  const complete = rows.length === ROWS.length && latency === 'off' && signatures === 0;
  const written = writeReport(PROJECT, { machine, measured, scale, complete, seconds });
  print(`Written: ${written.join(', ')}. It took ${seconds} s.`);
} catch (error) {
  console.error(error instanceof Error ? (error.stack ?? error.message) : error);
  process.exitCode = 1;
}
process.exit();
