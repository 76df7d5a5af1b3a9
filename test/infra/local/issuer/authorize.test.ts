import assert from 'node:assert/strict';
import { decodeJwt } from 'jose';
import * as oauth from 'oauth4webapi';
import { CLIENT, INSECURE, IssuerServer, PAGE, Person, REGISTERED, VERIFIER } from './issuer-fixture.ts';

describe('the authorization endpoint of the development issuer', () => {
  const server = new IssuerServer();

  for (const [title, changes] of Object.entries({
    'no client': { client_id: undefined },
    'two clients': { client_id: ['a', 'b'] },
    'no redirect URI': { redirect_uri: undefined },
    'two redirect URIs': { redirect_uri: [PAGE, PAGE] },
    'a redirect URI elsewhere': { redirect_uri: 'https://attacker.example/' },
    'one that begins like a registered one': { redirect_uri: `${REGISTERED}&more=1` },
    'one with the name of this machine in it': { redirect_uri: 'http://localhost.attacker.example/' },
    'one with a user': { redirect_uri: 'http://localhost@attacker.example/' },
    'one of this machine with a user': { redirect_uri: 'http://attacker@localhost/' },
    'one with a fragment': { redirect_uri: `${PAGE}#` },
    'a script': { redirect_uri: 'javascript:alert(1)//localhost' },
    'a path': { redirect_uri: '/callback' },
  })) {
    it(`redirects nowhere for ${title}`, async () => {
      for (const form of [undefined, { principal: 'user:kari', scope: 'read', decision: 'allow' }]) {
        const { status, target, text } = await new Person().ask(await server.authorizeUrl(changes), form);
        assert.deepEqual([status, target], [400, undefined]);
        assert.match(text, /role="alert"/);
      }
    });
  }

  for (const [error, changes] of [
    ['invalid_request', { response_type: undefined }],
    ['unsupported_response_type', { response_type: 'token' }],
    ['invalid_request', { response_mode: 'fragment' }],
    ['invalid_request', { code_challenge: undefined }],
    ['invalid_request', { code_challenge: 'short' }],
    ['invalid_request', { code_challenge_method: undefined }],
    ['invalid_request', { code_challenge_method: 'plain' }],
    ['invalid_request', { nonce: ['a', 'b'] }],
    ['invalid_request', { max_age: 'soon' }],
    ['invalid_request', { prompt: 'none login' }],
    ['invalid_scope', { scope: 'openid everything' }],
    ['login_required', { prompt: 'none' }],
    ['request_not_supported', { request: 'e30.e30.' }],
    ['request_uri_not_supported', { request_uri: 'https://example.org' }],
  ] as const) {
    it(`tells the client of ${error}: ${JSON.stringify(changes)}`, async () => {
      const { status, target } = await new Person().ask(
        await server.authorizeUrl(changes as Record<string, string | string[] | undefined>),
      );
      assert.equal(status, 303);
      assert.equal(target?.origin, new URL(PAGE).origin);
      const { error_description, ...answer } = Object.fromEntries(target?.searchParams ?? []);
      assert.deepEqual(answer, { error, state: 'of the client', iss: server.issuer.url });
      assert.ok(error_description);
    });
  }

  it('sends no state back where several came', async () => {
    const { target } = await new Person().ask(
      await server.authorizeUrl({ state: ['a', 'b'], response_type: 'token' }),
    );
    assert.equal(target?.searchParams.has('state'), false);
  });

  it('logs a person in at a client that is not ours', async () => {
    const as = await server.discover();
    const scope = 'openid offline_access fileshare.read fileshare.admin';
    const person = new Person();
    const asked = await server.authorizeUrl({ scope });
    const { text, headers } = await person.ask(asked);
    assert.match(text, /page at <code>http:\/\/localhost:5173<\/code>/);
    assert.match(headers.get('content-security-policy') ?? '', /form-action 'self' http:\/\/localhost:5173;/);
    const callback = await person.logIn(asked, { groups: 'nurses group:doctors', scope: ['read', 'write'] });
    const parameters = oauth.validateAuthResponse(as, CLIENT, callback, 'of the client');
    const response = await oauth.authorizationCodeGrantRequest(
      as,
      CLIENT,
      oauth.None(),
      parameters,
      PAGE,
      VERIFIER,
      INSECURE,
    );
    const signed = response.clone();
    const answer = await oauth.processAuthorizationCodeResponse(as, CLIENT, response, {
      expectedNonce: 'once',
      requireIdToken: true,
      maxAge: 60,
    });
    assert.ok(signed);
    await oauth.validateApplicationLevelSignature(as, response, INSECURE);
    assert.equal(answer.scope, 'fileshare.read', 'what was asked for and allowed');
    const token = decodeJwt(answer.access_token);
    assert.deepEqual([token.sub, token['groups']], ['user:kari', ['nurses', 'doctors']]);
    const claims = oauth.getValidatedIdTokenClaims(answer);
    assert.deepEqual(
      [claims?.sub, claims?.['principal'], claims?.['groups']],
      ['user:kari', 'user:kari', ['nurses', 'doctors']],
    );
    const renewed = await oauth.processRefreshTokenResponse(
      as,
      CLIENT,
      await oauth.refreshTokenGrantRequest(as, CLIENT, oauth.None(), answer.refresh_token ?? '', INSECURE),
    );
    assert.deepEqual(decodeJwt(renewed.access_token)['groups'], ['nurses', 'doctors']);
  });

  it('keeps the query of a registered address', async () => {
    const target = await new Person().logIn(await server.authorizeUrl({ redirect_uri: REGISTERED }));
    assert.equal(`${target.origin}${target.pathname}`, 'https://page.example.no/callback');
    assert.equal(target.searchParams.get('kept'), '1');
  });

  it('gives neither an ID token nor a refresh token that was not asked for', async () => {
    const target = await new Person().logIn(await server.authorizeUrl({ scope: 'fileshare.read' }));
    const answer = await redeem(target.searchParams.get('code') ?? '');
    assert.deepEqual(Object.keys(answer).toSorted(), ['access_token', 'expires_in', 'scope', 'token_type']);
  });

  it('revokes what came of a code that comes twice', async () => {
    const target = await new Person().logIn(await server.authorizeUrl({ scope: 'openid offline_access' }));
    const code = target.searchParams.get('code') ?? '';
    const { refresh_token = '' } = await redeem(code);
    assert.equal((await redeem(code)).error, 'invalid_grant');
    const refresh = await post('token', { grant_type: 'refresh_token', refresh_token, ...CLIENT });
    assert.equal(refresh.error, 'invalid_grant');
  });

  it('says so where the person says no', async () => {
    const target = await new Person().logIn(await server.authorizeUrl(), { decision: 'deny' });
    assert.equal(target.searchParams.get('error'), 'access_denied');
    assert.equal(target.searchParams.get('code'), null);
  });

  for (const [title, form, alert] of [
    ['no principal', { principal: 'kari' }, /A principal is such as/],
    ['no group', { groups: 'nurses, a/b' }, /A group is such as/],
    ['no scope', { scope: 'admin' }, /Allow one scope/],
  ] as const) {
    it(`asks again where there is ${title}`, async () => {
      const entered = { principal: 'user:kari', groups: '', scope: 'read', decision: 'allow', ...form };
      const { status, text } = await new Person().ask(await server.authorizeUrl(), entered);
      assert.equal(status, 400);
      assert.match(text, alert);
    });
  }

  it('writes nothing of a request into its page that is not escaped', async () => {
    const mark = '"><script>alert(1)</script>';
    const asked = await server.authorizeUrl({ client_id: mark, login_hint: mark });
    const { text } = await new Person().ask(asked);
    assert.doesNotMatch(text, /<script/);
    const again = await new Person().ask(asked, { principal: mark, groups: mark, decision: 'allow' });
    assert.doesNotMatch(again.text, /<script/);
  });

  it('takes forms of its own page alone, and no other method', async () => {
    const asked = await server.authorizeUrl();
    const form = { principal: 'user:kari', scope: 'read', decision: 'allow' };
    const { status, target } = await new Person().ask(asked, form, 'https://attacker.example');
    assert.deepEqual([status, target], [403, undefined]);
    const large = { ...form, groups: 'a '.repeat(40_000) };
    assert.equal((await new Person().ask(asked, large)).status, 400);
    assert.equal((await fetch(asked, { method: 'PUT' })).status, 405);
  });

  describe('with a session', () => {
    const person = new Person();
    before(async () => {
      await person.logIn(await server.authorizeUrl(), { scope: 'read' });
    });
    const codeFor = async (changes: Record<string, string>) =>
      (await person.ask(await server.authorizeUrl(changes))).target?.searchParams.get('code');

    it('asks nothing again, and allows no more than before', async () => {
      const code = (await codeFor({ prompt: 'none' })) ?? assert.fail();
      assert.equal((await redeem(code)).scope, 'fileshare.read');
      assert.ok(await codeFor({ max_age: '60' }));
    });

    it('asks where the client wants it, or another scope, or a newer login', async () => {
      for (const changes of [
        { prompt: 'login' },
        { prompt: 'select_account' },
        { scope: 'fileshare.write' },
      ]) {
        assert.equal(await codeFor(changes), undefined, JSON.stringify(changes));
      }
      const { text } = await person.ask(await server.authorizeUrl({ prompt: 'login' }));
      assert.match(text, /value="user:kari"/);
      const hinted = await person.ask(await server.authorizeUrl({ prompt: 'login', login_hint: 'user:ola' }));
      assert.match(hinted.text, /value="user:ola"/);
    });

    it('keeps the cookie from scripts and from requests of other sites', async () => {
      const { headers } = await person.ask(await server.authorizeUrl(), {
        principal: 'user:kari',
        scope: 'read',
        decision: 'allow',
      });
      assert.match(headers.get('set-cookie') ?? '', /; Path=\/local\/issuer; .*HttpOnly; SameSite=Lax$/);
    });
  });

  interface Answer {
    readonly scope?: string;
    readonly refresh_token?: string;
    readonly error?: string;
  }

  async function post(path: string, fields: Record<string, string>): Promise<Answer> {
    const body = new URLSearchParams(fields);
    return (await fetch(`${server.issuer.url}/${path}`, { method: 'POST', body })).json() as Promise<Answer>;
  }

  function redeem(code: string): Promise<Answer> {
    const grant_type = 'authorization_code';
    return post('token', { grant_type, code, ...CLIENT, redirect_uri: PAGE, code_verifier: VERIFIER });
  }
});
