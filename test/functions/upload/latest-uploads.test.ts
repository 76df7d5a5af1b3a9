import assert from 'node:assert/strict';
import type { Progress } from '../../../functions/upload/append.ts';
import { LatestUploads } from '../../../functions/upload/latest-uploads.ts';

describe('the uploads that were written last', () => {
  // As much of an upload as is looked at.
  const upload = (id: string) => ({ record: { id }, chain: {} }) as unknown as Progress;

  it('are handed out once, as they were written last', () => {
    const latest = new LatestUploads();
    latest.keep(upload('a'));
    const again = upload('a');
    latest.keep(again);
    assert.equal(latest.take('a'), again);
    assert.equal(latest.take('a'), undefined);
  });

  it('are so many at most, and the oldest goes first', () => {
    const latest = new LatestUploads();
    for (let at = 0; at < 1000; at += 1) latest.keep(upload(`${at}`));
    const kept = Array.from({ length: 1000 }, (_, at) => at).filter((at) => latest.take(`${at}`));
    assert.deepEqual([kept.length, kept[0]], [256, 744]);
  });
});
