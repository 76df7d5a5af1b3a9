import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { Admission } from '../../../../functions/scanner/admission/admission.ts';
import { type MeanSlots, REPORT_MS, SlotUse } from '../../../../functions/scanner/admission/slot-use.ts';
import { TempSpace } from '../../../../functions/scanner/admission/temp-space.ts';
import { sizesFor } from '../../../../shared/scanning/sizes.ts';

describe('the slots in use', () => {
  let now: number;
  let reports: MeanSlots[];
  let use: SlotUse;

  beforeEach(() => {
    mock.timers.enable({ apis: ['setInterval'] });
    now = 5_000;
    reports = [];
    use = new SlotUse({ slots: 4, report: (mean) => reports.push(mean), now: () => now });
  });
  afterEach(() => mock.timers.reset());

  function pass(ms: number): void {
    now += ms;
    mock.timers.tick(ms);
  }

  it('are a mean over a minute, to which short scans count as long as they take', () => {
    use.change(1);
    pass(REPORT_MS / 2);
    use.change(1);
    use.change(-1);
    use.change(1);
    pass(REPORT_MS / 2);
    assert.deepEqual(reports, [{ slotsUsed: 1.5, slotsFree: 2.5 }]);
  });

  it('are reported while scans hang', () => {
    for (let slot = 0; slot < 4; slot++) use.change(1);
    pass(REPORT_MS);
    pass(REPORT_MS);
    assert.deepEqual(reports, Array(2).fill({ slotsUsed: 4, slotsFree: 0 }));
  });

  it('are reported no more once none is in use, and again with the next scan', () => {
    use.change(1);
    pass(REPORT_MS / 4);
    use.change(-1);
    pass(REPORT_MS * 5);
    assert.deepEqual(reports, [{ slotsUsed: 0.25, slotsFree: 3.75 }]);
    use.change(1);
    pass(REPORT_MS);
    assert.deepEqual(reports[1], { slotsUsed: 1, slotsFree: 3 });
    assert.equal(reports.length, 2);
  });

  it('are those of the minute in which they were used, where the processor stopped meanwhile', () => {
    use.change(1);
    pass(REPORT_MS / 2);
    use.change(-1);
    // An hour without a request, in which no timer fires.
    now += 3_600_000;
    mock.timers.tick(REPORT_MS / 2);
    assert.deepEqual(reports, [{ slotsUsed: 0.5, slotsFree: 3.5 }]);
  });

  it('are taken and given back by the admission, also by work that fails', async () => {
    const tempSpace = new TempSpace(() => Number.MAX_SAFE_INTEGER, sizesFor(1));
    const admission = new Admission({ slots: 4, maxWaiting: 0, maxWaitMs: 0, tempSpace, slotUse: use });
    const gate = Promise.withResolvers<void>();
    const good = admission.run('org:1', 1, () => gate.promise);
    const bad = admission.run('org:2', 1, () => gate.promise.then(() => Promise.reject(new Error('no'))));
    await new Promise(setImmediate);
    pass(REPORT_MS);
    gate.resolve();
    await good;
    await assert.rejects(bad, /no/);
    pass(REPORT_MS);
    pass(REPORT_MS);
    assert.deepEqual(reports, [{ slotsUsed: 2, slotsFree: 2 }]);
  });
});
