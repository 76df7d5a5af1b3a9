import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { claimedDigests, requireDigest } from '../../../../functions/upload/headers/digest-fields.ts';
import { Problem } from '../../../../shared/http/problems.ts';

const BYTES = Buffer.from('{"hello": "world"}\n');
/** RFC 9530 appendix B.1. */
const SHA256 = 'RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=';
const SHA512 = createHash('sha512').update(BYTES).digest('base64');

describe('digest fields', () => {
  for (const [header, algorithms] of [
    [undefined, []],
    ['', []],
    [`sha-256=:${SHA256}:`, ['sha-256']],
    [`sha-512=:${SHA512}:, sha-256=:${SHA256}:`, ['sha-512', 'sha-256']],
    [`sha-256=:${SHA256}:;note=1`, ['sha-256']],
    ['md5=:1B2M2Y8AsgTpgAmY7PhCfg==:', []],
    ['unixsum=10, later-hash=(1 2)', []],
    [`sha-256=:AAAA:, sha-256=:${SHA256}:`, ['sha-256']],
  ] as const) {
    it(`${JSON.stringify(header)} claims ${algorithms.join(' and ') || 'nothing'}`, () => {
      const claims = claimedDigests('Repr-Digest', header);
      assert.deepEqual(
        claims.map(({ algorithm }) => algorithm),
        algorithms,
      );
    });
  }

  for (const header of [
    'nonsense here',
    'sha-256',
    `sha-256=${SHA256}`,
    `sha-256="${SHA256}"`,
    'sha-256=:AAAA:',
    'sha-512=:!!:',
    `sha-512=:${SHA256}:`,
    `sha-256=(:${SHA256}:)`,
    `SHA-256=:${SHA256}:`,
  ]) {
    it(`${header} is refused, by its name`, () => {
      assert.throws(() => claimedDigests('Content-Digest', header), {
        type: 'invalid-request',
        message: /^The Content-Digest cannot be read/,
      });
    });
  }

  it('are compared with the bytes', () => {
    const sha256 = createHash('sha256').update(BYTES).digest();
    const [claim] = claimedDigests('Repr-Digest', `sha-256=:${sha256.toString('base64')}:`);
    assert.ok(claim);
    requireDigest(claim, sha256);
    const other = createHash('sha256').update('other').digest();
    assert.throws(
      () => requireDigest(claim, other),
      (error: Problem) => {
        const { algorithm, expected, actual } = error.document();
        assert.deepEqual(
          [error.type, algorithm, expected, actual],
          ['digest-mismatch', 'sha-256', `:${sha256.toString('base64')}:`, `:${other.toString('base64')}:`],
        );
        return true;
      },
    );
  });

  it('are read or refused as invalid, whatever they are', () => {
    const fragments = fc.constantFrom(
      'sha-256',
      'sha-512',
      '=',
      ':',
      SHA256,
      ',',
      ' ',
      ';',
      '(',
      ')',
      '"',
      '?1',
    );
    const header = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(fragments).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(header, (text) => {
        try {
          for (const { algorithm, digest } of claimedDigests('Repr-Digest', text)) {
            assert.equal(digest.length, algorithm === 'sha-256' ? 32 : 64);
          }
        } catch (error) {
          assert.ok(error instanceof Problem && error.type === 'invalid-request', String(error));
        }
      }),
      { numRuns: 3000 },
    );
  });
});
