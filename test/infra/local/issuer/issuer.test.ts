import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { AUDIENCE, createIssuer } from '../../../../infra/local/issuer/issuer.ts';
import { localPages } from '../../../../infra/local/page/local-pages.ts';
import type { PlatformStatus } from '../../../../infra/local/page/status-page.ts';
import { emailOf, localTokens } from '../../../../infra/local/processes/identity.ts';
import { ask } from '../gateway/gateway-fixture.ts';
import { NO_METRICS } from '../page/no-metrics.ts';

const TOKEN_COMMAND = fileURLToPath(new URL('../../../../infra/local/cli/token.ts', import.meta.url));
const run = promisify(execFile);

describe('the development token issuer', () => {
  let folder: string;
  let server: Server;
  let port: number;
  let url: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'fileshare-'));
    server = createServer();
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    ({ port } = server.address() as AddressInfo);
    url = `http://127.0.0.1:${port}`;
    const status = (): PlatformStatus => ({
      ready: true,
      developmentSignatures: true,
      url,
      uploadUrl: 'http://127.0.0.1:4',
      filesUrl: 'http://127.0.0.1:5',
      storageUrl: 'http://127.0.0.1:1',
      pubsubHost: '127.0.0.1:2',
      sweeperUrl: 'http://127.0.0.1:3',
      data: '/data/<b>',
      processes: [{ name: 'upload', state: 'ready', pid: 3, restarts: 0, since: 0 }],
    });
    const live = { watch: () => assert.fail() };
    server.on(
      'request',
      localPages({
        issuer: await createIssuer(folder, url),
        status,
        live,
        operator: { tokens: localTokens(folder), sweeperUrl: '', metrics: NO_METRICS },
      }),
    );
  });

  after(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
    rmSync(folder, { recursive: true });
  });

  const verify = (token: string) =>
    jwtVerify(token, createRemoteJWKSet(new URL(`${url}/local/issuer/jwks`)), {
      issuer: `${url}/local/issuer`,
      audience: AUDIENCE,
      algorithms: ['ES256'],
    });

  it('signs tokens which its own key set verifies', async () => {
    const { body } = await ask(port, { path: '/local/token?principal=org:889640782' });
    const { payload } = await verify(body);
    assert.equal(payload['principal'], 'org:889640782');
    assert.equal(payload.sub, 'org:889640782');
    assert.equal(payload['scope'], 'fileshare.read fileshare.write');
    assert.equal((payload.exp ?? 0) - (payload.iat ?? 0), 3600);
  });

  it('gives the scope that was asked for, by GET and by POST', async () => {
    const path = '/local/token?principal=app:1&scope=read';
    for (const method of ['GET', 'POST']) {
      const { body } = await ask(port, { method, path });
      assert.equal(decodeJwt(body)['scope'], 'fileshare.read');
    }
  });

  it('gives what was asked for besides: administration, groups, and how long it is good', async () => {
    const path = '/local/token?principal=user:1&scope=admin&group=a&group=group:b&expires=60';
    const { payload } = await verify((await ask(port, { path })).body);
    assert.equal(payload['scope'], 'fileshare.admin');
    assert.deepEqual(payload['groups'], ['a', 'b']);
    assert.equal((payload.exp ?? 0) - (payload.iat ?? 0), 60);
    assert.ok(payload.jti);
    const expired = (await ask(port, { path: '/local/token?principal=user:1&expires=-60' })).body;
    await assert.rejects(verify(expired), { code: 'ERR_JWT_EXPIRED' });
  });

  it('says what is missing or unknown', async () => {
    assert.equal((await ask(port, { path: '/local/token' })).status, 400);
    for (const wrong of ['scope=all', 'scope=', 'expires=', 'expires=1h', 'expires=99999999']) {
      assert.equal((await ask(port, { path: `/local/token?principal=a&${wrong}` })).status, 400, wrong);
    }
    assert.equal((await ask(port, { method: 'PUT', path: '/local/token?principal=a' })).status, 405);
  });

  it('is found by discovery', async () => {
    const { body } = await ask(port, { path: '/local/issuer/.well-known/openid-configuration' });
    const discovered = JSON.parse(body);
    assert.equal(discovered.issuer, `${url}/local/issuer`);
    assert.equal(discovered.jwks_uri, `${url}/local/issuer/jwks`);
  });

  it('keeps its private key to itself, and the same one from start to start', async () => {
    assert.equal(statSync(join(folder, 'issuer-key.json')).mode & 0o777, 0o600);
    const again = await createIssuer(folder, url);
    await verify(await again.token('org:1'));
    assert.doesNotMatch((await ask(port, { path: '/local/issuer/jwks' })).body, /"d"/);
  });

  it('makes one key when two processes start at once', async () => {
    const fresh = mkdtempSync(join(tmpdir(), 'fileshare-'));
    const [one, other] = await Promise.all([createIssuer(fresh, url), createIssuer(fresh, url)]);
    assert.deepEqual(one.jwks, other.jwks);
    rmSync(fresh, { recursive: true });
  });

  it('does not serve a page that was tricked into asking by another name', async () => {
    const headers = { host: 'attacker.example' };
    assert.equal((await ask(port, { path: '/local/token?principal=a', headers })).status, 421);
  });

  it('has endpoints for logins, which take small forms of its own pages', async () => {
    const post = (path: string, init: RequestInit = {}) =>
      fetch(`${url}/local/issuer/${path}`, { method: 'POST', ...init });
    const body = new URLSearchParams({ user_code: 'BCDF-GHJK', principal: 'org:1' });
    assert.equal((await post('activate', { body })).status, 400, 'nothing waits for this code');
    const headers = { origin: 'https://attacker.example' };
    assert.equal((await post('activate', { body, headers })).status, 403);
    const large = new URLSearchParams({ assertion: 'a'.repeat(70_000) });
    assert.equal((await post('token', { body: large })).status, 400);
    assert.equal((await post('token', { method: 'PUT', body })).status, 405);
    assert.equal((await post('activate', { method: 'DELETE' })).status, 405);
    assert.equal((await post('revoke', { body: new URLSearchParams({ token: 'unknown' }) })).status, 200);
    const page = await (await post('activate?user_code=%22%3E%3Cb%3E', { method: 'GET' })).text();
    assert.doesNotMatch(page, /"><b>/);
  });

  it('can be asked on the command line', async () => {
    const env = { ...process.env, DATA: folder, PORT: String(port) };
    const args = [TOKEN_COMMAND, '--principal', 'group:9', '--scope', 'write'];
    const { stdout } = await run(process.execPath, args, { env });
    const { payload } = await verify(stdout.trim());
    assert.equal(payload['principal'], 'group:9');
    assert.equal(payload['scope'], 'fileshare.write');
    for (const wrong of [[], ['--scope', 'all', 'org:1'], ['org:1', 'all'], ['org:1', '--expires', 'soon']]) {
      await assert.rejects(run(process.execPath, [TOKEN_COMMAND, ...wrong], { env }), /Usage: npm run/);
    }
  });

  it('can be asked on the command line with fewer words, and for more', async () => {
    const env = { ...process.env, DATA: folder, PORT: String(port) };
    const args = ['org:1', 'read', 'admin', '--group', 'a', '--group', 'b', '--expires', '60'];
    const { stdout } = await run(process.execPath, [TOKEN_COMMAND, ...args], { env });
    const { payload } = await verify(stdout.trim());
    assert.equal(payload['principal'], 'org:1');
    assert.equal(payload['scope'], 'fileshare.read fileshare.admin');
    assert.deepEqual(payload['groups'], ['a', 'b']);
    assert.equal((payload.exp ?? 0) - (payload.iat ?? 0), 60);
  });

  it('gives an access token for the emulators on the command line', async () => {
    const env = { ...process.env, DATA: folder, PORT: String(port) };
    const { stdout } = await run(process.execPath, [TOKEN_COMMAND, '--emulators'], { env });
    assert.equal(await localTokens(folder).accountOf(stdout.trim()), emailOf('administrator'));
  });

  it('shares its address with a status page that escapes and warns', async () => {
    const { body } = await ask(port, { path: '/local/status' });
    assert.match(body, /role="alert">DEVELOPMENT SIGNATURES/);
    assert.match(body, /\/data\/&#60;b&#62;/);
    assert.match(body, /<th scope="row">upload<\/th><td>ready<\/td>/);
    const { body: json } = await ask(port, { path: '/local/status.json' });
    assert.equal(JSON.parse(json).processes[0].name, 'upload');
  });
});
