import assert from 'node:assert/strict';
import fc from 'fast-check';
import { rangesOf } from '../../../../functions/files/headers/ranges.ts';

/** Ranges as `0-1,5-9`. */
const shown = (header: string | undefined, size: number) => {
  const ranges = rangesOf(header, size);
  return Array.isArray(ranges) ? ranges.map(({ start, end }) => `${start}-${end}`).join() : ranges;
};

const SIXTEEN = Array.from({ length: 16 }, (_, i) => `${i * 1000}-${i * 1000}`).join();

describe('ranges', () => {
  for (const [header, size, expected] of [
    [undefined, 1000, undefined],
    ['bytes=0-0', 1000, '0-0'],
    ['bytes=0-', 1000, '0-999'],
    ['bytes=990-2000', 1000, '990-999'],
    ['bytes=-5', 1000, '995-999'],
    ['bytes=-5000', 1000, '0-999'],
    ['BYTES=1-2', 1000, '1-2'],
    ['bytes= 1-2 ,, 500-501,', 1000, '1-2,500-501'],
    ['bytes=500-501,1-2', 1000, '500-501,1-2'],
    ['bytes=500-501,1-2,400-600', 1000, '400-600,1-2'],
    ['bytes=0-9,100-109', 1000, '0-109'],
    ['bytes=0-9,2000-', 1000, '0-9'],
    ['bytes=1000-', 1000, 'unsatisfiable'],
    ['bytes=-0', 1000, 'unsatisfiable'],
    ['bytes=2000-,3000-', 1000, 'unsatisfiable'],
    ['bytes=0-', 0, 'unsatisfiable'],
    ['bytes=-5', 0, undefined],
    ['bytes=5-1', 1000, undefined],
    ['bytes=', 1000, undefined],
    ['bytes=-', 1000, undefined],
    ['bytes=x', 1000, undefined],
    ['bytes=1-2-3', 1000, undefined],
    ['bytes=0x1-2', 1000, undefined],
    ['bytes=1e1-20', 1000, undefined],
    ['bytes 0-1', 1000, undefined],
    ['lines=1-2', 1000, undefined],
    [`bytes=${'9'.repeat(400)}-`, 1000, 'unsatisfiable'],
    [`bytes=${Array.from({ length: 17 }, (_, i) => `${i * 1000}-${i * 1000}`)}`, 1e6, undefined],
    [`bytes=${'0-,'.repeat(400)}`, 1000, undefined],
    [`bytes=${','.repeat(1015)}0-1`, 1000, '0-1'],
    [`bytes=${','.repeat(1016)}0-1`, 1000, undefined],
    ['xbytes=0-1', 1000, undefined],
    ['bytes=0-1\n', 1000, undefined],
    [`bytes=${SIXTEEN}`, 1e6, SIXTEEN],
    ['bytes=0-,-5', 0, undefined],
    ['bytes=0-5', 0, 'unsatisfiable'],
    ['bytes=0-0,128-130', 1000, '0-130'],
    ['bytes=0-0,129-130', 1000, '0-0,129-130'],
  ] as const) {
    it(`of ${header?.slice(0, 40)} in ${size} bytes are ${expected}`, () => {
      assert.equal(shown(header, size), expected);
    });
  }

  const specs = fc.array(
    fc.oneof(
      fc.tuple(fc.nat(3000), fc.nat(3000)).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
      fc.nat(3000).map((first) => `${first}-`),
      fc.nat(3000).map((length) => `-${length}`),
    ),
    { minLength: 1, maxLength: 16 },
  );

  it('together are exactly the bytes that were asked for and small gaps, each once', () => {
    fc.assert(
      fc.property(specs, fc.nat(2000), (list, size) => {
        const wanted = new Set<number>();
        for (const spec of list) {
          const [first = '', last = ''] = spec.split('-');
          const from = first === '' ? Math.max(0, size - Number(last)) : Number(first);
          const to = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
          for (let at = from; at <= to; at++) wanted.add(at);
        }
        const ranges = rangesOf(`bytes=${list}`, size);
        if (ranges === undefined) return assert.equal(wanted.size, 0);
        if (ranges === 'unsatisfiable') return assert.equal(wanted.size, 0);
        const covered = new Set<number>();
        for (const { start, end } of ranges) {
          assert.ok(start <= end && start >= 0 && end < size);
          assert.ok(wanted.has(start) && wanted.has(end));
          for (let at = start; at <= end; at++) {
            assert.ok(!covered.has(at));
            covered.add(at);
          }
        }
        for (const at of wanted) assert.ok(covered.has(at));
      }),
      { numRuns: 2000 },
    );
  });

  it('of any header at all are within the content', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^bytes=[-0-9, ]{0,60}$/)),
        fc.nat(),
        (header, size) => {
          const ranges = rangesOf(header, size);
          if (!Array.isArray(ranges)) return;
          assert.ok(ranges.length >= 1 && ranges.length <= 16);
          for (const { start, end } of ranges) assert.ok(start >= 0 && start <= end && end < size);
        },
      ),
      { numRuns: 5000 },
    );
  });
});
