import assert from 'node:assert/strict';
import { ifMatchOf, requireMatch } from '../../../../functions/files/headers/if-match.ts';

describe('If-Match', () => {
  for (const [header, parsed] of [
    [undefined, undefined],
    ['*', '*'],
    [' * ', '*'],
    ['"1-2"', ['"1-2"']],
    ['"1-2", "3"', ['"1-2"', '"3"']],
    ['"a,b","c"', ['"a,b"', '"c"']],
    ['W/"1-2", "3"', ['"3"']],
    ['W/"1-2"', []],
    ['""', ['""']],
  ] as const) {
    it(`${header} is read`, () => assert.deepEqual(ifMatchOf(header), parsed));
  }
  for (const header of ['', ',', '1-2', '"1-2', '"a" "b"', '*, "a"', 'w/"a"']) {
    it(`${header || 'nothing'} is refused`, () => {
      assert.throws(() => ifMatchOf(header), { type: 'invalid-request' });
    });
  }
  it('holds for one of the present tags, and else tells the first', () => {
    requireMatch(undefined, ['"1"']);
    requireMatch('*', ['"1"']);
    requireMatch(['"0"', '"2"'], ['"1"', '"2"']);
    for (const ifMatch of [[], ['"3"']]) {
      assert.throws(() => requireMatch(ifMatch, ['"1"', '"2"']), {
        type: 'precondition-failed',
        extras: { headers: { etag: '"1"' } },
      });
    }
  });
});
