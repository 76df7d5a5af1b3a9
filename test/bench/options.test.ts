import assert from 'node:assert/strict';
import { parseOptions } from '../../bench/options.ts';

describe('the options of the benchmark', () => {
  const parse = (...argv: string[]) => parseOptions(argv, ['upload', 'scan']);

  it('are all rows in full by default, and fewer where asked for', () => {
    assert.deepEqual(parse(), { quick: false, only: [], latency: 'off' });
    assert.deepEqual(parse('--quick', '--only', 'scan'), {
      quick: true,
      only: ['scan'],
      latency: 'off',
    });
    assert.deepEqual(parse('--only=scan,upload').only, ['scan', 'upload']);
  });

  it('take a profile of latencies, and refuse one that there is not', () => {
    assert.equal(parse('--latency', 'google-cloud:7').latency, 'google-cloud:7');
    assert.throws(() => parse('--latency', 'slow'), /LATENCY should be/);
  });

  it('refuse a row that there is not, and name those that there are', () => {
    assert.throws(() => parse('--only', 'speed'), /upload, scan, not speed/);
    assert.throws(() => parse('--fast'), /fast/);
  });
});
