import assert from 'node:assert/strict';
import fc from 'fast-check';
import { conditionsOf, rangeApplies } from '../../../../functions/files/headers/conditions.ts';

const CURRENT = { etag: '"abc"', lastModified: new Date('2026-11-24T10:00:00.700Z') };
const SAME = 'Tue, 24 Nov 2026 10:00:00 GMT';
const EARLIER = 'Tue, 24 Nov 2026 09:59:59 GMT';
const LATER = 'Tue, 24 Nov 2026 10:00:01 GMT';

describe('conditions', () => {
  for (const [headers, outcome] of [
    [{}, 'proceed'],
    [{ 'if-none-match': '"abc"' }, 'notModified'],
    [{ 'if-none-match': 'W/"abc"' }, 'notModified'],
    [{ 'if-none-match': '"x", "a,b" ,"abc"' }, 'notModified'],
    [{ 'if-none-match': '*' }, 'notModified'],
    [{ 'if-none-match': ' * ' }, 'notModified'],
    [{ 'if-none-match': String.raw`"a\", "abc"` }, 'notModified'],
    [{ 'if-none-match': '"W/abc"' }, 'proceed'],
    [{ 'if-none-match': '"x"' }, 'proceed'],
    [{ 'if-none-match': 'abc' }, 'proceed'],
    [{ 'if-modified-since': SAME }, 'notModified'],
    [{ 'if-modified-since': LATER }, 'notModified'],
    [{ 'if-modified-since': EARLIER }, 'proceed'],
    [{ 'if-modified-since': 'Tuesday, 24-Nov-26 10:00:00 GMT' }, 'notModified'],
    [{ 'if-modified-since': 'Tue Nov 24 10:00:00 2026' }, 'notModified'],
    [{ 'if-modified-since': 'Sunday, 06-Nov-94 08:49:37 GMT' }, 'proceed'],
    [{ 'if-modified-since': '2030-01-01' }, 'proceed'],
    [{ 'if-modified-since': 'Tue, 99 Nov 2026 10:00:00 GMT' }, 'proceed'],
    [{ 'if-modified-since': `x${LATER}` }, 'proceed'],
    [{ 'if-modified-since': `${LATER} (x)` }, 'proceed'],
    [{ 'if-modified-since': 'xTuesday, 24-Nov-26 10:00:00 GMT' }, 'proceed'],
    [{ 'if-modified-since': 'Tuesday, 24-Nov-26 10:00:00 GMT x' }, 'proceed'],
    [{ 'if-modified-since': 'Mon, Tue Nov 24 10:00:00 2026' }, 'proceed'],
    [{ 'if-modified-since': 'Tue Nov 24 10:00:00 2026 -0200' }, 'proceed'],
    // The tag is the better one: the date is not looked at.
    [{ 'if-none-match': '"x"', 'if-modified-since': LATER }, 'proceed'],
    [{ 'if-match': '"abc"' }, 'proceed'],
    [{ 'if-match': '*' }, 'proceed'],
    [{ 'if-match': '"x", "abc"' }, 'proceed'],
    [{ 'if-match': 'W/"abc"' }, 'failed'],
    [{ 'if-match': '"x"' }, 'failed'],
    [{ 'if-match': '' }, 'failed'],
    [{ 'if-unmodified-since': SAME }, 'proceed'],
    [{ 'if-unmodified-since': EARLIER }, 'failed'],
    [{ 'if-unmodified-since': 'nonsense' }, 'proceed'],
    [{ 'if-match': '"abc"', 'if-unmodified-since': EARLIER }, 'proceed'],
    // 412 comes before 304.
    [{ 'if-match': '"x"', 'if-none-match': '"abc"' }, 'failed'],
    [{ 'if-match': '"abc"', 'if-none-match': '"abc"' }, 'notModified'],
  ] as const) {
    it(`${JSON.stringify(headers)}: ${outcome}`, () => {
      assert.equal(conditionsOf(headers, CURRENT), outcome);
    });
  }

  it('take a list of 4 096 characters, and none that is longer', () => {
    const list = (length: number) => '"abc"'.padStart(length, ',');
    assert.equal(conditionsOf({ 'if-match': list(4096) }, CURRENT), 'proceed');
    assert.equal(conditionsOf({ 'if-match': list(4097) }, CURRENT), 'failed');
    assert.equal(conditionsOf({ 'if-none-match': list(4097) }, CURRENT), 'proceed');
  });

  for (const [ifRange, applies] of [
    [undefined, true],
    ['"abc"', true],
    ['W/"abc"', false],
    ['"x"', false],
    [SAME, true],
    [LATER, false],
    [EARLIER, false],
    ['nonsense', false],
    ['', false],
    [[SAME, SAME], false],
    [[SAME], false],
  ] as const) {
    it(`If-Range: ${ifRange}: the range ${applies ? 'applies' : 'is ignored'}`, () => {
      assert.equal(rangeApplies(typeof ifRange === 'object' ? [...ifRange] : ifRange, CURRENT), applies);
    });
  }

  it('never throw, whatever they hold', () => {
    const value = fc.option(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('"abc"', SAME, '*')), {
      nil: undefined,
    });
    const headers = fc.record({
      'if-match': value,
      'if-none-match': value,
      'if-modified-since': value,
      'if-unmodified-since': value,
    });
    fc.assert(
      fc.property(headers, value, (conditions, ifRange) => {
        assert.match(conditionsOf(conditions, CURRENT), /^(proceed|notModified|failed)$/);
        rangeApplies(ifRange, CURRENT);
      }),
      { numRuns: 5000 },
    );
  });
});
