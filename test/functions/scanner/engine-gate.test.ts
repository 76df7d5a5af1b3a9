import assert from 'node:assert/strict';
import { EngineGate } from '../../../functions/scanner/engine-gate.ts';
import type { Scanner } from '../../../shared/scanning/clamd.ts';
import type { ScanFault, Verdict } from '../../../shared/scanning/verdict.ts';
import { sharedScanner } from '../../support/clamd.ts';

const DAY = 86_400_000;

describe('the engine gate', () => {
  let real: Scanner;
  before(async () => {
    real = await sharedScanner();
  });

  function gate(scanner: Scanner, allowUndated: boolean, recheckMs = 60_000) {
    const now = () => new Date('2026-06-10T00:00:00Z');
    return new EngineGate(scanner, { maxAgeMs: 3 * DAY, allowUndated, recheckMs, now });
  }
  const unfit = (error: ScanFault) => error.code === 'unfit';
  const dated = (databaseDate: string): Scanner => ({
    scan: (source, options) => real.scan(source, options),
    version: async () => ({ engine: '1.4.6', database: 1, databaseDate }),
  });
  const saying = (...verdicts: Verdict[]): Scanner => ({
    scan: async () => verdicts.shift() ?? { kind: 'clean' },
    version: async () => ({ engine: '1.4.6' }),
  });

  it('lets a real clamd with development signatures pass only where they are allowed', async () => {
    assert.match((await gate(real, true).fit()).engine, /^1\./);
    await assert.rejects(gate(real, false).fit(), unfit);
  });

  it('lets fresh signatures pass, and no stale ones', async () => {
    assert.equal((await gate(dated('2026-06-08T00:00:00Z'), false).fit()).database, 1);
    for (const date of ['2026-06-06T23:59:59Z', '2020-01-01T00:00:00Z', 'yesterday']) {
      await assert.rejects(gate(dated(date), true).fit(), unfit, date);
    }
  });

  for (const [what, verdicts] of [
    ['calls everything clean', [{ kind: 'clean' }, { kind: 'clean' }]],
    [
      'calls everything infected',
      [
        { kind: 'infected', signature: 'x' },
        { kind: 'infected', signature: 'x' },
      ],
    ],
    ['can scan nothing', [{ kind: 'unscannable', reason: 'tooLarge' }, { kind: 'clean' }]],
  ] as const) {
    it(`stops an engine that ${what}`, async () => {
      await assert.rejects(gate(saying(...verdicts), true).fit(), unfit);
    });
  }

  it('asks once for many, and again when that is too long ago', async () => {
    let asked = 0;
    const counted: Scanner = {
      scan: (source, options) => real.scan(source, options),
      version: async () => {
        asked++;
        return { engine: '1.4.6' };
      },
    };
    const patient = gate(counted, true);
    await Promise.all(Array.from({ length: 20 }, () => patient.fit()));
    await patient.fit();
    assert.equal(asked, 1);
    const anxious = gate(counted, true, 0);
    await anxious.fit();
    await anxious.fit();
    assert.equal(asked, 3);
  });

  it('asks again at once after a failure', async () => {
    let broken = true;
    const flaky: Scanner = {
      scan: (source, options) => real.scan(source, options),
      version: () => (broken ? Promise.reject(new Error('down')) : real.version()),
    };
    const gated = gate(flaky, true);
    await assert.rejects(gated.fit(), /down/);
    broken = false;
    assert.ok(await gated.fit());
  });
});
