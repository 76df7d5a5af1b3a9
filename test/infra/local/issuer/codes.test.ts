import assert from 'node:assert/strict';
import { type Authorization, Codes } from '../../../../infra/local/issuer/codes.ts';
import { challengeOf, OAuthError } from '../../../../infra/local/issuer/parameters.ts';
import { parsePrincipal } from '../../../../shared/identity/principal.ts';

const VERIFIER = 'v'.repeat(43);
const AUTHORIZATION: Authorization = {
  grant: { clientId: 'page', principal: parsePrincipal('user:kari') ?? assert.fail(), scopes: ['read'] },
  redirectUri: 'http://localhost/',
  challenge: challengeOf(VERIFIER),
  isOffline: false,
  idToken: undefined,
};

describe('the codes of the development issuer', () => {
  let now = 0;
  let revoked: unknown[];
  let codes: Codes;
  beforeEach(() => {
    now = 1_000_000;
    revoked = [];
    codes = new Codes(
      (grant) => revoked.push(grant),
      () => now,
    );
  });

  const redeem = (code: string, changes: Record<string, string> = {}) =>
    codes.redeem(
      new URLSearchParams({
        client_id: 'page',
        redirect_uri: 'http://localhost/',
        code_verifier: VERIFIER,
        code,
        ...changes,
      }),
    );
  const fails = (code: string, changes: Record<string, string>, error = 'invalid_grant') =>
    assert.throws(
      () => redeem(code, changes),
      (thrown) => thrown instanceof OAuthError && thrown.error === error,
      JSON.stringify(changes),
    );

  it('are good once, and revoke what came of them when they come again', () => {
    const code = codes.issue(AUTHORIZATION);
    assert.equal(redeem(code), AUTHORIZATION);
    assert.deepEqual(revoked, []);
    fails(code, {});
    assert.deepEqual(revoked, [AUTHORIZATION.grant]);
  });

  it('belong to a client, an address and a verifier, and remain while others try', () => {
    const code = codes.issue(AUTHORIZATION);
    fails(code, { client_id: '' }, 'invalid_request');
    fails(code, { client_id: 'other' });
    fails(code, { redirect_uri: 'http://localhost/other' });
    fails(code, { redirect_uri: '' });
    fails(code, { code_verifier: '' });
    fails(code, { code_verifier: 'w'.repeat(43) });
    fails('', {}, 'invalid_request');
    fails('never issued', {});
    assert.equal(redeem(code), AUTHORIZATION);
    assert.deepEqual(revoked, []);
  });

  it('hold a verifier to its alphabet and length', () => {
    for (const verifier of ['v'.repeat(42), 'v'.repeat(129), `${'v'.repeat(42)}/`]) {
      const code = codes.issue({ ...AUTHORIZATION, challenge: challengeOf(verifier) });
      fails(code, { code_verifier: verifier });
    }
  });

  it('end after a minute, and are forgotten later', () => {
    const code = codes.issue(AUTHORIZATION);
    const other = codes.issue(AUTHORIZATION);
    now += 60_000;
    assert.equal(redeem(code), AUTHORIZATION);
    now += 1;
    fails(other, {});
    now += 600_000;
    codes.issue(AUTHORIZATION);
    fails(code, {});
    assert.deepEqual(revoked, []);
  });
});
