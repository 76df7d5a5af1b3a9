import assert from 'node:assert/strict';
import { giveBack } from '../../../shared/runtime/memory.ts';

describe('memory that is given back', () => {
  it('is empty afterwards', () => {
    const bytes = Buffer.alloc(64 * 1024, 1);
    giveBack(bytes);
    assert.equal(bytes.length, 0);
    giveBack(bytes);
  });

  it('is never that of a larger buffer, of which others have the rest', () => {
    const whole = Buffer.alloc(100, 1);
    for (const part of [whole.subarray(1), whole.subarray(0, 99), Buffer.from('from the pool')]) {
      const text = part.toString();
      giveBack(part);
      assert.equal(part.toString(), text);
    }
    assert.equal(whole.length, 100);
  });
});
