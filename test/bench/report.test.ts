import assert from 'node:assert/strict';
import { type Finding, figure, outcomeOf, targetText } from '../../bench/finding.ts';
import { chartOf, inTargets } from '../../bench/report/chart.ts';
import { type Measured, markdownOf, tableOf } from '../../bench/report/table.ts';

const FAST: Finding = {
  what: 'Upload',
  against: 'a pipe',
  target: { atLeast: 0.9 },
  value: 0.95,
  unit: '×',
  detail: '95 MB/s beside 100 MB/s',
  limit: 'hashing',
};
const SLOW: Finding = { ...FAST, what: 'Scan & more', target: { atMost: 1.05 }, value: 1.5 };
const PLAIN: Finding = { what: 'Inserts', against: 'itself', value: 1000, unit: ' a second', detail: '1000' };
const MEASURED: readonly Measured[] = [{ name: 'all', title: 'All', findings: [FAST, SLOW, PLAIN] }];

describe('a finding of the benchmark', () => {
  it('meets a target at its bound, and none where its value is no number', () => {
    assert.deepEqual([FAST, SLOW, PLAIN].map(outcomeOf), ['met', 'missed', 'measured']);
    assert.equal(outcomeOf({ target: { atMost: 0 }, value: 0 }), 'met');
    assert.equal(outcomeOf({ target: { atLeast: 0.9 }, value: 0.9 }), 'met');
    for (const target of [{ atMost: 1 }, { atLeast: 1 }])
      assert.equal(outcomeOf({ target, value: Number.NaN }), 'missed');
  });

  it('is written with the digits that count', () => {
    assert.deepEqual([0.12345, 12.345, 123.45, Number.NaN].map(figure), ['0.12', '12.3', '123', '–']);
    assert.deepEqual([FAST, SLOW, PLAIN].map(targetText), ['≥ 0.9×', '≤ 1.05×', '']);
  });
});

describe('the report of the benchmark', () => {
  it('says so where a target is missed, with the limit beside it, and only there', () => {
    for (const text of [tableOf(MEASURED), markdownOf(MEASURED)]) {
      assert.equal(text.match(/missed/g)?.length, 1);
      assert.equal(text.match(/The limit: hashing/g)?.length, 1);
      assert.match(text, /1000 a second/);
    }
  });

  it('has a bar for each finding with a target, in targets', () => {
    const chart = chartOf(MEASURED);
    assert.equal(chart.match(/<rect /g)?.length, 1 + 2);
    assert.match(chart, /Scan &amp; more/);
    assert.deepEqual([FAST, PLAIN].map(inTargets), [0.95 / 0.9, 0]);
    assert.deepEqual(
      [0, 1].map((value) => inTargets({ target: { atMost: 0 }, value })),
      [0, 2],
    );
  });
});
