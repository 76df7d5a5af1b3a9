import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { type Issuer, TokenVerifier } from '../../../shared/identity/tokens.ts';

const seconds = () => Math.floor(Date.now() / 1000);

describe('tokens', () => {
  let server: Server;
  let issuer: Issuer;
  let keys: Awaited<ReturnType<typeof generateKeyPair>>;
  let others: Awaited<ReturnType<typeof generateKeyPair>>;
  let answer: { status: number; body: string };
  let verifier: TokenVerifier;
  before(async () => {
    keys = await generateKeyPair('RS256', { extractable: true });
    others = await generateKeyPair('RS256', { extractable: true });
    answer = {
      status: 200,
      body: JSON.stringify({ keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'k1' }] }),
    };
    server = createServer((_, response) => {
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    issuer = {
      issuer: url,
      jwksUri: `${url}/jwks`,
      audience: 'fileshare',
      principalClaim: 'principal',
      readScope: 'f.read',
      writeScope: 'f.write',
    };
    verifier = new TokenVerifier([issuer], true);
  });
  after(() => void server.close());

  const claims = (changes: JWTPayload = {}): JWTPayload => ({
    iss: issuer.issuer,
    aud: 'fileshare',
    exp: seconds() + 600,
    principal: 'org:889640782',
    scope: 'other f.read',
    ...changes,
  });
  const sign = async (payload: JWTPayload, key = keys.privateKey, alg = 'RS256', kid = 'k1') =>
    `Bearer ${await new SignJWT(payload).setProtectedHeader({ alg, kid }).sign(key)}`;

  it('of a trusted issuer name the caller, with the scopes that they carry', async () => {
    const caller = await verifier.verify(await sign(claims()));
    assert.ok(typeof caller === 'object');
    assert.equal(caller.principal, 'org:889640782');
    assert.deepEqual([...caller.scopes], ['read']);
  });

  for (const [what, token, refusal] of [
    ['none', async () => undefined, 'missing'],
    ['another scheme', async () => 'Basic dXNlcjpwYXNz', 'invalid'],
    ['noise', async () => 'Bearer x.y.z', 'invalid'],
    ['expired', () => sign(claims({ exp: seconds() - 60 })), 'expired'],
    ['without expiry', () => sign((({ exp: _, ...rest }) => rest)(claims())), 'invalid'],
    ['not valid yet', () => sign(claims({ nbf: seconds() + 600 })), 'invalid'],
    ['for another audience', () => sign(claims({ aud: 'other' })), 'invalid'],
    ['of another issuer', () => sign(claims({ iss: 'https://evil.example' })), 'invalid'],
    ['signed by another key', () => sign(claims(), others.privateKey), 'invalid'],
    ['without a principal', () => sign(claims({ principal: undefined })), 'invalid'],
    ['with a principal that is none', () => sign(claims({ principal: 'org:1 org:2' })), 'invalid'],
    ['unsigned', async () => `Bearer ${new UnsecuredJWT(claims()).encode()}`, 'invalid'],
    [
      'signed HS256 with the public key',
      async () =>
        sign(claims(), new TextEncoder().encode(await exportSPKI(keys.publicKey)) as never, 'HS256'),
      'invalid',
    ],
    ['oversized', () => sign(claims({ padding: 'x'.repeat(10_000) })), 'invalid'],
  ] as const) {
    it(`${what}: ${refusal}`, async () => {
      assert.equal(await verifier.verify(await token()), refusal);
    });
  }

  it('are neither good nor bad while the keys cannot be had', async () => {
    const fresh = new TokenVerifier([issuer], true);
    const token = await sign(claims());
    const { status } = answer;
    answer.status = 500;
    assert.equal(await fresh.verify(token), 'unavailable');
    answer.status = status;
    assert.ok(typeof (await fresh.verify(token)) === 'object');
  });

  it('of a development issuer cannot be trusted by a production configuration', () => {
    assert.throws(() => new TokenVerifier([issuer], false), /TOKEN_ISSUERS names a development issuer/);
    const disguised = { ...issuer, issuer: 'https://issuer.example' };
    assert.throws(() => new TokenVerifier([disguised], false), /development issuer/);
  });
});
