import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { is1Point5 } from '../../../infra/local/clamav/conf.ts';
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

describe('the version of ClamAV', () => {
  for (const [version, expected] of [
    ['ClamAV 1.4.6/27000/Mon Nov 10 09:00:00 2025', 'yes'],
    ['ClamAV 1.5.0', 'no'],
    ['ClamAV 1.10.1/27000/Mon Nov 10 09:00:00 2025', 'no'],
    ['ClamAV 2.0.0-rc', 'no'],
    ['ClamAV 0.105.2', 'yes'],
    ['', 'yes'],
  ] as const) {
    it(`turns the cache of clean files off before 1.5 alone: ${version}`, () => {
      const script = `. "$0"; here=\${0%/*}; version=$1
        clamd() { printf '%s\\n' "$version"; }
        render_clamd_conf | sed -n 's/^DisableCache //p'`;
      const output = execFileSync('bash', ['-c', script, SETTINGS, version], { encoding: 'utf8' });
      assert.equal(output.trim(), expected);
      assert.equal(is1Point5(version) ? 'no' : 'yes', expected);
    });
  }
});
