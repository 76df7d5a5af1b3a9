import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { JWTPayload } from 'jose';
import * as v from 'valibot';
import { bearerOf, type Issuer, issuersSchema } from '../../../shared/identity/issuers.ts';
import { parsePrincipal } from '../../../shared/identity/principal.ts';
import { TokenVerifier } from '../../../shared/identity/tokens.ts';
import { IssuerServer, signingKey } from './issuer-server.ts';
import { app, CLIENT, consumer, kari, organisation, user } from './shapes.ts';

const SCOPES = { readScope: 'r', writeScope: 'w' };
const CONFIGURED = [
  { kind: 'maskinporten' },
  { kind: 'entra', issuer: 'https://login.example/tenant/v2.0', audience: CLIENT, ...SCOPES },
  { kind: 'google', audience: 'a', grants: [{ hostedDomain: 'example.no', scopes: ['read'] }] },
  {
    kind: 'custom',
    issuer: 'https://i.example',
    audience: 'a',
    principalClaim: 'sub',
    groupsClaim: 'groups',
    namespace: 'n',
    ...SCOPES,
  },
];
/** Claims of each kind: no issuer can speak for the principals of another kind. */
const MAY_NAME: Readonly<Record<Issuer['kind'], RegExp>> = {
  maskinporten: /^org:\d{9}$/,
  entra: /^(user|app):[0-9a-f-]{36}$/,
  google: /^user:[^@]+@/,
  custom: /^(org|app|user|group):/,
};

describe('for any token', () => {
  const issuer = new IssuerServer();
  let verifier: TokenVerifier;
  before(async () => {
    await issuer.start(await signingKey('k1', 'ES256'));
    const custom = { kind: 'custom', issuer: issuer.url, audience: 'a', principalClaim: 'p', ...SCOPES };
    verifier = new TokenVerifier(v.parse(issuersSchema, [custom]), true);
  });
  after(() => issuer.stop());

  const claim = fc.oneof(
    fc.jsonValue({ depthSize: 'small' }),
    fc.constantFrom<unknown>(
      'app',
      'user',
      consumer,
      CLIENT,
      true,
      'r w',
      ['r'],
      'x@gmail.com',
      'example.no',
      null,
    ),
  );
  const names = [
    'consumer',
    'scope',
    'oid',
    'sub',
    'azp',
    'scp',
    'roles',
    'idtyp',
    'groups',
    'email',
    'email_verified',
    'hd',
  ];
  const changes = fc.dictionary(fc.constantFrom(...names), claim);

  it('its claims are read without a fault, and name no principal that is not of its kind', () => {
    const issuers = v.parse(issuersSchema, CONFIGURED);
    const shapes = fc.constantFrom<object>(organisation, user, app, kari, {});
    fc.assert(
      fc.property(fc.constantFrom(...issuers), shapes, changes, (trusted, shape, changed) => {
        const bearer = bearerOf({ ...shape, ...changed } as JWTPayload, trusted);
        if (!bearer) return;
        assert.match(bearer.principal, MAY_NAME[trusted.kind]);
        for (const group of bearer.groups) assert.match(group, /^group:/);
        for (const principal of [bearer.principal, ...bearer.groups]) assert.ok(parsePrincipal(principal));
      }),
      { numRuns: 5_000 },
    );
  });

  it('it is refused without a fault where nobody signed it', async () => {
    const good = await issuer.token({ aud: 'a', p: 'org:1' });
    const [head = '', body = '', signature = ''] = good.split('.');
    const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const header = fc.dictionary(
      fc.constantFrom('alg', 'kid', 'typ', 'crit', 'b64', 'jwk', 'jku', 'x5c', 'zip'),
      claim,
    );
    const token = fc.oneof(
      fc.string(),
      fc.base64String(),
      fc.tuple(header, changes).map(([first, second]) => {
        const claims = { iss: issuer.url, aud: 'a', p: 'org:1', ...second };
        return `${encoded({ alg: 'ES256', kid: 'k1', ...first })}.${encoded(claims)}.${signature}`;
      }),
      header.map(
        (first) => `${encoded({ alg: 'ES256', kid: 'k1', nonce: 1, ...first })}.${body}.${signature}`,
      ),
      fc.nat(good.length - 1).map((at) => good.slice(0, at)),
      fc.base64String().map((other) => `${head}.${body}.${other}`),
    );
    await fc.assert(
      fc.asyncProperty(token, async (text) => {
        const verified = await verifier.verify(text);
        assert.ok(typeof verified === 'string', JSON.stringify(verified));
      }),
      { numRuns: 2_000 },
    );
  });
});
