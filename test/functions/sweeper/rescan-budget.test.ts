import assert from 'node:assert/strict';
import { RescanBudget } from '../../../functions/sweeper/rescan-budget.ts';
import { FAST_RETRY } from '../../shared/storage/streams.ts';
import { DAY, SweeperFixture } from './fixture.ts';
import { type Hook, HookedBucket, straight } from './hooked-bucket.ts';

const NAME = 'sweeper/rescan-budget';

describe('the budget of re-scans', () => {
  const fixture = new SweeperFixture(true);
  const budget = (filesPerDay: number, bytesPerDay = 1e12, hook: Hook = straight) => {
    const { name } = fixture.sweeper.permanent;
    const permanent = new HookedBucket(hook, fixture.connection, name, { retry: FAST_RETRY, paced: true });
    return new RescanBudget({ permanent, now: fixture.sweeper.now, filesPerDay, bytesPerDay });
  };

  it('is reserved in portions, and no more than there is', async () => {
    const one = budget(250);
    const portions: number[] = [];
    for (let reserved = await one.reserve(0); reserved; reserved = await one.reserve(0))
      portions.push(reserved.files);
    assert.deepEqual(portions, [100, 100, 50]);
    assert.equal((await one.reserve(0))?.files, undefined);
    fixture.now += DAY;
    assert.equal((await one.reserve(0))?.files, 100);
  });

  it('is reserved once by any number at the same time', async () => {
    const all = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const one = budget(1_000, 1e13);
        let files = 0;
        for (let reserved = await one.reserve(0); reserved; reserved = await one.reserve(0))
          files += reserved.files;
        return files;
      }),
    );
    assert.equal(
      all.reduce((sum, files) => sum + files),
      1_000,
    );
  });

  for (const write of ['objects.insert', 'objects.patch'] as const) {
    it(`is not reserved by two that write the same, where the answer to an ${write} gets lost`, async () => {
      if (write === 'objects.patch') await budget(1_000).reserve(0);
      const { name } = fixture.sweeper.permanent;
      const { faults } = fixture.storage.emulator;
      // Each write of either fails once although it may have taken effect, and is tried again.
      faults.add({
        operation: write,
        bucket: name,
        namePrefix: NAME,
        times: 2,
        effect: { kind: 'error', status: 503, when: 'after' },
      });
      const before = (await budget(1_000).spent()).files;
      const reserved = await Promise.all([budget(1_000).reserve(0), budget(1_000).reserve(0)]);
      const files = reserved.reduce((sum, portion) => sum + (portion?.files ?? 0), 0);
      assert.equal((await budget(1_000).spent()).files - before, files);
      assert.equal(files, 200);
    });
  }

  it('takes back what was not spent, on its day alone', async () => {
    const one = budget(250);
    const reserved = (await one.reserve(0)) ?? assert.fail();
    await one.refund({ ...reserved, files: 60, bytes: 0 });
    assert.equal((await one.spent()).files, 40);
    await one.refund({ ...reserved, files: 0, bytes: 0 });
    fixture.now += DAY;
    await one.reserve(0);
    await one.refund({ ...reserved, files: 40 });
    assert.equal((await one.spent()).files, 100);
  });

  it('is not given out beyond the bytes of a day, but for one content that is larger', async () => {
    const one = budget(1_000, 100);
    assert.equal((await one.reserve(101))?.bytes, 101);
    assert.equal(await one.reserve(1), undefined);
    fixture.now += DAY;
    const reserved = (await one.reserve(10)) ?? assert.fail();
    assert.equal(reserved.bytes, 100);
    await one.refund({ ...reserved, bytes: 50 });
    assert.equal(await one.reserve(51), undefined);
    assert.equal((await one.reserve(50))?.bytes, 50);
  });

  it('is none where none is configured', async () => {
    assert.equal(await budget(0).reserve(0), undefined);
    assert.equal(await budget(10, 0).reserve(0), undefined);
  });

  it('is whole where somebody has written something else', async () => {
    const metadata = { day: fixture.sweeper.now().toISOString().slice(0, 10), files: 'x', bytes: '-1' };
    await fixture.sweeper.permanent.insertEmpty(NAME, { metadata });
    assert.deepEqual(await budget(10).spent(), { files: 0, bytes: 0 });
  });
});
