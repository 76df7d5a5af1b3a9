import assert from 'node:assert/strict';
import fc from 'fast-check';
import { idempotencyKeyOf } from '../../../../functions/upload/headers/idempotency-key.ts';
import { Problem } from '../../../../shared/http/problems.ts';

describe('idempotency keys', () => {
  for (const [header, key] of [
    [undefined, undefined],
    ['"8e03978e-40d5-43dd-bc93-6894a57f9324"', '8e03978e-40d5-43dd-bc93-6894a57f9324'],
    ['8e03978e-40d5-43dd-bc93-6894a57f9324', '8e03978e-40d5-43dd-bc93-6894a57f9324'],
    ['"with \\"quotes\\" and space"', 'with "quotes" and space'],
    ['"key";version=1', 'key'],
    ['a/b+c=:[d]^_`{e}|~!#$%&*().?@<>', 'a/b+c=:[d]^_`{e}|~!#$%&*().?@<>'],
    ['x'.repeat(255), 'x'.repeat(255)],
  ] as const) {
    it(`${header?.slice(0, 50)} is ${key?.slice(0, 50)}`, () => {
      assert.equal(idempotencyKeyOf(header), key);
    });
  }

  for (const header of [
    '',
    '""',
    '"a", "b"',
    'a, b',
    'a b',
    '"a',
    'a;b',
    'ø',
    '"\t"',
    'x'.repeat(256),
    '\u0000',
  ]) {
    it(`${JSON.stringify(header).slice(0, 50)} is refused`, () => {
      assert.throws(() => idempotencyKeyOf(header), { type: 'invalid-request' });
    });
  }

  it('sent twice are refused', () => {
    assert.throws(() => idempotencyKeyOf(['a', 'b']), { type: 'invalid-request' });
  });

  it('are printable, or refused as invalid, whatever the header', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.string().map((text) => `"${text}"`),
        ),
        (text) => {
          try {
            assert.match(idempotencyKeyOf(text) ?? '', /^[\x20-\x7e]{1,255}$/);
          } catch (error) {
            assert.ok(error instanceof Problem && error.type === 'invalid-request', String(error));
          }
        },
      ),
      { numRuns: 3000 },
    );
  });
});
