import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import type { Issuer } from '../../../../infra/local/issuer/issuer.ts';
import { localPages } from '../../../../infra/local/page/local-pages.ts';
import type { PlatformStatus } from '../../../../infra/local/page/status-page.ts';
import { samples } from '../../../../infra/local/samples/samples.ts';
import { type Answer, ask } from '../gateway/gateway-fixture.ts';
import { NO_METRICS } from './no-metrics.ts';

describe('the page, as it is served', () => {
  let server: Server;
  let port: number;
  let developmentSignatures: boolean | undefined = true;

  before(async () => {
    const status = (): PlatformStatus => {
      if (developmentSignatures === undefined) throw new Error('nobody knows');
      return {
        ready: true,
        developmentSignatures,
        url: 'http://127.0.0.1:1',
        uploadUrl: 'http://127.0.0.1:4',
        filesUrl: 'http://127.0.0.1:5',
        storageUrl: 'http://127.0.0.1:9199',
        pubsubHost: '127.0.0.1:2',
        sweeperUrl: 'http://127.0.0.1:3',
        data: '/data',
        processes: [],
      };
    };
    const noKey = () => Promise.reject(new Error('no key'));
    const issuer: Issuer = { url: '', jwks: { keys: [] }, token: noKey, idToken: noKey };
    server = createServer(
      localPages({
        issuer,
        status,
        live: { watch: (response) => response.end('live') },
        operator: { tokens: { identity: () => assert.fail() }, sweeperUrl: '', metrics: NO_METRICS },
      }),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  });
  beforeEach(() => {
    developmentSignatures = true;
  });
  after(() => server.close());

  const get = (path: string, options = {}): Promise<Answer> => ask(port, { path, ...options });

  it('is a document with its style, its icon and a script that has the client in it', async () => {
    const { headers, body } = await get('/');
    assert.equal(headers['content-type'], 'text/html; charset=utf-8');
    for (const [, path = ''] of body.matchAll(/(?:src|href)="(\/local\/page\/[^"]+)"/g)) {
      assert.equal((await get(path)).status, 200, path);
    }
    const script = await get('/local/page/main.js');
    assert.match(String(script.headers['content-type']), /^text\/javascript/);
    assert.match(script.body, /FileshareProblem/);
    assert.doesNotMatch(script.body, /^import /m, 'nothing is left to fetch');
  });

  it('is below 100 KB when it is compressed', async () => {
    const paths = [
      '/',
      ...['main.js', 'tour.js', 'style.css', 'tour.css', 'icon.svg'].map((name) => `/local/page/${name}`),
    ];
    const bodies = await Promise.all(paths.map(async (path) => (await get(path)).body));
    const size = bodies.reduce((sum, body) => sum + gzipSync(body).length, 0);
    assert.ok(size > 20_000 && size < 100_000, `${size} bytes`);
  });

  it('lets nothing inline run, and connects to this machine alone', async () => {
    const { headers, body } = await get('/');
    const policy = String(headers['content-security-policy']);
    assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'; /);
    assert.match(policy, /connect-src 'self' http:\/\/127\.0\.0\.1:9199 http:\/\/127\.0\.0\.1:1;/);
    assert.doesNotMatch(body, /<style|\sstyle=|\son\w+=|<script(?! type="module" src=)/);
  });

  it('warns unless ClamAV has official signatures', async () => {
    assert.match(
      (await get('/')).body,
      /class="warning" role="alert" aria-label="Signatures"><p><strong>DEVELOPMENT SIGNATURES/,
    );
    developmentSignatures = false;
    assert.doesNotMatch((await get('/')).body, /class="warning" role="alert"|DEVELOPMENT/);
  });

  it('offers each sample, and gives it as it is', async () => {
    const { body } = await get('/');
    const offered = [...body.matchAll(/data-sample="([^"]+)"/g)].map(([, name]) => name);
    assert.deepEqual(
      offered,
      samples().map(({ name }) => name),
    );
    const [letter] = samples();
    assert.ok(letter);
    const answer = await get('/local/samples/letter.pdf');
    assert.equal(answer.body, (await buffer(letter.open())).toString());
    assert.equal(answer.headers['content-disposition'], 'attachment; filename="letter.pdf"');
    assert.equal(answer.headers['content-security-policy'], 'sandbox');
    assert.equal((await get('/local/samples/other.pdf')).status, 404);
    assert.equal((await get('/local/samples/..%2f..%2fpackage.json')).status, 404);
  });

  it('is served under this machine’s own names alone, with all that belongs to it', async () => {
    for (const path of ['/', '/local/page/main.js', '/local/samples/letter.pdf', '/local/live']) {
      assert.equal((await get(path, { headers: { host: 'attacker.example' } })).status, 421, path);
      assert.equal((await get(path, { headers: { host: `localhost:${port}` } })).status, 200, path);
    }
  });

  it('is nothing else', async () => {
    for (const path of [
      '/local/page/',
      '/local/page/main.ts',
      '/local/constructor',
      '/local/page/__proto__',
    ]) {
      assert.equal((await get(path)).status, 404, path);
    }
    assert.equal((await get('/', { method: 'POST' })).status, 405);
    assert.equal((await get('/local/live', { method: 'HEAD' })).status, 405);
  });

  it('says what went wrong where it cannot be made, and lives on', async () => {
    developmentSignatures = undefined;
    const { status, body } = await get('/');
    assert.equal(status, 500);
    assert.equal(JSON.parse(body).detail, 'nobody knows');
    assert.equal((await get('/local/token?principal=a')).status, 500);
  });
});
