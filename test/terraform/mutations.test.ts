import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deletions, MISTAKES } from './mutations.ts';
import { MODULE } from './tools.ts';

// The answers of the checks to them take Terraform and half an hour: mutations.suite.ts.
describe('the mutations of the Terraform module', () => {
  const files = readdirSync(MODULE).filter((file) => file.endsWith('.tf'));

  for (const { what, change } of [...deletions(), ...MISTAKES]) {
    it(`change its source: ${what}`, () => {
      const changed = files.filter((file) => {
        const text = readFileSync(join(MODULE, file), 'utf8');
        return change(file, text) !== text;
      });
      assert.notDeepEqual(changed, []);
    });
  }
});
