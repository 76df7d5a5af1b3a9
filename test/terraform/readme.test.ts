import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { blocksOf } from './hcl.ts';
import { inputTable, outputTable, withTable } from './tables.ts';
import { MODULE } from './tools.ts';

describe('terraform/README.md', () => {
  const path = join(MODULE, 'README.md');
  const page = readFileSync(path, 'utf8');

  it('has the tables of variables.tf and outputs.tf (UPDATE_TABLES=1 writes them)', () => {
    const current = withTable(withTable(page, 'inputs', inputTable()), 'outputs', outputTable());
    if (process.env['UPDATE_TABLES']) writeFileSync(path, current);
    else assert.equal(page, current);
  });

  it('finds every variable and output that there is', () => {
    for (const [file, kind, table] of [
      ['variables.tf', 'variable', inputTable()],
      ['outputs.tf', 'output', outputTable()],
    ] as const) {
      const text = readFileSync(join(MODULE, file), 'utf8');
      const names = [...text.matchAll(new RegExp(`^${kind} "(\\w+)"`, 'gm'))].map(([, name = '']) => name);
      assert.deepEqual(
        blocksOf(text, kind).map(({ labels }) => labels[0]),
        names,
      );
      assert.ok(names.length > 5);
      for (const name of names) assert.match(table, new RegExp(`^\\| \`${name}\` \\| \\S`, 'm'));
    }
  });
});
