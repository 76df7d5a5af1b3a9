import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { EitherSignal } from '../../../shared/runtime/abort.ts';

describe('either of some signals', () => {
  it('aborts with the first of them, for its reason', () => {
    const [first, second] = [new AbortController(), new AbortController()];
    using either = new EitherSignal(first.signal, second.signal);
    assert.ok(!either.signal.aborted);
    second.abort('second');
    first.abort('first');
    assert.equal(either.signal.reason, 'second');
  });

  it('is aborted from the start where one of them is', () => {
    using either = new EitherSignal(new AbortController().signal, AbortSignal.abort('before'));
    assert.equal(either.signal.reason, 'before');
  });

  it('aborts nobody but itself, and listens to nobody afterwards', () => {
    const outer = new AbortController();
    {
      using either = new EitherSignal(outer.signal);
      either.abort('itself');
      assert.equal(either.signal.reason, 'itself');
      assert.ok(!outer.signal.aborted);
    }
    assert.equal(getEventListeners(outer.signal, 'abort').length, 0);
  });
});
