import assert from 'node:assert/strict';
import { Destinations } from '../../../functions/notify/destinations.ts';

const A = 'https://a.example';
const B = 'https://b.example';

describe('the destinations of callbacks', () => {
  let at: number;
  let destinations: Destinations;
  const free = (origin: string): boolean => {
    using share = destinations.take(origin);
    return share !== undefined;
  };

  beforeEach(() => {
    at = Date.parse('2026-11-29T12:00:00Z');
    destinations = new Destinations(2, () => new Date(at));
  });

  it('have so many under way each, and a slow one takes nothing from another', () => {
    const first = destinations.take(A);
    using _ = destinations.take(A);
    assert.equal(free(A), false);
    assert.equal(free(B), true);
    first?.[Symbol.dispose]();
    assert.equal(free(A), true);
  });

  it('are left alone for as many seconds as they say', () => {
    destinations.pause(A, '30');
    assert.deepEqual([free(A), free(B)], [false, true]);
    at += 30_000;
    assert.equal(free(A), true);
  });

  it('are left alone until the date that they say', () => {
    destinations.pause(A, 'Sun, 29 Nov 2026 12:00:30 GMT');
    at += 29_999;
    assert.equal(free(A), false);
    at += 1;
    assert.equal(free(A), true);
  });

  it('are left alone for ten minutes at most', () => {
    destinations.pause(A, '999999999');
    at += 599_999;
    assert.equal(free(A), false);
    at += 1;
    assert.equal(free(A), true);
  });

  for (const nothing of [undefined, '', '0', '-5', 'soon', '1e9', 'Sun, 29 Nov 2020 12:00:00 GMT']) {
    it(`are not left alone by ${nothing}`, () => {
      destinations.pause(A, nothing);
      assert.equal(free(A), true);
    });
  }
});
