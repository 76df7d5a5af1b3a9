import assert from 'node:assert/strict';
import { exportSPKI, UnsecuredJWT } from 'jose';
import { IssuerServer, type SigningKey, seconds, signingKey } from './issuer-server.ts';
import { TokenService } from './token-service.ts';

const AUDIENCE = 'https://fileshare.example';
const GOOD = { aud: AUDIENCE, principal: 'org:889640782', scope: 'f.read', jti: 't1' };
const REALM = 'Bearer realm="hops-fileshare"';

describe('tokens', () => {
  const issuer = new IssuerServer();
  /** Trusted as well, and its key goes by the same name. */
  const other = new IssuerServer();
  const stranger = new IssuerServer();
  let service: TokenService;
  let unpublished: SigningKey;
  before(async () => {
    const keys = await Promise.all([signingKey(), signingKey(), signingKey(), signingKey('k2')]);
    await Promise.all([issuer.start(keys[0]), other.start(keys[1]), stranger.start(keys[2])]);
    unpublished = keys[3];
    const custom = {
      kind: 'custom',
      audience: AUDIENCE,
      principalClaim: 'principal',
      readScope: 'f.read',
      writeScope: ['f.write', 'f.all'],
      adminScope: 'f.admin',
    };
    service = await TokenService.start([
      { ...custom, issuer: issuer.url },
      { ...custom, issuer: other.url, jwksUri: `${other.url}/jwks` },
    ]);
  });
  after(() => Promise.all([service.stop(), issuer.stop(), other.stop(), stranger.stop()]));

  const good = (changes: Readonly<Record<string, unknown>> = {}) => issuer.token({ ...GOOD, ...changes });

  it('that are good name the caller, and what an audit log needs', async () => {
    const { status, body } = await service.ask(await good());
    assert.equal(status, 200);
    assert.deepEqual(body, {
      principal: 'org:889640782',
      principals: ['org:889640782'],
      scopes: ['read'],
      issuer: issuer.url,
      tokenId: 't1',
    });
  });

  for (const [what, changes, method] of [
    ['within the clock tolerance after they expired', () => ({ exp: seconds() - 20 }), 'GET'],
    ['within the clock tolerance before they are valid', () => ({ nbf: seconds() + 20 }), 'GET'],
    ['for several audiences', () => ({ aud: ['https://other.example', AUDIENCE] }), 'GET'],
    ['with any of the words for a scope', () => ({ scope: 'x f.all' }), 'POST'],
    ['with any of the scopes that will do', () => ({ scope: 'f.admin' }), 'PUT'],
    ['with the scopes as a list', () => ({ scope: ['f.write'] }), 'POST'],
    ['as long as 200 groups make them', () => ({ groups: new Array(200).fill(crypto.randomUUID()) }), 'GET'],
  ] as const) {
    it(`are taken ${what}`, async () => {
      const { status, body } = await service.ask(await good(changes()), method);
      assert.equal(status, 200, JSON.stringify(body));
    });
  }

  it('with an id that no log should hold are taken without it', async () => {
    for (const jti of ['x'.repeat(200), 'a\nb', 7, undefined]) {
      const { status, body } = await service.ask(await good({ jti }));
      assert.deepEqual([status, body['tokenId']], [200, undefined]);
    }
  });

  it('of another trusted issuer are taken, though its key has the same id', async () => {
    const { status, body } = await service.ask(await other.token(GOOD));
    assert.equal(status, 200);
    assert.equal(body['issuer'], other.url);
  });

  const hs256 = async () => {
    assert.ok(issuer.key);
    const secret = new TextEncoder().encode(await exportSPKI(issuer.key.publicKey));
    return issuer.token(GOOD, { secret, header: { alg: 'HS256' } });
  };
  const unsigned = () => new UnsecuredJWT({ iss: issuer.url, exp: seconds() + 600, ...GOOD }).encode();
  const critical = { crit: ['https://example/crit'], 'https://example/crit': 1 };

  for (const [what, token, explanation] of [
    ['that are noise', async () => 'x.y.z', /not a signed JWT/],
    ['that are encrypted', async () => 'a.b.c.d.e', /not a signed JWT/],
    ['without an issuer', () => good({ iss: undefined }), /not a signed JWT/],
    ['that expired', () => good({ exp: seconds() - 60 }), /has expired/],
    ['without expiry', () => good({ exp: undefined }), /claim of the token is missing/],
    ['with an expiry that is no time', () => good({ exp: 'never' }), /claim of the token is missing/],
    ['that are not valid yet', () => good({ nbf: seconds() + 600 }), /not valid yet/],
    ['for another audience', () => good({ aud: 'https://other.example' }), /not meant for this/],
    ['for no audience', () => good({ aud: undefined }), /not meant for this/],
    ['of another issuer', () => stranger.token(GOOD), /issuer of the token/],
    [
      'of another issuer in the name of ours',
      () => stranger.token({ ...GOOD, iss: issuer.url }),
      /signature/,
    ],
    ['of the other trusted issuer in our name', () => other.token({ ...GOOD, iss: issuer.url }), /signature/],
    ['of an issuer that is nearly ours', () => good({ iss: `${issuer.url}/` }), /issuer of the token/],
    ['with alg none', async () => unsigned(), /signature/],
    ['with alg NonE', async () => withHeader(unsigned(), { alg: 'NonE' }), /signature/],
    ['signed HS256 with the public key', hs256, /signature/],
    ['with an unknown kid', () => issuer.token(GOOD, { key: unpublished }), /signature/],
    ['by a wrong key', () => issuer.token(GOOD, { key: { ...unpublished, kid: 'k1' } }), /signature/],
    [
      'that bring a key along',
      () => issuer.token(GOOD, { key: unpublished, header: { jwk: {} } }),
      /signature/,
    ],
    ['whose header was changed', async () => withHeader(await good(), { typ: 'at+jwt' }), /signature/],
    ['with a critical header', () => issuer.token(GOOD, { header: critical }), /signature/],
    ['of nobody', () => good({ principal: undefined }), /identifies the caller/],
    ['of what is no principal', () => good({ principal: 'org:1 org:2' }), /identifies the caller/],
    ['that are oversized', () => good({ padding: 'x'.repeat(11_000) }), /too long/],
  ] as const) {
    it(`are refused ${what}`, async () => {
      const { status, challenge, type, body } = await service.ask(await token());
      assert.equal(status, 401);
      assert.equal(body['type'], '/problems/unauthenticated');
      assert.equal(type, 'application/problem+json');
      assert.match(String(body['detail']), explanation);
      assert.equal(challenge, `${REALM}, error="invalid_token", error_description="${body['detail']}"`);
    });
  }

  for (const [what, scope, method, word] of [
    ['no scope', undefined, 'GET', 'f.read'],
    ['a scope that only begins as ours', 'f.readx', 'GET', 'f.read'],
    ['the scopes in an object', { 'f.read': true }, 'GET', 'f.read'],
    ['the read scope where write is needed', 'f.read', 'POST', 'f.write'],
    ['the write scope where read is needed', 'f.write', 'GET', 'f.read'],
    ['the admin scope where read is needed', 'f.admin', 'GET', 'f.read'],
  ] as const) {
    it(`with ${what} get 403 and the name of what they lack`, async () => {
      const { status, challenge, body } = await service.ask(await good({ scope }), method);
      assert.equal(status, 403);
      assert.equal(body['type'], '/problems/insufficient-scope');
      assert.equal(
        challenge,
        `${REALM}, error="insufficient_scope", error_description="${body['detail']}", scope="${word}"`,
      );
    });
  }

  it('that are longer than all headers may be get no further than Node', async () => {
    const { status } = await service.ask(await good({ padding: 'x'.repeat(20_000) }));
    assert.equal(status, 431);
  });

  it('are in no log', () => assert.doesNotMatch(service.log.join(), /eyJ/));
});

/** The token with other parameters in its header, under the signature that it had. */
function withHeader(token: string, change: object): string {
  const [header = '', ...rest] = token.split('.');
  const changed = { ...JSON.parse(Buffer.from(header, 'base64url').toString()), ...change };
  return [Buffer.from(JSON.stringify(changed)).toString('base64url'), ...rest].join('.');
}
