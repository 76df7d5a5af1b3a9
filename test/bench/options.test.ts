import assert from 'node:assert/strict';
import { parseOptions } from '../../bench/options.ts';

describe('the options of the benchmark', () => {
  const parse = (...argv: string[]) => parseOptions(argv, ['upload', 'scan']);

  it('are all rows in full by default, and fewer where asked for', () => {
    assert.deepEqual(parse(), { quick: false, only: [], latency: 'off', signatures: 0 });
    assert.deepEqual(parse('--quick', '--only', 'scan'), {
      quick: true,
      only: ['scan'],
      latency: 'off',
      signatures: 0,
    });
    assert.deepEqual(parse('--only=scan,upload').only, ['scan', 'upload']);
  });

  it('take a profile of latencies, and refuse one that there is not', () => {
    assert.equal(parse('--latency', 'google-cloud:7').latency, 'google-cloud:7');
    assert.throws(() => parse('--latency', 'slow'), /LATENCY should be/);
  });

  it('take a number of signatures, and nothing else', () => {
    assert.equal(parse('--signatures', '4700000').signatures, 4_700_000);
    for (const wrong of ['many', '-1', '1e6', '']) {
      assert.throws(() => parse(`--signatures=${wrong}`), /--signatures takes a number/);
    }
  });

  it('refuse a row that there is not, and name those that there are', () => {
    assert.throws(() => parse('--only', 'speed'), /upload, scan, not speed/);
    assert.throws(() => parse('--fast'), /fast/);
  });
});
