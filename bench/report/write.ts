import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { outcomeOf } from '../finding.ts';
import type { Scale } from '../scale.ts';
import { chartOf } from './chart.ts';
import type { Machine } from './machine.ts';
import { type Measured, markdownOf } from './table.ts';

export interface Report {
  readonly machine: Machine;
  readonly measured: readonly Measured[];
  readonly scale: Scale;
  /** All rows are in it. */
  readonly complete: boolean;
  readonly seconds: number;
}

/**
 * Writes the report: a full one beside the benchmark, where it is kept; all others where git does not look.
 * @returns the files, as a person in `project` would name them
 */
export function writeReport(project: string, report: Report): readonly string[] {
  const kept = report.complete && report.scale.name === 'full';
  const folder = join(project, kept ? 'bench' : '.local/bench');
  mkdirSync(folder, { recursive: true });
  const { machine, measured, scale, seconds } = report;
  const rows = measured.map(({ findings, ...row }) => ({
    ...row,
    findings: findings.map(({ picture: _, ...finding }) => ({ ...finding, outcome: outcomeOf(finding) })),
  }));
  const files = {
    'results.json': `${JSON.stringify({ scale: scale.name, seconds, machine, rows }, null, 2)}\n`,
    'RESULTS.md': documentOf(report),
    'chart.svg': chartOf(measured),
    ...Object.fromEntries(picturesOf(measured).map(({ name, svg }) => [name, svg])),
  };
  return Object.entries(files).map(([name, content]) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return relative(project, path);
  });
}

function picturesOf(
  measured: readonly Measured[],
): readonly { readonly name: string; readonly svg: string }[] {
  return measured.flatMap(({ findings }) => findings.flatMap(({ picture }) => picture ?? []));
}

function documentOf({ machine, measured, scale, seconds }: Report): string {
  const outcomes = measured.flatMap(({ findings }) => findings.map(outcomeOf));
  const count = (outcome: string): number => outcomes.filter((one) => one === outcome).length;
  return `# Results of the benchmark

Written by \`npm run bench\` (${scale.name}, ${seconds} s) on ${machine.date.slice(0, 10)}: ${count('met')} targets met, \
${count('missed')} missed. Ratios are of measurements in turns, in one run, on this machine: ${machine.cores} cores \
(${machine.processor}), ${machine.memoryGiB} GiB, Linux ${machine.kernel}, Node ${machine.node}, ${machine.clamd}, \
load ${machine.loadBefore} before. Everything ran on it at once: client, functions, emulators, clamd. Functions are asked \
past the local gateway; the emulator keeps no MD5, and clamd has development signatures.

![Measurements, in targets](chart.svg)

${markdownOf(measured)}`;
}
