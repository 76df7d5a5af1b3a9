import assert from 'node:assert/strict';
import { parseCorrelationId } from '../../../shared/files/correlation-id.ts';

describe('a correlation id', () => {
  for (const text of ['a', 'message-17/attachment 1', '"\\%,;=', '~'.repeat(128)]) {
    it(`is ${JSON.stringify(text.slice(0, 30))}`, () => assert.equal(parseCorrelationId(text), text));
  }
  for (const text of ['', ' ', ' a', 'a ', 'a\n', 'a\tb', 'é', '\u{1F9A0}', '~'.repeat(129), '\x7f']) {
    it(`is not ${JSON.stringify(text.slice(0, 30))}`, () =>
      assert.equal(parseCorrelationId(text), undefined));
  }
});
