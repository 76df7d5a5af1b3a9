import assert from 'node:assert/strict';
import { Slots } from '../../client/src/cli/slots.ts';

describe('client: slots for large files', () => {
  it('let so many in at a time, in their order, also after one that fails', async () => {
    const slots = new Slots(2);
    let inside = 0;
    let most = 0;
    const order: number[] = [];
    const work = (at: number) => async () => {
      order.push(at);
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside--;
      if (at % 3 === 0) throw new Error(String(at));
      return at;
    };
    const all = await Promise.allSettled(Array.from({ length: 9 }, (_, at) => slots.within(work(at))));
    assert.deepEqual(
      all.map(({ status }) => status === 'fulfilled'),
      [0, 1, 2, 3, 4, 5, 6, 7, 8].map((at) => at % 3 !== 0),
    );
    assert.deepEqual(order, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    assert.equal(most, 2);
    assert.equal(await slots.within(work(1)), 1);
  });
});
