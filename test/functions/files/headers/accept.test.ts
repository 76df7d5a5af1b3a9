import assert from 'node:assert/strict';
import fc from 'fast-check';
import { prefers, prefersFhir } from '../../../../functions/files/headers/accept.ts';
import { waitSecondsOf } from '../../../../shared/http/prefer.ts';

describe('FHIR', () => {
  for (const [accept, fhir] of [
    [undefined, false],
    ['*/*', false],
    ['application/json', false],
    ['application/*', false],
    ['text/html', false],
    ['application/fhir+xml', false],
    ['application/fhir+json', true],
    ['Application/FHIR+JSON; fhirVersion=4.0; charset=utf-8', true],
    ['application/fhir+json;q=1.0, application/json+fhir;q=0.9', true],
    ['application/fhir+json, application/json', true],
    ['application/json, application/fhir+json;q=0.9', false],
    ['application/fhir+json;q=0.5, */*', false],
    ['application/fhir+json;q=0.5, */*;q=0.1', true],
    ['application/fhir+json;q=0.5, application/json;q=0.2, */*', true],
    ['application/fhir+json;q=0', false],
    ['application/fhir+json;q=2', false],
    ['application/fhir+json;q=', false],
  ] as const) {
    it(`${fhir ? 'is' : 'is not'} what Accept: ${accept} asks for`, () => {
      assert.equal(prefersFhir(accept), fhir);
    });
  }

  it('is told from what is usual by the same rules as any other type', () => {
    const jose = (accept: string) =>
      prefers(accept, 'application/jose', 'application/vnd.dsse.envelope.v1+json');
    assert.deepEqual(
      ['application/jose', '*/*', 'application/vnd.dsse.envelope.v1+json, application/jose;q=0.9'].map(jose),
      [true, false, false],
    );
  });

  it('is never asked for by accident, and no Accept or Prefer throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (header) => {
        if (prefersFhir(header)) assert.match(header, /application\/fhir\+json/i);
        const wait = waitSecondsOf(header);
        assert.ok(wait >= 0 && wait <= 60);
      }),
      { numRuns: 5000 },
    );
  });
});
