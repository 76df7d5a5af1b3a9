import assert from 'node:assert/strict';
import { refuseOthers } from '../../../functions/scanner/deployment-gate.ts';
import type { Owner } from '../../../shared/deployment/watch.ts';

describe('the scanner of a deployment', () => {
  for (const [owner, why] of [
    ['us', undefined],
    ['nobody', undefined],
    ['another', 'the buckets belong to another deployment'],
    ['unknown', 'it is not known whose the buckets are'],
  ] satisfies readonly (readonly [Owner, string | undefined])[]) {
    it(`${why === undefined ? 'works' : 'has its events come back'} where the buckets are of: ${owner}`, async () => {
      let owned: Owner = 'unknown';
      const refresh = async () => {
        owned = owner;
      };
      const watch = {
        refresh,
        get owner() {
          return owned;
        },
      };
      const refused = await refuseOthers(watch);
      assert.equal(refused?.why, why);
      if (refused) assert.equal(refused.kind, 'later');
    });
  }
});
