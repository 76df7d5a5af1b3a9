import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { costOfMillion, idleCosts } from '../../bench/cost/cost.ts';
import { dollars } from '../../bench/cost/prices.ts';
import { moduleSizes } from '../../bench/cost/sizes.ts';

const SIZES = {
  upload: { vcpus: 1, gib: 1 },
  files: { vcpus: 1, gib: 0.5 },
  scanner: { vcpus: 3, gib: 8 },
};

function about(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < expected / 1e6, `${actual} and not ${expected}`);
}

describe('the cost of files', () => {
  it('is that of operations, and of the seconds for which instances are busy', () => {
    const facts = { classA: 4, classB: 4, uploaded: 200, decided: 100 };
    const cost = costOfMillion(facts, SIZES, 'instance');
    about(cost.operations, 20 + 1.6);
    about(cost.upload, 5_000 * (0.000024 + 0.0000025));
    about(cost.scanner, 10_000 * (3 * 0.000018 + 8 * 0.000002));
    about(costOfMillion(facts, SIZES, 'request').scanner, 10_000 * (3 * 0.000024 + 8 * 0.0000025));
  });

  it('is that of the instances that are kept where there is no file', () => {
    const month = 2_629_800;
    const idle = idleCosts(SIZES, { upload: 1, files: 1, scanner: 1 });
    const api = month * 0.0000025 * (2 + 1.5);
    about(idle.moduleDefaults, api + month * (3 * 0.000018 + 8 * 0.000002));
    about(idle.requestBased, api + month * 0.0000025 * (3 + 8));
    assert.equal(idle.scaledToZero, 0);
  });

  it('rests on prices that say where they are from, and that nobody has looked up', () => {
    const path = new URL('../../bench/cost/prices.json', import.meta.url);
    const { description, prices } = JSON.parse(readFileSync(path, 'utf8'));
    assert.match(description, /Look them up/);
    for (const [name, { usd, per, source, date }] of Object.entries<Record<string, unknown>>(prices)) {
      assert.ok(Number(usd) > 0 && String(per).length > 0, name);
      assert.match(String(source), /^https:\/\/cloud\.google\.com\//, name);
      assert.match(String(date), /^(undated list price|\d{4}-\d{2}-\d{2})$/, name);
    }
    about(dollars('classA', 1_000), 0.005);
  });

  it('is for instances as large as the module makes them', () => {
    const { upload, scanner } = moduleSizes();
    assert.deepEqual(upload, { vcpus: 1, gib: 1 });
    assert.ok(scanner.vcpus >= 2 && scanner.gib > 4);
  });
});
