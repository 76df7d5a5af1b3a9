import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { OWNER, Service } from '../support/service.ts';
import { commandLine, Folder, type Ran } from './fixture.ts';

const OTHER = 'org:974652269';

describe('client: login at the development issuer', () => {
  const service = new Service();
  const folder = new Folder();
  const fileshare = commandLine(service, folder, () => ({ FILESHARE_TOKEN: '' }));
  const issuer = () => `${service.url}/local/issuer`;
  const cache = (name = 'default') => folder.path('state', 'hops-fileshare', 'tokens', `${name}.json`);

  interface Kept {
    accessToken: string;
    refreshToken?: string;
    expiresAt: number;
  }
  const kept = async (name?: string) => JSON.parse(await readFile(cache(name), 'utf8')) as Kept;

  async function change(changes: Partial<Kept>, name?: string): Promise<void> {
    await writeFile(cache(name), JSON.stringify({ ...(await kept(name)), ...changes }));
  }

  /** Plays the person in a browser. */
  async function decide(output: string, fields: Readonly<Record<string, string>>): Promise<void> {
    const [, url = ''] = /open {3}(\S+)/.exec(output) ?? [];
    const page = await (await fetch(url)).text();
    const [, code = ''] = /name="user_code" value="([A-Z-]{9})"/.exec(page) ?? [];
    const form = new URLSearchParams({ user_code: code, principal: OWNER, ...fields });
    const { status } = await fetch(new URL(url).origin + new URL(url).pathname, {
      method: 'POST',
      body: form,
    });
    assert.equal(status, 200);
  }

  async function login(
    args: readonly string[] = [],
    fields: Readonly<Record<string, string>> = {},
  ): Promise<Ran> {
    let decided: Promise<void> | undefined;
    const ran = await fileshare(['login', '--issuer', issuer(), '--client-id', 'cli', ...args], {
      watch: (output) => {
        if (/open {3}\S+\n/.test(output)) decided ??= decide(output, fields);
      },
    });
    await decided;
    return ran;
  }

  it('asks for a login where there is none', async () => {
    const ran = await fileshare(['ls']);
    assert.equal(ran.code, 2);
    assert.match(ran.stderr, /There is no token\. Log in with fileshare login/);
    assert.equal((await fileshare(['login'])).code, 2, 'an issuer is needed once');
    assert.equal((await fileshare(['login', '--issuer', 'http://idp.example', '--client-id', 'x'])).code, 2);
    assert.equal((await fileshare(['ls', '--profile', '../x'])).code, 2);
    assert.equal((await fileshare(['ls', '--profile', 'none'])).code, 2);
  });

  it('logs in by a code that a person enters elsewhere, for this user alone', async () => {
    const ran = await login(['--scope', 'openid offline_access fileshare.read fileshare.write'], {
      principal: OTHER,
    });
    assert.equal(ran.code, 0, ran.stderr);
    assert.equal(ran.stdout, '');
    assert.match(ran.stderr, /^Open {6}http:\S+\/activate\nand enter [A-Z]{4}-[A-Z]{4}\n/);
    assert.match(ran.stderr, /^Logged in as org:974652269, until \S+Z\.$/m);
    assert.equal((await stat(cache())).mode & 0o777, 0o600);
    assert.equal((await stat(folder.path('state', 'hops-fileshare', 'tokens'))).mode & 0o777, 0o700);
    assert.equal((await stat(folder.path('config', 'hops-fileshare', 'config.json'))).mode & 0o777, 0o600);
    assert.equal((await fileshare(['ls'])).code, 0);

    const whoami = await fileshare(['whoami', '--json']);
    const { profile, url, subject, scope, clientId } = JSON.parse(whoami.stdout) as Record<string, string>;
    assert.deepEqual(
      { profile, url, subject, scope, clientId },
      {
        profile: 'default',
        url: service.url,
        subject: OTHER,
        scope: 'fileshare.read fileshare.write',
        clientId: 'cli',
      },
    );
    assert.match((await fileshare(['whoami'])).stdout, /^subject {3}org:974652269$/m);
  });

  it('prints no token, whatever it is asked to tell', async () => {
    await change({ expiresAt: 1 });
    const before = await kept();
    const ran = await fileshare(['ls', '--verbose']);
    assert.equal(ran.code, 0, ran.stderr);
    assert.match(ran.stderr, /^POST http:\S+\/local\/issuer\/token 200 \d+ ms/m);
    const after = await kept();
    for (const { accessToken, refreshToken = '' } of [before, after])
      assert.ok(!ran.stderr.includes(accessToken) && !ran.stderr.includes(refreshToken));
  });

  it('renews what is about to expire, once for all processes', async () => {
    const before = await kept();
    await change({ expiresAt: Date.now() + 1000 });
    const runs = await Promise.all(Array.from({ length: 6 }, () => fileshare(['ls', '--verbose'])));
    for (const { code, stderr } of runs) assert.equal(code, 0, stderr);
    const renewed = runs.filter(({ stderr }) => stderr.includes('/local/issuer/token'));
    assert.equal(renewed.length, 1, 'a refresh token is good once');
    assert.notEqual((await kept()).refreshToken, before.refreshToken);
    assert.deepEqual((await readdir(folder.path('state', 'hops-fileshare', 'tokens'))).sort(), [
      'default.json',
    ]);
  });

  it('breaks the lock of a process that died', async () => {
    const lock = folder.path('state', 'hops-fileshare', 'tokens', 'default.lock');
    await change({ expiresAt: 1 });
    await writeFile(lock, '999999999 dead');
    assert.equal((await fileshare(['ls'])).code, 0);
    await assert.rejects(stat(lock), { code: 'ENOENT' });
  });

  it('refuses tokens that others may read', async () => {
    await chmod(cache(), 0o640);
    const ran = await fileshare(['ls']);
    assert.deepEqual([ran.code, /Others may read .*chmod 600/.test(ran.stderr)], [2, true]);
    await chmod(cache(), 0o600);
    const tokens = folder.path('state', 'hops-fileshare', 'tokens');
    await chmod(tokens, 0o755);
    assert.match((await fileshare(['ls'])).stderr, /Others may read .*chmod 700/);
    await chmod(tokens, 0o700);
    assert.equal((await fileshare(['ls'])).code, 0);
  });

  it('sends a token to no other service than that of the login', async () => {
    const ran = await fileshare(['ls', '--url', 'http://127.0.0.1:9']);
    assert.equal(ran.code, 2);
    assert.match(ran.stderr, /The login of profile default is for http:\S+, not for http:\/\/127\.0\.0\.1:9/);
  });

  it('ends with 7 where the login has expired', async () => {
    const { refreshToken = '' } = await kept();
    await change({ expiresAt: 1, refreshToken: 'used' });
    const expired = await fileshare(['ls', '--json']);
    assert.equal(expired.code, 7);
    const failure = JSON.parse(expired.stderr) as { code: string; detail: string };
    assert.equal(failure.code, 'login');
    assert.match(failure.detail, /The login has expired\. Run: fileshare login$/);
    await change({ refreshToken });
    assert.equal((await fileshare(['ls'])).code, 0);
  });

  it('is denied by the person', async () => {
    const ran = await login(['--profile', 'denied'], { deny: 'yes' });
    assert.equal(ran.code, 7);
    assert.match(ran.stderr, /access_denied: The person has said no/);
    await assert.rejects(stat(cache('denied')), { code: 'ENOENT' });
    const config = await readFile(folder.path('config', 'hops-fileshare', 'config.json'), 'utf8');
    assert.ok(!config.includes('denied'), 'a login that fails changes nothing');
  });

  it('can be interrupted while it waits', async () => {
    const ran = await fileshare(['login', '--profile', 'x', '--issuer', issuer(), '--client-id', 'cli'], {
      watch: (output, kill) => void (output.includes('and enter') && kill('SIGINT')),
    });
    assert.equal(ran.code, 130);
  });

  it('keeps profiles apart, and lets a token of the environment go first', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    await writeFile(folder.path('key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const args = ['--grant', 'jwt-bearer', '--key-file', 'key.pem', '--key-id', 'k1'];
    const client = ['--issuer', issuer(), '--client-id', OWNER, '--profile', 'machine'];
    const ran = await fileshare(['login', ...client, ...args, '--json']);
    assert.equal(ran.code, 0, ran.stderr);
    assert.equal((JSON.parse(ran.stdout) as { subject: string }).subject, OWNER);
    assert.equal((await fileshare(['ls', '--profile', 'machine'])).code, 0);
    const env = { FILESHARE_PROFILE: 'machine' };
    assert.match((await fileshare(['whoami'], { env })).stdout, /^subject {3}org:889640782$/m);
    const given = { ...env, FILESHARE_TOKEN: await service.platform.token('user:kari') };
    assert.match((await fileshare(['whoami'], { env: given })).stdout, /^subject {3}user:kari$/m);
    const chosen = await fileshare(['whoami', '--profile', 'default'], { env: given });
    assert.match(chosen.stdout, /^subject {3}org:974652269$/m);

    // A client needs no person: its tokens are got when they are needed.
    assert.equal((await fileshare(['logout', '--profile', 'machine'])).code, 0);
    assert.equal((await fileshare(['ls', '--profile', 'machine'])).code, 0);
  });

  it('gets tokens by the credentials of a client', async () => {
    const args = ['--grant', 'client-credentials', '--profile', 'secret', '--scope', 'fileshare.read'];
    await writeFile(folder.path('secret'), 'not verified here\n');
    const secret = ['--client-secret-file', 'secret'];
    const ran = await fileshare(['login', '--issuer', issuer(), '--client-id', 'job-1', ...args, ...secret]);
    assert.equal(ran.code, 0, ran.stderr);
    const { stdout } = await fileshare(['whoami', '--profile', 'secret', '--json']);
    const { subject, scope } = JSON.parse(stdout) as Record<string, string>;
    assert.deepEqual([subject, scope], ['app:job-1', 'fileshare.read']);
    const other = await fileshare(['login', '--profile', 'secret', '--scope', 'unknown']);
    assert.deepEqual([other.code, /invalid_scope/.test(other.stderr)], [7, true]);
  });

  it('logs out here and at the issuer', async () => {
    const { refreshToken = '' } = await kept();
    const ran = await fileshare(['logout', '--json']);
    assert.deepEqual(JSON.parse(ran.stdout), { profile: 'default', revoked: true });
    await assert.rejects(stat(cache()), { code: 'ENOENT' });
    const again = await fileshare(['ls']);
    assert.deepEqual(
      [again.code, /Nobody is logged in\. Run: fileshare login$/m.test(again.stderr)],
      [7, true],
    );
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      client_id: 'cli',
    });
    const answer = await fetch(`${issuer()}/token`, { method: 'POST', body: form });
    assert.equal(((await answer.json()) as { error: string }).error, 'invalid_grant');
    assert.equal((await fileshare(['logout'])).code, 0);
  });

  it('names the fault of a configuration', async () => {
    await mkdir(folder.path('faults', 'hops-fileshare'), { recursive: true });
    const env = { XDG_CONFIG_HOME: folder.path('faults') };
    const faults: readonly [string, RegExp][] = [
      ['{', /should be JSON/],
      ['{"profiles": {"default": {"issur": "x"}}}', /has issur, which is no setting/],
      ['{"profiles": {"default": {"url": 1}}}', /url of profile default should be a string/],
      ['{"profiles": {"default": {"grant": "password"}}}', /should be one of device/],
      ['{"profiles": {"default": "x"}}', /should be an object/],
    ];
    for (const [text, message] of faults) {
      await writeFile(folder.path('faults', 'hops-fileshare', 'config.json'), text);
      const { code, stderr } = await fileshare(['ls'], { env });
      assert.equal(code, 2, text);
      assert.match(stderr, message);
    }
  });
});
