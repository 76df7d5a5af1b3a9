import assert from 'node:assert/strict';
import { parseOptions } from '../../bench/options.ts';

describe('the options of the benchmark', () => {
  const parse = (...argv: string[]) => parseOptions(argv, ['upload', 'scan']);

  it('are all rows in full by default, and fewer where asked for', () => {
    assert.deepEqual(parse(), { quick: false, only: [] });
    assert.deepEqual(parse('--quick', '--only', 'scan'), { quick: true, only: ['scan'] });
    assert.deepEqual(parse('--only=scan,upload').only, ['scan', 'upload']);
  });

  it('refuse a row that there is not, and name those that there are', () => {
    assert.throws(() => parse('--only', 'speed'), /upload, scan, not speed/);
    assert.throws(() => parse('--fast'), /fast/);
  });
});
