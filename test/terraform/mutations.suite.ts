import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findingsOf } from './checks.ts';
import { apply } from './deployment.ts';
import { deletions, MISTAKES, type Mutation } from './mutations.ts';
import { findTool, MODULE } from './tools.ts';

/** The complaints of the checks about a mutation, or of terraform itself where it does not get that far. */
async function noticed(tfcheck: string, { change }: Mutation): Promise<readonly string[]> {
  const { output, deployment } = await apply(tfcheck, 'complete', { change, only: 'init,plan,apply' });
  if (deployment) return findingsOf(deployment);
  return [`terraform: ${/Error: .*/.exec(output)?.[0] ?? output}`];
}

describe('the checks of the Terraform module bite', () => {
  const tfcheck = findTool('TFCHECK');
  const all = deletions();

  it('finds every grant, dead letter and probe to delete', () => {
    const source = readdirSync(MODULE)
      .filter((file) => file.endsWith('.tf'))
      .map((file) => readFileSync(join(MODULE, file), 'utf8'))
      .join('\n');
    const count = (pattern: RegExp): number => source.match(pattern)?.length ?? 0;
    const found = (word: RegExp): number => all.filter(({ what }) => word.test(what)).length;
    assert.equal(found(/_iam_member/), count(/^resource "\w+_iam_(member|binding|policy)"/gm));
    assert.equal(found(/: dead_letter_policy/), count(/dead_letter_policy \{/g));
    assert.equal(found(/: traffic/), count(/^ {2}traffic \{/gm));
    assert.equal(found(/(startup|liveness)_probe/), count(/(startup|liveness)_probe \{/g));
    assert.equal(found(/: "\w+\.\w+"/), count(/= \{ bucket = "/g));
    assert.equal(new Set(all.map(({ what }) => what)).size, all.length);
  });

  for (const mutation of [...all.map((one) => ({ ...one, what: `without ${one.what}` })), ...MISTAKES]) {
    it(mutation.what, async function () {
      if (!tfcheck) return this.skip();
      const findings = await noticed(tfcheck, mutation);
      assert.notDeepEqual(findings, []);
      console.log(`      ${findings[0]}`);
    });
  }
});
