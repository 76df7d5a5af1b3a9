import assert from 'node:assert/strict';
import { steadyRate } from '../../bench/rows/latency/backlog.ts';
import { moduleDefaults } from '../../bench/stage/module-defaults.ts';

describe('the rate at which a backlog is decided', () => {
  it('leaves out how it begins and ends', () => {
    const steady = Array.from({ length: 80 }, (_, at) => 1_000 + at * 10);
    const start = Array.from({ length: 10 }, (_, at) => at);
    const tail = Array.from({ length: 10 }, (_, at) => 9_000 + at);
    assert.equal(Math.round(steadyRate([...tail, ...steady, ...start])), 100);
  });

  it('is no number where there is nothing to see', () => {
    for (const times of [[], [1], [5, 5, 5]]) assert.ok(Number.isNaN(steadyRate(times)));
  });
});

describe('the defaults of the Terraform module', () => {
  it('are read from it: Cloud Run lets a scanner have what it scans and what waits, and more', () => {
    const { concurrency, scanSlots, scanQueue, minInstances, maxInstances, push } = moduleDefaults();
    assert.ok(scanSlots >= 1 && scanQueue >= scanSlots);
    assert.ok(concurrency.scanner > scanSlots + scanQueue);
    for (const name of ['upload', 'files', 'scanner'] as const)
      assert.ok(maxInstances[name] >= minInstances[name]);
    assert.ok(push.maxDeliveryAttempts >= 5 && push.minBackoffSeconds > 0);
  });
});
