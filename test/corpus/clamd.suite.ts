import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { ensureClamd } from '../../infra/local/clamav/install.ts';
import { builtInTypes } from '../../infra/local/clamav/types.ts';
import type { Clamd } from '../../shared/scanning/clamd.ts';
import { sharedScanner } from '../support/clamd.ts';
import { CASES } from './cases.ts';
import { LIMITS } from './limits.ts';
import { type Result, tableOf } from './table.ts';
import { knownBytes } from './types.ts';
import { verdictOn } from './verdict.ts';

describe('corpus: malware in all that ordinary programs open, by clamd', () => {
  const results: Result[] = [];
  let scanner: Clamd;
  before(async () => {
    scanner = await sharedScanner();
  });
  after(async () => {
    process.stdout.write(`\n${tableOf(results)}\n`);
    const file = process.env['CORPUS_RESULTS'];
    if (file) await writeFile(file, JSON.stringify(results, null, 2));
  });

  it('has cases enough, each with a distinct name', () => {
    assert.ok(CASES.length >= 300, `${CASES.length}`);
    const names = CASES.map(({ kind, name }) => `${kind}: ${name}`);
    assert.deepEqual(
      names.filter((name, at) => names.indexOf(name) !== at),
      [],
    );
  });

  it('has a case for each pattern by which ClamAV knows a type', async () => {
    const table = await builtInTypes(await ensureClamd());
    const files = CASES.filter(({ kind }) => kind !== 'malformed').map(({ bytes }) =>
      bytes().toString('latin1'),
    );
    const without = knownBytes(table).filter(({ pattern }) => !files.some((file) => pattern.test(file)));
    assert.deepEqual(
      without.map(({ line }) => line),
      [],
    );
  });

  for (const { kind, name, expected, bytes } of CASES) {
    it(`${kind}: ${name}`, async () => {
      const verdict = await verdictOn(scanner, bytes());
      results.push({ kind, name, verdict: verdict.kind });
      assert.equal(verdict.kind, expected);
    });
  }

  it('tells what "clean" does not cover', async () => {
    process.stdout.write('\n');
    for (const { name, why, bytes } of LIMITS) {
      const { kind } = await verdictOn(scanner, bytes());
      process.stdout.write(`NOT COVERED: ${name}: ${kind}; ${why}\n`);
    }
  });
});
