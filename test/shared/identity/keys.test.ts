import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { issuerKeys } from '../../../shared/identity/keys.ts';
import { eventually } from '../../support/service.ts';
import { IssuerServer, type SigningKey, seconds, signingKey } from './issuer-server.ts';
import { type Answer, TokenService } from './token-service.ts';

const OPENID = '/.well-known/openid-configuration';
const OAUTH = '/.well-known/oauth-authorization-server';

describe('the keys of an issuer', () => {
  let issuer: IssuerServer;
  let service: TokenService;
  let first: SigningKey;
  let second: SigningKey;
  const stops: (() => Promise<unknown>)[] = [];
  before(async () => {
    [first, second] = await Promise.all([signingKey('first'), signingKey('second')]);
  });
  beforeEach(async () => {
    issuer = await new IssuerServer().start(first);
    stops.push(() => issuer.stop());
    service = await trusting();
  });
  afterEach(async () => {
    mock.timers.reset();
    mock.restoreAll();
    await Promise.all(stops.splice(0).map((stop) => stop()));
  });

  async function trusting(changes: object = {}): Promise<TokenService> {
    const scopes = { readScope: 'r', writeScope: 'w' };
    const custom = { kind: 'custom', issuer: issuer.url, audience: 'a', principalClaim: 'p', ...scopes };
    const started = await TokenService.start([{ ...custom, ...changes }]);
    stops.push(() => started.stop());
    return started;
  }
  const ask = async (key: SigningKey = first, of = service): Promise<Answer> =>
    of.ask(await issuer.token({ aud: 'a', p: 'app:1', scope: 'r' }, { key }));

  it('are not asked for before there is a token of it', async () => {
    assert.equal((await service.ask({})).status, 401);
    assert.deepEqual(issuer.asked, []);
  });

  it('are found by OpenID Connect Discovery, once for any number of tokens', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask()));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    assert.deepEqual(issuer.asked, [OPENID, '/jwks']);
  });

  it('are found by RFC 8414 where there is no document of OpenID', async () => {
    issuer.documents.delete(OPENID);
    issuer.documents.set(OAUTH, issuer.metadata());
    assert.equal((await ask()).status, 200);
    assert.deepEqual(issuer.asked, [OPENID, OAUTH, '/jwks']);
  });

  it('are found for an issuer with a path, where each of the two standards puts the document', async () => {
    const tenant = `${issuer.url}/tenant/v2.0`;
    const told = async (path: string): Promise<number | undefined> => {
      issuer.documents.set(path, issuer.metadata({ issuer: tenant }));
      const token = await issuer.token({ iss: tenant, aud: 'a', p: 'app:1', scope: 'r' });
      const { status } = await (await trusting({ issuer: tenant })).ask(token);
      issuer.documents.delete(path);
      return status;
    };
    assert.equal(await told(`/tenant/v2.0${OPENID}`), 200);
    assert.equal(await told(`${OAUTH}/tenant/v2.0`), 200);
    assert.equal(await told(`${OAUTH}/other`), 503);
  });

  it('are those at jwksUri where that is configured, and no metadata is asked for', async () => {
    const configured = await trusting({ jwksUri: `${issuer.url}/jwks` });
    assert.equal((await ask(first, configured)).status, 200);
    assert.deepEqual(issuer.asked, ['/jwks']);
  });

  it('that are new are fetched when a token names one, the old one is good for nothing then', async () => {
    mock.timers.enable({ apis: ['Date'], now: Date.now() });
    assert.equal((await ask()).status, 200);
    await issuer.publish(second);
    assert.equal((await ask(second)).status, 401, 'within the cool-down');
    mock.timers.tick(11_000);
    assert.equal((await ask(second)).status, 200);
    assert.equal((await ask(first)).status, 401);
    assert.equal(issuer.asked.filter((path) => path === '/jwks').length, 2);
  });

  it('that were withdrawn are believed for ten minutes at most', async () => {
    mock.timers.enable({ apis: ['Date'], now: Date.now() });
    const token = await issuer.token({ aud: 'a', p: 'app:1', scope: 'r', exp: Date.now() / 1000 + 3600 });
    assert.equal((await service.ask(token)).status, 200);
    await issuer.publish(second);
    mock.timers.tick(9 * 60_000);
    assert.equal((await service.ask(token)).status, 200);
    mock.timers.tick(2 * 60_000);
    assert.equal((await service.ask(token)).status, 401);
  });

  it('verify a token once, and again when they were fetched again', async () => {
    const verify = mock.method(crypto.subtle, 'verify');
    mock.timers.enable({ apis: ['Date'], now: Date.now() });
    const token = await issuer.token({ aud: 'a', p: 'app:1', scope: 'r', exp: Date.now() / 1000 + 3600 });
    const first = await service.ask(token);
    assert.deepEqual(await service.ask(token), first);
    assert.equal(verify.mock.callCount(), 1);
    mock.timers.tick(11 * 60_000);
    assert.deepEqual(await service.ask(token), first);
    assert.equal(verify.mock.callCount(), 2);
  });

  it('make no token outlive its end', async () => {
    mock.timers.enable({ apis: ['Date'], now: Date.now() });
    const token = await issuer.token({ aud: 'a', p: 'app:1', scope: 'r', exp: seconds() + 60 });
    assert.equal((await service.ask(token)).status, 200);
    mock.timers.tick(59_000);
    assert.equal((await service.ask(token)).status, 200);
    mock.timers.tick(60_000);
    const { status, challenge } = await service.ask(token);
    assert.equal(status, 401);
    assert.match(challenge ?? '', /has expired/);
  });

  it('verify a token again that too many others came after', async () => {
    // It signs faster than RSA.
    const key = await signingKey('other', 'Ed25519');
    await issuer.publish(key);
    const verify = mock.method(crypto.subtle, 'verify');
    const tokenOf = (jti: string) => issuer.token({ aud: 'a', p: 'app:1', scope: 'r', jti }, { key });
    const token = await tokenOf('first');
    await service.ask(token);
    for (let other = 0; other < 1_000; other += 1) await service.ask(await tokenOf(String(other)));
    const before = verify.mock.callCount();
    assert.equal((await service.ask(token)).status, 200);
    assert.equal(verify.mock.callCount(), before + 1);
  });

  it('are not fetched for every token with a key that somebody made up', async () => {
    assert.equal((await ask()).status, 200);
    for (let at = 0; at < 20; at += 1) assert.equal((await ask({ ...second, kid: `k${at}` })).status, 401);
    assert.deepEqual(issuer.asked, [OPENID, '/jwks']);
  });

  for (const [what, changes] of [
    ['meant for encryption', { use: 'enc' }],
    ['that may only encrypt', { key_ops: ['encrypt'] }],
    ['for another algorithm', { alg: 'PS256' }],
  ] as const) {
    it(`${what} verify nothing`, async () => {
      await issuer.publish(first, { ...changes } as object);
      assert.equal((await ask()).status, 401);
    });
  }

  it('of an algorithm that is not configured verify nothing', async () => {
    assert.equal((await ask(first, await trusting({ algorithms: ['ES256'] }))).status, 401);
  });

  for (const algorithm of ['ES256', 'PS256', 'Ed25519']) {
    it(`of ${algorithm} verify too`, async () => {
      const key = await signingKey('other', algorithm);
      await issuer.publish(key);
      assert.equal((await ask(key)).status, 200);
    });
  }

  const metadata = (document: unknown) => void issuer.documents.set(OPENID, document);
  const keySet = (document: unknown) => void issuer.documents.set('/jwks', document);
  for (const [what, damage] of [
    ['does not listen', () => issuer.stop()],
    ['answers 500', () => Object.assign(issuer, { status: 500 })],
    ['has no metadata', () => issuer.documents.delete(OPENID)],
    ['has metadata that is noise', () => metadata('<html>')],
    ['has metadata without keys', () => metadata({ issuer: issuer.url })],
    [
      'has its keys at an insecure address',
      () => metadata(issuer.metadata({ jwks_uri: 'http://keys.example' })),
    ],
    ['has no keys', () => issuer.documents.delete('/jwks')],
    ['has keys that are noise', () => keySet('<html>')],
    ['has keys that are no list', () => keySet({ keys: 'x' })],
  ] as const) {
    it(`make no token bad where it ${what}: 503, and 200 once that is repaired`, async () => {
      await damage();
      const { status, challenge, body } = await ask();
      assert.deepEqual([status, challenge], [503, undefined]);
      assert.equal(body['type'], '/problems/unavailable');
      assert.match(service.log.join('\n'), /The keys of http:[^ ]+ cannot be had/);
      await issuer.mend();
      await eventually(async () => (await ask()).status === 200);
    });
  }

  it('of a document that is of another issuer are not trusted, and the log says why', async () => {
    const attacker = await new IssuerServer().start(second);
    stops.push(() => attacker.stop());
    issuer.documents.set(OPENID, attacker.metadata());
    assert.equal((await ask(second)).status, 503);
    assert.deepEqual(attacker.asked, []);
    assert.match(service.log.join('\n'), /openid-configuration is of another issuer/);
  });

  it('are not fetched from this machine in production, even where https metadata says so', async () => {
    const keys = issuerKeys({ issuer: issuer.url, allowDevelopment: false });
    const asked = Promise.resolve(keys({ alg: 'RS256', kid: 'first' }, { payload: '', signature: '' }));
    await assert.rejects(asked, ({ name, cause }: Error) => {
      assert.match(String(cause), /keys at a development address/);
      return name === 'KeysUnavailable';
    });
    assert.deepEqual(issuer.asked, [OPENID]);
  });

  for (const silentAt of [OPENID, '/jwks']) {
    it(`are not waited for for ever where ${silentAt} does not answer`, async () => {
      issuer.silentAt = silentAt;
      const keys = issuerKeys({ issuer: issuer.url, allowDevelopment: true, timeoutMs: 20 });
      const asked = Promise.resolve(keys({ alg: 'RS256', kid: 'first' }, { payload: '', signature: '' }));
      await assert.rejects(asked, { name: 'KeysUnavailable' });
    });
  }

  it('are not asked for by every token while the issuer is down', async () => {
    issuer.status = 500;
    for (let at = 0; at < 20; at += 1) assert.equal((await ask()).status, 503);
    assert.ok(issuer.asked.length < 20, `${issuer.asked.length} requests`);
  });

  it('are not asked for by every token while they alone are down', async () => {
    issuer.documents.delete('/jwks');
    for (let at = 0; at < 20; at += 1) assert.equal((await ask()).status, 503);
    const count = issuer.asked.filter((path) => path === '/jwks').length;
    assert.ok(count < 10, `${count} requests`);
  });

  it('that are known stay good while the issuer is down, whatever else is asked for', async () => {
    mock.timers.enable({ apis: ['Date'], now: Date.now() });
    assert.equal((await ask()).status, 200);
    await issuer.stop();
    mock.timers.tick(60_000);
    assert.equal((await ask(second)).status, 503, 'nobody can tell');
    assert.equal((await ask()).status, 200);
  });
});
