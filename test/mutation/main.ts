import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Stryker } from '@stryker-mutator/core';
import { TARGETS, type Target } from './targets.ts';

/**
 * Changes the code that decides, one thing at a time, and runs its tests: a change that no test notices is a survivor.
 * Survivors that change nothing anybody could see are listed, each with its reason, in survivors.json; any other fails.
 *
 *     npm run test:mutation -- [NAME...]
 */

interface Survivor {
  readonly file: string;
  /** The code that was changed, without line breaks, and what took its place. */
  readonly original: string;
  readonly replacement: string;
  readonly reason: string;
}

type Mutant = Omit<Survivor, 'reason'> & { readonly line: number };

const LIST = join(import.meta.dirname, 'survivors.json');
const REPORTS = '.local/mutation';

const names = process.argv.slice(2);
const unknown = names.filter((name) => !(name in TARGETS));
if (unknown.length > 0) {
  process.stderr.write(`No such target: ${unknown}. There are: ${Object.keys(TARGETS)}\n`);
  process.exit(2);
}
const listed: Survivor[] = JSON.parse(await readFile(LIST, 'utf8'));
await mkdir(REPORTS, { recursive: true });
let failed = false;
for (const [name, target] of Object.entries(TARGETS)) {
  if (names.length > 0 && !names.includes(name)) continue;
  failed = !(await check(name, target)) || failed;
}
process.exit(failed ? 1 : 0);

async function check(name: string, { files, tests }: Target): Promise<boolean> {
  const stryker = new Stryker({
    mutate: [...files],
    testRunner: 'command',
    commandRunner: { command: `mocha --bail --reporter dot ${tests.join(' ')}` },
    coverageAnalysis: 'off',
    concurrency: 2,
    // TypeScript 7 has no API that Stryker could read its settings with, and none are needed.
    tsconfigFile: 'none',
    ignorePatterns: ['/.local', '/client/dist', '/coverage', '/test-results', '/bench', '/terraform'],
    tempDirName: `${REPORTS}/sandbox`,
    reporters: [],
    // Its enumeration is not exported by the package; the word is one of its values.
    logLevel: 'error' as never,
    timeoutMS: 60_000,
    allowConsoleColors: false,
  });
  const results = await stryker.runMutationTest();
  const counted = results.filter(({ status }) => status !== 'Ignored');
  const survivors = counted.filter(({ status }) => status === 'Survived' || status === 'NoCoverage');
  const sources = new Map<string, string>();
  for (const file of files) sources.set(file, await readFile(file, 'utf8'));
  const mutants = survivors.map(({ fileName, location, replacement = '' }): Mutant => {
    const file = files.find((known) => fileName.endsWith(known)) ?? fileName;
    const original = between(sources.get(file) ?? '', location.start, location.end);
    return { file, line: location.start.line, original: flat(original), replacement: flat(replacement) };
  });
  const isListed = (mutant: Mutant) => listed.some((survivor) => same(survivor, mutant));
  const unlisted = mutants.filter((mutant) => !isListed(mutant));
  const stale = listed.filter(
    (survivor) => files.includes(survivor.file) && !mutants.some((mutant) => same(survivor, mutant)),
  );
  await writeFile(`${REPORTS}/${name}.json`, `${JSON.stringify(mutants, null, 2)}\n`);
  const noticed = counted.length - survivors.length;
  process.stdout.write(
    `${name}: ${counted.length} mutants, ${noticed} noticed, ${mutants.length - unlisted.length} survive with a reason, ${unlisted.length} without\n`,
  );
  for (const { file, line, original, replacement } of unlisted) {
    process.stdout.write(`  ${file}:${line}  ${original}  ->  ${replacement}\n`);
  }
  for (const { file, original } of stale) {
    process.stdout.write(`  no longer survives, take it from the list: ${file}  ${original}\n`);
  }
  return unlisted.length === 0 && stale.length === 0;
}

function same(one: Omit<Survivor, 'reason'>, other: Omit<Survivor, 'reason'>): boolean {
  return one.file === other.file && one.original === other.original && one.replacement === other.replacement;
}

/** Both count from 1. */
interface Position {
  readonly line: number;
  readonly column: number;
}

function between(text: string, start: Position, end: Position): string {
  const lines = text.split('\n').slice(start.line - 1, end.line);
  lines[lines.length - 1] = (lines.at(-1) ?? '').slice(0, end.column - 1);
  lines[0] = (lines[0] ?? '').slice(start.column - 1);
  return lines.join('\n');
}

function flat(code: string): string {
  return code.replace(/\s+/g, ' ').trim();
}
