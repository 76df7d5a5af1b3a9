import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, createPublicKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeProtectedHeader, jwtVerify, SignJWT } from 'jose';
import { Folder, MAIN, type Ran, type RunOptions, run } from './fixture.ts';

interface Answer {
  readonly status?: number;
  readonly body: unknown;
}

/** Serves what a test says by path; what it refuses, it refuses as the token endpoint of the documentation does. */
class TokenServer {
  readonly #server: Server;
  answer: (path: string, form: URLSearchParams) => Promise<Answer | undefined> = async () => undefined;

  constructor() {
    this.#server = createServer(async (request, response) => {
      let text = '';
      for await (const piece of request) text += piece;
      const { status = 200, body } = await this.answer(request.url ?? '', new URLSearchParams(text))
        .then((answer) => answer ?? { status: 404, body: {} })
        .catch((error: Error) => ({
          status: 400,
          body: { error: 'invalid_grant', error_description: error.message },
        }));
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    });
    before(async () => {
      this.#server.listen(0, '127.0.0.1');
      await once(this.#server, 'listening');
    });
    after(() => {
      this.#server.closeAllConnections();
      this.#server.close();
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
}

const SECRET = new TextEncoder().encode('tokens are not verified here, only read by whoami');

function token(claims: Record<string, unknown>): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).setExpirationTime('2m').sign(SECRET);
}

describe('client: login of a machine', () => {
  const folder = new Folder();
  const server = new TokenServer();
  let publicKey: ReturnType<typeof createPublicKey>;

  before(async () => {
    const command =
      'req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=client -keyout client.key -out client.pem';
    execFileSync('openssl', command.split(' '), { cwd: folder.path(), stdio: 'pipe' });
    const other =
      'req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=other -keyout other.key -out other.pem';
    execFileSync('openssl', other.split(' '), { cwd: folder.path(), stdio: 'pipe' });
    publicKey = createPublicKey(await readFile(folder.path('client.pem')));
  });

  function fileshare(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
    const env = {
      FILESHARE_TOKEN: '',
      XDG_STATE_HOME: folder.path('state'),
      XDG_CONFIG_HOME: folder.path('config'),
    };
    return run(process.execPath, [MAIN, ...args], { cwd: folder.path(), ...options, env });
  }

  describe('at Maskinporten, as its documentation has it', () => {
    // https://docs.digdir.no/docs/Maskinporten/maskinporten_protocol_jwtgrant
    const used = new Set<string>();
    const scope = 'nav:helse:helseopplysninger.read nav:helse:helseopplysninger.write';
    let asked = 0;

    async function maskinporten(path: string, form: URLSearchParams): Promise<Answer | undefined> {
      const issuer = `${server.url}/`;
      if (path === '/.well-known/oauth-authorization-server')
        return { body: { issuer, token_endpoint: `${issuer}token`, grant_types_supported: [] } };
      if (path !== '/token') return undefined;
      asked++;
      assert.deepEqual([...form.keys()].sort(), ['assertion', 'grant_type']);
      assert.equal(form.get('grant_type'), 'urn:ietf:params:oauth:grant-type:jwt-bearer');
      const assertion = form.get('assertion') ?? '';
      const { payload, protectedHeader } = await jwtVerify(assertion, publicKey, {
        issuer: 'client-1',
        audience: issuer,
        algorithms: ['RS256', 'RS384', 'RS512'],
      });
      const { iat = 0, exp = 0, jti = '', scope: wanted, resource } = payload;
      assert.equal(protectedHeader.kid, 'key-1');
      assert.ok(Math.abs(iat - Date.now() / 1000) < 10, 'iat is now');
      assert.ok(exp - iat <= 120, 'exp is soon');
      assert.ok(jti && !used.has(jti), 'an assertion is good once');
      used.add(jti);
      assert.deepEqual([wanted, resource], [scope, ['https://fileshare.example.no']]);
      const consumer = { authority: 'iso6523-actorid-upis', ID: '0192:889640782' };
      return {
        body: {
          access_token: await token({ iss: issuer, client_id: 'client-1', scope: wanted, consumer }),
          token_type: 'Bearer',
          expires_in: 119,
          scope: wanted,
        },
      };
    }

    const client = ['--client-id', 'client-1', '--grant', 'jwt-bearer', '--scope', scope];
    const key = ['--audience', 'https://fileshare.example.no', '--key-file', 'client.key'];

    it('gets a token by an assertion, and another when that expires', async () => {
      server.answer = maskinporten;
      const args = ['login', '--issuer', `${server.url}/`, ...client, ...key, '--key-id', 'key-1'];
      const ran = await fileshare(args);
      assert.equal(ran.code, 0, ran.stderr);
      assert.match(ran.stderr, /^Logged in as 0192:889640782, until \S+Z\.\n$/);
      assert.equal((await fileshare(['whoami'])).code, 0);
      assert.equal(asked, 1, 'a token is kept');
      const path = folder.path('state', 'hops-fileshare', 'tokens', 'default.json');
      const kept = JSON.parse(await readFile(path, 'utf8')) as object;
      // 25 of 119 s are left: less than a quarter, and more than a request takes.
      const times = { obtainedAt: Date.now() - 94_000, expiresAt: Date.now() + 25_000 };
      await writeFile(path, JSON.stringify({ ...kept, ...times }));
      assert.match((await fileshare(['whoami'])).stdout, /^subject {3}0192:889640782$/m);
      assert.equal(asked, 2);
    });

    it('is refused with the key of another, and without one', async () => {
      const refused = await fileshare([
        'login',
        '--profile',
        'other',
        '--issuer',
        `${server.url}/`,
        ...client,
        '--key-file',
        'other.key',
      ]);
      assert.deepEqual(
        [refused.code, /invalid_grant: signature verification failed/.test(refused.stderr)],
        [7, true],
      );
      const without = await fileshare([
        'login',
        '--profile',
        'none',
        '--issuer',
        `${server.url}/`,
        ...client,
      ]);
      assert.deepEqual([without.code, /needs --key-file/.test(without.stderr)], [2, true]);
    });

    it('says which file is no key, and prints nothing of it', async () => {
      await writeFile(
        folder.path('no.key'),
        '-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----\n',
      );
      await writeFile(folder.path('no.jwk'), '{"kty":"RSA","d":"secret"');
      for (const file of ['no.key', 'no.jwk']) {
        const args = ['login', '--profile', 'x', '--issuer', `${server.url}/`, ...client, '--key-file', file];
        const ran = await fileshare(args);
        assert.equal(ran.code, 2);
        assert.match(ran.stderr, new RegExp(`${file} has no private key`));
        assert.ok(!ran.stderr.includes('secret'));
      }
      const unfit = [...client, '--key-file', 'client.key', '--algorithm', 'ES256'];
      const ran = await fileshare(['login', '--profile', 'x', '--issuer', `${server.url}/`, ...unfit]);
      assert.match(ran.stderr, /ES256 does not fit this key/);
    });

    it('keeps the login through an answer of 503', async () => {
      server.answer = async (path, form) =>
        path === '/token' ? { status: 503, body: {} } : maskinporten(path, form);
      const path = folder.path('state', 'hops-fileshare', 'tokens', 'default.json');
      const kept = await readFile(path, 'utf8');
      await writeFile(path, JSON.stringify({ ...(JSON.parse(kept) as object), expiresAt: 1 }));
      const ran = await fileshare(['whoami', '--json']);
      assert.equal(ran.code, 5);
      assert.equal((JSON.parse(ran.stderr) as { code: string }).code, 'unreachable');
      server.answer = maskinporten;
      assert.equal((await fileshare(['whoami'])).code, 0);
    });
  });

  it('gets a token at Entra ID by a certificate, as its documentation has it', async () => {
    // https://learn.microsoft.com/entra/identity-platform/certificate-credentials
    const tenant = `${server.url}/tenant`;
    server.answer = async (path, form) => {
      if (path === '/tenant/v2.0/.well-known/openid-configuration')
        return { body: { issuer: `${tenant}/v2.0`, token_endpoint: `${tenant}/oauth2/v2.0/token` } };
      if (path !== '/tenant/oauth2/v2.0/token') return undefined;
      const names = ['client_assertion', 'client_assertion_type', 'client_id', 'grant_type', 'scope'];
      assert.deepEqual([...form.keys()].sort(), names);
      assert.equal(form.get('grant_type'), 'client_credentials');
      const assertion = form.get('client_assertion') ?? '';
      const { raw } = new X509Certificate(await readFile(folder.path('client.pem')));
      const thumbprint = createHash('sha256').update(raw).digest('base64url');
      const header = decodeProtectedHeader(assertion);
      assert.deepEqual([header.alg, header.typ, header['x5t#S256']], ['PS256', 'JWT', thumbprint]);
      const checks = { issuer: 'app-1', subject: 'app-1', audience: `${tenant}/oauth2/v2.0/token` };
      await jwtVerify(assertion, publicKey, checks);
      const access = await token({ azp: 'app-1', oid: 'object-1', roles: ['fileshare.read'] });
      return { body: { access_token: access, token_type: 'Bearer', expires_in: 3599, ext_expires_in: 3599 } };
    };
    const args = [
      '--profile',
      'entra',
      '--grant',
      'client-credentials',
      '--scope',
      'api://fileshare/.default',
    ];
    const client = ['--issuer', `${tenant}/v2.0`, '--client-id', 'app-1', '--key-file', 'client.key'];
    const ran = await fileshare(['login', ...args, ...client, '--certificate-file', 'client.pem']);
    assert.equal(ran.code, 0, ran.stderr);
    const { stdout } = await fileshare(['whoami', '--profile', 'entra', '--json']);
    const { subject, scope, clientId } = JSON.parse(stdout) as Record<string, string>;
    assert.deepEqual([subject, scope, clientId], ['object-1', 'fileshare.read', 'app-1']);
    const other = await fileshare(['login', '--profile', 'entra', '--certificate-file', 'other.pem']);
    assert.deepEqual([other.code, /not that of this certificate/.test(other.stderr)], [2, true]);
  });
});
