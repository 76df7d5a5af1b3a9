import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { scanInWindows } from '../../../functions/scanner/windows.ts';
import type { Scanner } from '../../../shared/scanning/clamd.ts';
import { ScanFault, type Verdict } from '../../../shared/scanning/verdict.ts';

const never = new AbortController().signal;
const version = () => Promise.resolve({ engine: '1' });

/** Keeps what it is given, window by window, and answers by number of the window. */
function collector(verdicts: readonly Verdict[] = []) {
  const windows: Buffer[] = [];
  const scanner: Scanner = {
    version,
    scan: async (source, { size }) => {
      const pieces: Buffer[] = [];
      for await (const piece of source) pieces.push(Buffer.from(piece));
      const window = Buffer.concat(pieces);
      assert.equal(window.length, size);
      windows.push(window);
      return verdicts[windows.length - 1] ?? { kind: 'clean' };
    },
  };
  return { scanner, windows };
}

async function* inPieces(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let start = 0;
  for (const size of sizes) {
    yield bytes.subarray(start, start + size);
    start += size;
  }
  yield bytes.subarray(start);
}

describe('a scan in windows', () => {
  it('gives the scanner every byte, and every stretch of the length of the overlap in one window', async () => {
    const cases = fc.record({
      size: fc.integer({ min: 1, max: 500 }),
      windowBytes: fc.integer({ min: 2, max: 120 }),
      overlap: fc.integer({ min: 1, max: 60 }),
      pieces: fc.array(fc.integer({ min: 0, max: 90 }), { maxLength: 20 }),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ size, windowBytes, overlap, pieces }) => {
        fc.pre(2 * overlap <= windowBytes);
        const bytes = randomBytes(size);
        const { scanner, windows } = collector();
        const cut = { size, windowBytes, overlapBytes: overlap };
        const verdict = await scanInWindows(scanner, inPieces(bytes, pieces), cut, never);
        assert.deepEqual(verdict, { kind: 'clean' });
        const step = windowBytes - overlap;
        assert.equal(windows.length, size <= windowBytes ? 1 : 1 + Math.ceil((size - windowBytes) / step));
        for (const [at, window] of windows.entries()) {
          assert.deepEqual(window, bytes.subarray(at * step, at * step + windowBytes), `window ${at}`);
        }
      }),
      { numRuns: 200 },
    );
  });

  const infected = { kind: 'infected', signature: 'Found' } as const;
  const first = { kind: 'unscannable', reason: 'encrypted' } as const;
  const second = { kind: 'unscannable', reason: 'limitExceeded' } as const;
  const clean = { kind: 'clean' } as const;
  for (const [verdicts, expected, scanned] of [
    [[clean, infected, clean, clean], infected, 2],
    [[clean, first, second, clean], first, 4],
    [[first, clean, infected, clean], infected, 3],
    [[clean, clean, clean, second], second, 4],
  ] as const) {
    it(`is ${expected.kind} after ${verdicts.map(({ kind }) => kind).join(', ')}`, async () => {
      const { scanner, windows } = collector(verdicts);
      const source = inPieces(randomBytes(34), [5, 9]);
      const cut = { size: 34, windowBytes: 10, overlapBytes: 2 };
      assert.deepEqual(await scanInWindows(scanner, source, cut, never), expected);
      assert.equal(windows.length, scanned);
      assert.equal((await source.next()).done, true, 'and all of the source was read');
    });
  }

  it('goes on behind what a scanner did not want', async () => {
    const { scanner, windows } = collector();
    const impatient: Scanner = {
      version,
      scan: async (source, options) => {
        if (windows.length > 0) return scanner.scan(source, options);
        windows.push(Buffer.alloc(0));
        for await (const piece of source) if (piece.length > 0) break;
        return second;
      },
    };
    const bytes = randomBytes(30);
    const cut = { size: 30, windowBytes: 10, overlapBytes: 5 };
    assert.deepEqual(await scanInWindows(impatient, inPieces(bytes, [3, 3, 20]), cut, never), second);
    assert.deepEqual(windows[1], bytes.subarray(5, 15));
  });

  it('has no verdict where bytes are missing', async () => {
    const { scanner } = collector([infected]);
    const cut = { size: 30, windowBytes: 10, overlapBytes: 5 };
    const short = scanInWindows(scanner, inPieces(randomBytes(29), []), cut, never);
    await assert.rejects(short, (error) => error instanceof ScanFault && error.code === 'shortStream');
  });

  it('has no verdict where one window has none', async () => {
    const { scanner, windows } = collector();
    const failing: Scanner = {
      version,
      scan: async (source, options) => {
        const verdict = await scanner.scan(source, options);
        if (windows.length === 2) throw new ScanFault('connectionLost', 'gone');
        return verdict;
      },
    };
    const cut = { size: 30, windowBytes: 10, overlapBytes: 5 };
    await assert.rejects(scanInWindows(failing, inPieces(randomBytes(30), []), cut, never), /gone/);
  });
});
