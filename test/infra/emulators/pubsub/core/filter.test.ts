import assert from 'node:assert/strict';
import fc from 'fast-check';
import { compileFilter } from '../../../../../infra/emulators/pubsub/src/core/filter.ts';
import { RpcError } from '../../../../../infra/emulators/pubsub/src/core/status.ts';

const clean = { 'ce-type': 'scan.completed', verdict: 'clean', owner: 'org:1', 'a/b': 'x"y\\z' };
const none = {};

describe('a Pub/Sub filter', () => {
  const cases: readonly (readonly [filter: string, clean: boolean, none: boolean])[] = [
    ['', true, true],
    ['attributes:verdict', true, false],
    ['attributes:"verdict"', true, false],
    ['attributes.verdict = "clean"', true, false],
    ['attributes.verdict="clean"', true, false],
    ['attributes.verdict = "infected"', false, false],
    ['attributes.verdict != "clean"', false, true],
    ['attributes.verdict != "infected"', true, true],
    ['hasPrefix(attributes.owner, "org:")', true, false],
    ['hasPrefix(attributes.owner, "app:")', false, false],
    ['hasPrefix(attributes."ce-type", "scan.")', true, false],
    ['attributes."ce-type" = "scan.completed"', true, false],
    ['attributes.ce-type = "scan.completed"', true, false],
    ['attributes."a/b" = "x\\"y\\\\z"', true, false],
    ['attributes.verdict = "\\u0063\\x6c\\145an"', true, false],
    ['NOT attributes:verdict', false, true],
    ['-attributes:verdict', false, true],
    ['NOT NOT attributes:verdict', true, false],
    ['NOT attributes:verdict AND attributes:owner', false, false],
    ['attributes:verdict AND attributes:owner AND attributes:missing', false, false],
    ['attributes:missing OR attributes:owner', true, false],
    ['attributes:owner AND (attributes:missing OR attributes.verdict = "clean")', true, false],
    ['NOT (attributes:owner OR attributes:missing)', false, true],
    ['((attributes:owner))', true, false],
  ];
  for (const [filter, onClean, onNone] of cases) {
    it(`reads ${filter || 'nothing as everything'}`, () => {
      assert.equal(compileFilter(filter)(clean), onClean);
      assert.equal(compileFilter(filter)(none), onNone);
    });
  }

  it('does not take what every object inherits for an attribute', () => {
    assert.equal(compileFilter('attributes:constructor')({}), false);
  });

  const refused = [
    'verdict = "clean"',
    'attributes',
    'attributes.verdict',
    'attributes.verdict = clean',
    'attributes.verdict == "clean"',
    'attributes.verdict = "clean',
    'attributes.verdict = "\\q"',
    'attributes.verdict = "clean" attributes:owner',
    'attributes:verdict and attributes:owner',
    'attributes:a AND attributes:b OR attributes:c',
    '(attributes:a',
    'attributes:a)',
    'NOT',
    'hasPrefix(attributes.a)',
    'hasSuffix(attributes.a, "b")',
    `attributes.a = "${'x'.repeat(256)}"`,
  ];
  for (const filter of refused) {
    it(`refuses ${filter.slice(0, 60)} with INVALID_ARGUMENT`, () => {
      assert.throws(() => compileFilter(filter), { name: 'RpcError', status: 'INVALID_ARGUMENT' });
    });
  }

  it('finds any value that is quoted as JSON quotes it', () => {
    const short = fc.string({ unit: 'grapheme-ascii', maxLength: 20 });
    fc.assert(
      fc.property(short, short, (key, value) => {
        const filter = `attributes.${JSON.stringify(key)} = ${JSON.stringify(value)}`;
        assert.ok(compileFilter(filter)({ [key]: value }));
      }),
    );
  });

  it('answers any text with a filter or INVALID_ARGUMENT, never with another error', () => {
    const piece = fc.constantFrom(
      'attributes',
      '.',
      ':',
      '=',
      '!=',
      '(',
      ')',
      '-',
      'NOT',
      'AND',
      'OR',
      'a',
      '"b"',
      '"',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        try {
          compileFilter(pieces.join(' '))({});
        } catch (error) {
          assert.ok(error instanceof RpcError && error.status === 'INVALID_ARGUMENT');
        }
      }),
    );
  });
});
