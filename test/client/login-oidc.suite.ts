import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { Folder, MAIN, type Ran, type RunOptions, run } from './fixture.ts';
import { approve, OidcIssuer, RESOURCE, SECRET } from './oidc-issuer.ts';

describe('client: login at an issuer that is not ours', () => {
  const issuer = new OidcIssuer();
  const folder = new Folder();
  const cache = (name: string) => folder.path('state', 'hops-fileshare', 'tokens', `${name}.json`);

  before(() => issuer.start());
  after(() => issuer.stop());

  function fileshare(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
    const env = {
      FILESHARE_TOKEN: '',
      FILESHARE_URL: RESOURCE,
      XDG_STATE_HOME: folder.path('state'),
      XDG_CONFIG_HOME: folder.path('config'),
      ...options.env,
    };
    return run(process.execPath, [MAIN, ...args], { cwd: folder.path(), ...options, env });
  }

  const login = (profile: string, ...args: string[]) => {
    const common = ['--profile', profile, '--issuer', issuer.url, '--audience', RESOURCE];
    return ['login', ...common, ...args];
  };
  const whoami = async (profile: string) => {
    const ran = await fileshare(['whoami', '--profile', profile, '--json']);
    assert.equal(ran.code, 0, ran.stderr);
    return JSON.parse(ran.stdout) as Record<string, string>;
  };
  const expire = async (profile: string) => {
    const tokens = JSON.parse(await readFile(cache(profile), 'utf8')) as { accessToken: string };
    await writeFile(cache(profile), JSON.stringify({ ...tokens, expiresAt: 1 }));
    return tokens.accessToken;
  };
  const tokenOf = async (profile: string) =>
    (JSON.parse(await readFile(cache(profile), 'utf8')) as { accessToken: string }).accessToken;

  describe('by a code', () => {
    it('logs in, and says who it is', async () => {
      let approved: Promise<string> | undefined;
      const scope = 'openid offline_access fileshare.read fileshare.write';
      const ran = await fileshare(login('me', '--client-id', 'cli', '--scope', scope), {
        watch: (output) => {
          const [, url] = /open {3}(\S+)\n/.exec(output) ?? [];
          if (url) approved ??= approve(url, 'kari');
        },
      });
      assert.match((await approved) ?? '', /Sign-in Success/i);
      assert.equal(ran.code, 0, ran.stderr);
      assert.match(ran.stderr, /^Logged in as kari, until/m);
      const { subject, clientId, scope: granted, url } = await whoami('me');
      assert.deepEqual([subject, clientId, url], ['kari', 'cli', RESOURCE]);
      assert.equal(granted, 'fileshare.read fileshare.write');
    });

    it('renews the token', async () => {
      const before = await expire('me');
      assert.equal((await whoami('me'))['subject'], 'kari');
      assert.notEqual(await tokenOf('me'), before);
    });

    it('keeps the login while the issuer is away', async () => {
      await expire('me');
      await issuer.stop();
      const ran = await fileshare(['whoami', '--profile', 'me']);
      assert.equal(ran.code, 5);
      assert.match(ran.stderr, /no answer/);
      await issuer.start();
      assert.equal((await whoami('me'))['subject'], 'kari');
    });

    it('revokes the tokens when it logs out', async () => {
      const kept = await readFile(cache('me'), 'utf8');
      const ran = await fileshare(['logout', '--profile', 'me', '--json']);
      assert.deepEqual(JSON.parse(ran.stdout), { profile: 'me', revoked: true });
      await writeFile(cache('me'), kept, { mode: 0o600 });
      await expire('me');
      const after = await fileshare(['whoami', '--profile', 'me']);
      assert.deepEqual([after.code, /The login has expired/.test(after.stderr)], [7, true]);
    });
  });

  describe('by the credentials of a client', () => {
    it('proves itself by its secret, from the environment or a file', async () => {
      const args = ['--client-id', 'job', '--grant', 'client-credentials', '--scope', 'fileshare.read'];
      const env = { FILESHARE_CLIENT_SECRET: SECRET };
      const ran = await fileshare(login('job', ...args), { env });
      assert.equal(ran.code, 0, ran.stderr);
      assert.equal((await whoami('job'))['clientId'], 'job');
      const config = await readFile(folder.path('config', 'hops-fileshare', 'config.json'), 'utf8');
      assert.ok(!config.includes(SECRET) && !(await readFile(cache('job'), 'utf8')).includes(SECRET));
      const before = await expire('job');
      await writeFile(folder.path('wrong'), 'wrong');
      const wrong = await fileshare(['login', '--profile', 'job', '--client-secret-file', 'wrong']);
      assert.deepEqual([wrong.code, /invalid_client/.test(wrong.stderr)], [7, true]);
      await writeFile(folder.path('right'), `${SECRET}\n`);
      const right = await fileshare(['login', '--profile', 'job', '--client-secret-file', 'right']);
      assert.equal(right.code, 0, right.stderr);
      assert.notEqual(await tokenOf('job'), before);
    });

    for (const [kind, ...more] of [['rsa'], ['rsa', '--algorithm', 'PS256'], ['ec']] as const) {
      it(`proves itself by its key: ${[kind, ...more].join(' ')}`, async () => {
        const { privateKey } = issuer[kind];
        const file = `${kind}.key`;
        const text =
          kind === 'rsa'
            ? privateKey.export({ type: 'pkcs8', format: 'pem' })
            : JSON.stringify({ ...privateKey.export({ format: 'jwk' }), kid: 'ec' });
        await writeFile(folder.path(file), text);
        const key = ['--key-file', file, ...(kind === 'rsa' ? ['--key-id', 'rsa'] : [])];
        const args = ['--client-id', 'keyed', '--grant', 'client-credentials', ...key, ...more];
        const ran = await fileshare(login(`keyed-${kind}`, ...args, '--scope', 'fileshare.write'));
        assert.equal(ran.code, 0, ran.stderr);
        assert.equal((await whoami(`keyed-${kind}`))['scope'], 'fileshare.write');
      });
    }

    it('is refused with the key of another', async () => {
      await writeFile(
        folder.path('other.key'),
        JSON.stringify(new OidcIssuer().ec.privateKey.export({ format: 'jwk' })),
      );
      const key = ['--key-file', 'other.key', '--key-id', 'ec'];
      const ran = await fileshare(
        login('other', '--client-id', 'keyed', '--grant', 'client-credentials', ...key),
      );
      assert.deepEqual([ran.code, /invalid_client/.test(ran.stderr)], [7, true]);
    });
  });

  it('refuses metadata of another issuer', async () => {
    const other = issuer.url.replace('127.0.0.1', 'localhost');
    const ran = await fileshare(['login', '--profile', 'x', '--issuer', other, '--client-id', 'cli']);
    assert.equal(ran.code, 7);
    assert.match(ran.stderr, /issuer/);
  });
});
