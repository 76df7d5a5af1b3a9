import assert from 'node:assert/strict';
import { Kinds } from './kinds-fixture.ts';
import { app, consumer, kari, mail, OID, organisation, partner, user } from './shapes.ts';

describe('a good signature over claims that name nobody', () => {
  const kinds = new Kinds();
  const { maskinporten, restricted, entra, google, custom, bare } = kinds;

  for (const [what, issuer, claims] of [
    ['Maskinporten: no consumer', maskinporten, { ...organisation, consumer: undefined }],
    [
      'Maskinporten: a consumer in another scheme',
      maskinporten,
      { ...organisation, consumer: { ...consumer, ID: '9915:889640782' } },
    ],
    [
      'Maskinporten: a consumer of another authority',
      maskinporten,
      { ...organisation, consumer: { ...consumer, authority: 'x' } },
    ],
    [
      'Maskinporten: a number that is none',
      maskinporten,
      { ...organisation, consumer: { ...consumer, ID: '0192:88964078' } },
    ],
    [
      'Maskinporten: a consumer that is a string',
      maskinporten,
      { ...organisation, consumer: '0192:889640782' },
    ],
    [
      'Maskinporten: restricted to the audience of others',
      maskinporten,
      { ...organisation, aud: 'https://other.example' },
    ],
    ['Maskinporten: restricted to us among others', maskinporten, { ...organisation, aud: 'unspecified x' }],
    ['Maskinporten: unrestricted where an audience is asked for', restricted, organisation],
    ['Entra: for another API', entra, { ...user, aud: OID }],
    ['Entra: the ID token of a user', entra, { ...user, scp: undefined, azp: undefined }],
    ['Entra: no scp, but the subject of a user', entra, { ...user, scp: undefined }],
    ['Entra: a user by the address of another', entra, { ...user, oid: 'kari@example.no' }],
    ['Entra: a user without oid', entra, { ...user, oid: undefined }],
    ['Entra: an application without an id', entra, { ...app, azp: undefined }],
    ['Entra: neither oid nor sub', entra, { ...app, oid: undefined, sub: undefined }],
    ['Entra: a type of token that nobody knows', entra, { ...app, idtyp: 'device' }],
    ['Google: for another service', google, { ...kari, aud: 'https://other.example' }],
    ['Google: no e-mail address', google, { ...kari, email: undefined }],
    ['Google: an address that is none', google, { ...kari, email: 'f3a1c7de-5b1f-4f0e-9a55-0c1d2e3f4a5b' }],
    ['Google: an address that is not verified', google, { ...kari, email_verified: false }],
    ['Google: an address that somebody had once', google, { ...kari, hd: undefined }],
    ['Google: an address that only looks like Gmail', google, mail('x@gmail.com.evil.example')],
    ['Google: an address that is no principal', google, mail("o'x@example.no", { hd: 'example.no' })],
    [
      'custom: an id that holds a principal',
      custom,
      { ...partner, 'https://nhn.no/claims/client/organization_number': 'a b' },
    ],
    [
      'custom: a number',
      custom,
      { ...partner, 'https://nhn.no/claims/client/organization_number': 994598759 },
    ],
    ['custom: an id without a type', bare, { aud: 'f', who: '889640782' }],
  ] as const) {
    it(`${what} is nobody`, async () => {
      for (const [scope, { status }] of await kinds.ask(issuer, claims)) assert.equal(status, 401, scope);
    });
  }
});
