import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { crc32c } from '@node-rs/crc32';
import {
  combineCrc32c,
  decodeCrc32c,
  encodeCrc32c,
} from '../../../../../infra/emulators/storage/src/state/crc32c.ts';

describe('storage emulator: CRC32C', () => {
  it('is written as Cloud Storage does', () => {
    // The check value of the catalogue of parametrised CRC algorithms.
    assert.equal(encodeCrc32c(crc32c('123456789')), '4waSgw==');
    assert.equal(decodeCrc32c('4waSgw=='), 0xe3069283);
  });

  for (const [first, second] of [
    [0, 0],
    [0, 1],
    [1, 0],
    [7, 1],
    [255, 256],
    [65_537, 1_000_003],
  ] as const) {
    it(`of ${first} and ${second} bytes is that of both together`, () => {
      const [one, two] = [randomBytes(first), randomBytes(second)];
      assert.equal(combineCrc32c(crc32c(one), crc32c(two), second), crc32c(Buffer.concat([one, two])));
    });
  }
});
