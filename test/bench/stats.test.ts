import assert from 'node:assert/strict';
import { sideBySide } from '../../bench/side-by-side.ts';
import { median, pairedRatio, quantile } from '../../bench/stats.ts';

const THREE = { times: 3, withinSeconds: 60 };

describe('the statistics of the benchmark', () => {
  it('take the middle of an odd number, and between the two of an even one', () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([4, 1, 2, 3]), 2.5);
    assert.throws(() => median([]), RangeError);
  });

  it('take quantiles that are values, in numerical order', () => {
    const values = Array.from({ length: 100 }, (_, at) => 100 - at);
    assert.deepEqual([quantile(values, 0.5), quantile(values, 0.99), quantile(values, 1)], [50, 99, 100]);
    assert.equal(quantile([7], 0.01), 7);
    assert.throws(() => quantile([], 0.5), RangeError);
  });

  it('compare pair by pair, so that a machine that slows down changes nothing', () => {
    assert.equal(pairedRatio([90, 45, 9], [100, 50, 10]), 0.9);
    assert.throws(() => pairedRatio([1], [1, 2]), RangeError);
  });

  it('let contenders take turns, in the opposite order every other time', async () => {
    const order: string[] = [];
    const contender = (name: string) => async () => order.push(name);
    const measured = await sideBySide({ ours: contender('ours'), theirs: contender('theirs') }, THREE);
    assert.deepEqual(order, ['ours', 'theirs', 'theirs', 'ours', 'ours', 'theirs']);
    assert.deepEqual(measured, { ours: [1, 4, 5], theirs: [2, 3, 6] });
  });

  it('begin no round after their time but the first', async () => {
    const measured = await sideBySide({ ours: async () => 1 }, { times: 5, withinSeconds: 0 });
    assert.deepEqual(measured, { ours: [1] });
  });
});
