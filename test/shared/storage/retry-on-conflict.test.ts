import assert from 'node:assert/strict';
import { retryOnConflict } from '../../../shared/storage/retry-on-conflict.ts';

describe('retryOnConflict', () => {
  it('returns the outcome of the first attempt without a conflict', async () => {
    const races: number[] = [];
    const outcome = await retryOnConflict(async (lost) => {
      races.push(lost);
      return lost < 2 ? 'conflict' : 'written';
    });
    assert.equal(outcome, 'written');
    assert.deepEqual(races, [0, 1, 2]);
  });

  it('takes undefined and false for outcomes', async () => {
    for (const value of [undefined, false]) {
      let attempts = 0;
      const outcome = await retryOnConflict(async () => {
        attempts++;
        return value;
      });
      assert.deepEqual([outcome, attempts], [value, 1]);
    }
  });

  it('ends with a conflict after five attempts', async () => {
    let attempts = 0;
    const outcome = await retryOnConflict(async () => {
      attempts++;
      return 'conflict';
    });
    assert.deepEqual([outcome, attempts], ['conflict', 5]);
  });

  it('does not repeat an attempt that throws', async () => {
    const failure = new Error('no answer');
    let attempts = 0;
    const retried = retryOnConflict(async () => {
      attempts++;
      throw failure;
    });
    await assert.rejects(retried, failure);
    assert.equal(attempts, 1);
  });
});
