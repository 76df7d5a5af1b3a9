import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ChunkReader } from '../../client/src/source.ts';
import { noise } from '../support/noise.ts';

describe('client: chunks of a source', () => {
  async function* pieces(bytes: Uint8Array, size: number) {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }

  it('are the bytes in their order, however many were expected', async () => {
    const size = fc.integer({ min: 0, max: 200_000 });
    const part = fc.integer({ min: 1_000, max: 100_000 });
    await fc.assert(
      fc.asyncProperty(size, part, part, size, async (total, pieceSize, chunkSize, expected) => {
        const bytes = noise(total);
        const reader = new ChunkReader(pieces(bytes, pieceSize));
        const chunks: Uint8Array[] = [];
        for (let last = false; !last; ) {
          const chunk = await reader.read(chunkSize, expected);
          assert.ok(chunk.bytes.length === chunkSize || chunk.last);
          chunks.push(chunk.bytes);
          last = chunk.last;
        }
        assert.ok(Buffer.concat(chunks).equals(bytes));
      }),
      { numRuns: 200 },
    );
  });

  it('take memory for what there is', async () => {
    const { bytes, last } = await new ChunkReader(pieces(noise(1000), 1000)).read(8 * 1024 * 1024, 1000);
    assert.deepEqual([bytes.length, bytes.buffer.byteLength, last], [1000, 1000, true]);
  });
});
