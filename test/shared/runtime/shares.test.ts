import assert from 'node:assert/strict';
import { Shares } from '../../../shared/runtime/shares.ts';

describe('shares', () => {
  it('are each principal’s own, and given back once', () => {
    const shares = new Shares(2);
    const [first, second] = [shares.take('a'), shares.take('a')];
    assert.ok(first && second);
    assert.equal(shares.take('a'), undefined);
    assert.equal(shares.left('b'), 2);
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    assert.equal(shares.left('a'), 1);
    second[Symbol.dispose]();
    assert.equal(shares.left('a'), 2);
  });

  it('of nothing are had by nobody', () => {
    assert.equal(new Shares(0).take('a'), undefined);
  });
});
