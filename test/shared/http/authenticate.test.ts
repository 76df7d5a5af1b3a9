import assert from 'node:assert/strict';
import { IssuerServer, signingKey } from '../identity/issuer-server.ts';
import { TokenService } from '../identity/token-service.ts';

const REALM = 'Bearer realm="hops-fileshare"';

describe('authentication', () => {
  const issuer = new IssuerServer();
  let service: TokenService;
  let token: string;
  before(async () => {
    await issuer.start(await signingKey());
    const scopes = { readScope: 'r', writeScope: 'w' };
    const custom = { kind: 'custom', audience: 'a', principalClaim: 'p', ...scopes };
    service = await TokenService.start([{ ...custom, issuer: issuer.url }]);
    token = await issuer.token({ aud: 'a', p: 'app:1', scope: 'r' });
  });
  after(() => Promise.all([service.stop(), issuer.stop()]));

  for (const [what, authorization] of [
    ['nothing', undefined],
    ['an empty header', ''],
    ['another scheme', 'Basic dXNlcjpwYXNz'],
    ['a scheme that begins like ours', 'BearerX abc'],
  ] as const) {
    it(`of ${what} is asked for a token, without an error code`, async () => {
      const { status, challenge, body } = await service.ask(
        authorization === undefined ? {} : { authorization },
      );
      assert.equal(status, 401);
      assert.equal(challenge, REALM);
      assert.equal(body['type'], '/problems/unauthenticated');
    });
  }

  for (const authorization of ['Bearer', 'Bearer ', 'Bearer a b', 'Bearer a,b', 'Bearer "x"']) {
    it(`of ${authorization} is an invalid token`, async () => {
      const { status, challenge } = await service.ask({ authorization });
      assert.equal(status, 401);
      assert.match(challenge ?? '', /error="invalid_token"/);
    });
  }

  it('knows the scheme in any case', async () => {
    for (const scheme of ['bearer', 'BEARER', 'Bearer  ']) {
      const { status } = await service.ask({ authorization: `${scheme} ${token}` });
      assert.equal(status, 200, scheme);
    }
  });

  for (const [what, headers, path] of [
    ['two headers with one token', (one: string) => ({ authorization: [one, one] }), '/'],
    [
      'two headers of which the second is noise',
      (one: string) => ({ authorization: [one, 'Bearer x'] }),
      '/',
    ],
    ['a token in the query', () => ({}), '/?access_token=TOKEN'],
    [
      'a token in the query and a good one',
      (one: string) => ({ authorization: one }),
      '/?access_token=TOKEN',
    ],
  ] as const) {
    it(`of ${what} is an invalid request`, async () => {
      const asked = path.replace('TOKEN', token);
      const { status, challenge, body } = await service.ask(headers(`Bearer ${token}`), 'GET', asked);
      assert.equal(status, 400);
      assert.equal(body['type'], '/problems/invalid-request');
      const described = `error="invalid_request", error_description="${body['detail']}"`;
      assert.equal(challenge, `${REALM}, ${described}`);
    });
  }

  it('tells who may do one of several things of the first of them', async () => {
    const { status, challenge } = await service.ask(token, 'PUT');
    assert.equal(status, 403);
    assert.match(challenge ?? '', /scope="w"$/);
  });
});
