import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Clamd } from '../../shared/scanning/clamd.ts';
import { sharedScanner } from '../support/clamd.ts';
import { systemFiles } from './benign.ts';
import { EVERYDAY } from './everyday.ts';
import { EXPLAINED } from './explained.ts';
import { verdictOn } from './verdict.ts';

/** Scans at once, as many as the shared clamd takes. */
const LANES = 2;

describe('corpus: files that real programs made', function () {
  this.timeout(900_000);
  let scanner: Clamd;
  before(async () => {
    scanner = await sharedScanner();
  });

  it('finds every everyday document clean', async () => {
    const refused: string[] = [];
    for (const [name, make] of Object.entries(EVERYDAY)) {
      const verdict = await verdictOn(scanner, make());
      if (verdict.kind !== 'clean') refused.push(`${name}: ${JSON.stringify(verdict)}`);
    }
    assert.deepEqual(refused, []);
  });

  it('refuses at most 1 of 1000 files of this machine that is not explained by name', async () => {
    const files = systemFiles(fileURLToPath(new URL('../..', import.meta.url)));
    const waiting = [...files];
    const infected: string[] = [];
    const refused: string[] = [];
    const explained = new Map<string, number>();
    const lane = async () => {
      for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
        const verdict = await verdictOn(scanner, await readFile(path));
        if (verdict.kind === 'clean') continue;
        const detail =
          verdict.kind === 'infected' ? verdict.signature : `${verdict.reason}, ${verdict.detail}`;
        const reason = EXPLAINED.find((one) => one.path.test(path) && one.detail.test(detail))?.why;
        if (reason) explained.set(reason, (explained.get(reason) ?? 0) + 1);
        else (verdict.kind === 'infected' ? infected : refused).push(`${path}: ${detail}`);
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    process.stdout.write(`\nfiles of this machine: ${files.length}, refused: ${refused.length}\n`);
    for (const name of refused) process.stdout.write(`REFUSED ${name}\n`);
    for (const [why, count] of explained) process.stdout.write(`explained: ${count} ${why}\n`);
    assert.ok(files.length >= 1000, `${files.length} files are too few to say anything`);
    assert.deepEqual(infected, []);
    assert.ok(refused.length <= files.length / 1000, `${refused.length} of ${files.length}`);
  });
});
