import assert from 'node:assert/strict';
import { detach } from '../../../shared/runtime/memory.ts';

describe('memory that is given back', () => {
  it('is empty afterwards', () => {
    const bytes = Buffer.alloc(64 * 1024, 1);
    detach(bytes);
    assert.equal(bytes.length, 0);
    detach(bytes);
  });

  it('is never that of a larger buffer, of which others have the rest', () => {
    const whole = Buffer.alloc(100, 1);
    for (const part of [whole.subarray(1), whole.subarray(0, 99), Buffer.from('from the pool')]) {
      const text = part.toString();
      detach(part);
      assert.equal(part.toString(), text);
    }
    assert.equal(whole.length, 100);
  });
});
