import assert from 'node:assert/strict';
import { CLAMAV_MAX_BYTES } from '../../../shared/scanning/clamd.ts';
import { sizesFor } from '../../../shared/scanning/sizes.ts';

const MIB = 2 ** 20;

describe('sizesFor', () => {
  it('never lets clamd cut off a part that it then calls clean', () => {
    for (const maxBytes of [1, MIB, 100 * MIB, 2 ** 30, CLAMAV_MAX_BYTES, 2 ** 31 - 3, 2 ** 40]) {
      const { maxStream, maxScan, maxMember, temporary } = sizesFor(maxBytes);
      assert(maxStream <= maxBytes && maxStream <= maxScan);
      assert(maxScan + MIB <= maxMember);
      assert(maxMember <= 2_147_483_645);
      assert.equal(temporary, maxStream + maxScan + maxMember);
    }
  });

  it('refuses what is not a size', () => {
    for (const maxBytes of [0, -1, 0.5, Number.NaN]) assert.throws(() => sizesFor(maxBytes), RangeError);
  });
});
