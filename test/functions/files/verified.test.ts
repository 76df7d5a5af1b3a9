import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { verified } from '../../../functions/files/verified.ts';
import { Tally } from '../../../shared/storage/tally.ts';
import { collect, piecesOf } from '../../shared/storage/streams.ts';

describe('a verified stream', () => {
  const bytes = randomBytes(200_000);
  const checksum = (of: Buffer) => {
    const tally = new Tally();
    tally.update(of);
    return tally.digests();
  };

  for (const size of [0, 1, 102, 200_000]) {
    it(`of ${size} bytes hands on exactly those`, async () => {
      const whole = bytes.subarray(0, size);
      assert.ok((await collect(verified(piecesOf(whole), checksum(whole)))).equals(whole));
    });
  }

  for (const size of [1, 102, 200_000]) {
    it(`of ${size} bytes never ends where one bit is another`, async () => {
      const whole = bytes.subarray(0, size);
      const other = Buffer.from(whole);
      other.writeUInt8(other.readUInt8(size - 1) ^ 1, size - 1);
      let received = 0;
      await assert.rejects(async () => {
        for await (const piece of verified(piecesOf(other), checksum(whole))) received += piece.length;
      }, /^ContentMismatch: read \d+ bytes, CRC32C \S+, expected \d+ bytes, CRC32C \S+$/);
      assert.ok(received < size);
    });
  }

  it('ends its source when it is ended', async () => {
    let ended = false;
    async function* source() {
      try {
        for (;;) yield bytes;
      } finally {
        ended = true;
      }
    }
    for await (const _ of verified(source(), { size: 400_000, crc32c: '' })) break;
    assert.ok(ended);
  });
});
