import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt, UnsecuredJWT } from 'jose';
import { Grants } from '../../../../infra/local/issuer/grants.ts';
import { createIssuer } from '../../../../infra/local/issuer/issuer.ts';
import { OAuthError } from '../../../../infra/local/issuer/parameters.ts';
import { parsePrincipal } from '../../../../shared/identity/principal.ts';

const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const URL_OF_IT = 'http://127.0.0.1:1';
const OWNER = parsePrincipal('org:889640782') ?? assert.fail();

interface Device {
  readonly device_code: string;
  readonly user_code: string;
  readonly verification_uri_complete: string;
}
interface Answer {
  readonly access_token: string;
  readonly refresh_token?: string;
}

describe('the grants of the development issuer', () => {
  let folder: string;
  let grants: Grants;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'fileshare-'));
    grants = new Grants(await createIssuer(folder, URL_OF_IT));
  });
  after(() => rmSync(folder, { recursive: true }));

  const form = (fields: Record<string, string>) => new URLSearchParams({ client_id: 'cli', ...fields });
  const token = async (fields: Record<string, string>) => (await grants.token(form(fields))) as Answer;
  const device = (fields: Record<string, string> = {}) =>
    grants.device(form(fields), `${URL_OF_IT}/a`) as Device;
  const fails = (fields: Record<string, string>, error: string) =>
    assert.rejects(token(fields), (thrown) => thrown instanceof OAuthError && thrown.error === error);
  const pause = () => new Promise((resolve) => setTimeout(resolve, 1000));

  it('give a token once for a code that a person has entered', async () => {
    const { device_code, user_code, verification_uri_complete } = device({ scope: 'openid fileshare.read' });
    assert.ok(verification_uri_complete.endsWith(`?user_code=${user_code}`));
    await fails({ grant_type: DEVICE, device_code }, 'authorization_pending');
    await fails({ grant_type: DEVICE, device_code }, 'slow_down');
    grants.decide(user_code.toLowerCase(), OWNER);
    assert.throws(() => grants.decide(user_code, OWNER), OAuthError);
    await fails({ grant_type: DEVICE, device_code, client_id: 'other' }, 'invalid_grant');
    await pause();
    const { access_token } = await token({ grant_type: DEVICE, device_code });
    assert.equal(decodeJwt(access_token)['scope'], 'fileshare.read');
    await fails({ grant_type: DEVICE, device_code }, 'invalid_grant');
  });

  it('hold a device to its code challenge', async () => {
    const verifier = 'v'.repeat(43);
    const code_challenge = createHash('sha256').update(verifier).digest('base64url');
    for (const [code_verifier, good] of [
      [verifier, true],
      ['w'.repeat(43), false],
      ['', false],
    ] as const) {
      const { device_code, user_code } = device({ code_challenge, code_challenge_method: 'S256' });
      grants.decide(user_code, OWNER);
      const fields = { grant_type: DEVICE, device_code, code_verifier };
      if (good) assert.ok((await token(fields)).access_token);
      else await fails(fields, 'invalid_grant');
    }
    assert.throws(() => device({ code_challenge, code_challenge_method: 'plain' }), OAuthError);
  });

  it('say no where the person does', async () => {
    const { device_code, user_code } = device();
    grants.decide(user_code, 'denied');
    await fails({ grant_type: DEVICE, device_code }, 'access_denied');
  });

  it('take a refresh token once, from its client', async () => {
    const { device_code, user_code } = device();
    grants.decide(user_code, OWNER);
    const { refresh_token = '' } = await token({ grant_type: DEVICE, device_code });
    const next = await token({ grant_type: 'refresh_token', refresh_token });
    await fails({ grant_type: 'refresh_token', refresh_token }, 'invalid_grant');
    await fails(
      { grant_type: 'refresh_token', refresh_token: next.refresh_token ?? '', client_id: 'x' },
      'invalid_grant',
    );
  });

  it('name a client as its id does', async () => {
    for (const [client_id, principal] of [
      ['org:1', 'org:1'],
      ['job', 'app:job'],
    ] as const) {
      const { access_token, refresh_token } = await token({ grant_type: 'client_credentials', client_id });
      assert.equal(decodeJwt(access_token)['principal'], principal);
      assert.equal(refresh_token, undefined);
    }
    await fails({ grant_type: 'client_credentials', client_id: 'a b' }, 'invalid_client');
    await fails({ grant_type: 'client_credentials', scope: 'all' }, 'invalid_scope');
    await fails({ grant_type: 'client_credentials', client_id: '' }, 'invalid_request');
    await fails({ grant_type: 'password' }, 'unsupported_grant_type');
  });

  it('take an assertion that is for this issuer and has not expired', async () => {
    const grant_type = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
    const assertion = (audience: string, expires: string) =>
      new UnsecuredJWT({ scope: 'fileshare.write' })
        .setIssuer('org:1')
        .setAudience(audience)
        .setExpirationTime(expires)
        .encode();
    const issuer = `${URL_OF_IT}/local/issuer`;
    const { access_token } = await token({ grant_type, assertion: assertion(issuer, '1m') });
    assert.equal(decodeJwt(access_token)['principal'], 'org:1');
    await fails({ grant_type, assertion: assertion('x', '1m') }, 'invalid_grant');
    await fails({ grant_type, assertion: assertion(issuer, '-1m') }, 'invalid_grant');
    await fails({ grant_type, assertion: 'none' }, 'invalid_grant');
  });
});
