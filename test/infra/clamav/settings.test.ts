import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { CLAMAV_MAX_BYTES } from '../../../shared/scanning/clamd.ts';
import { sizesFor } from '../../../shared/scanning/sizes.ts';

const SETTINGS = fileURLToPath(new URL('../../../infra/clamav/settings.sh', import.meta.url));

describe('the sizes of the sidecar', () => {
  it('are those that the scanner reckons with', () => {
    const limits = [1, 2 ** 20, 2 ** 30, CLAMAV_MAX_BYTES / 2, CLAMAV_MAX_BYTES, 2 ** 31, 2 ** 40];
    const around = limits.flatMap((size) => [-1, 0, 1].map((step) => Math.floor(size) + step));
    const powers = Array.from({ length: 120 }, (_, index) => Math.floor(1.25 ** index)).filter(
      (n) => n <= 2 ** 40,
    );
    const values = [...around, ...powers].filter((size) => size > 0);
    const script = `. "$0"
      for MAX_SCAN_BYTES in "$@"; do derive_sizes; echo "$max_stream $max_unpacked $max_member"; done`;
    const output = execFileSync('bash', ['-c', script, SETTINGS, ...values.map(String)], {
      encoding: 'utf8',
    });
    const expected = values.map((value) => {
      const { maxStream, maxScan, maxMember } = sizesFor(value);
      return `${maxStream} ${maxScan} ${maxMember}`;
    });
    assert.deepEqual(output.trim().split('\n'), expected);
  });
});
