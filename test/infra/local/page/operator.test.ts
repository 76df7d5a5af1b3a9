import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { decodeJwt } from 'jose';
import { createIssuer, type Issuer } from '../../../../infra/local/issuer/issuer.ts';
import { operate } from '../../../../infra/local/page/operator.ts';
import { localTokens } from '../../../../infra/local/processes/identity.ts';
import { NO_METRICS } from './no-metrics.ts';

describe('orders of operators, by way of the page', () => {
  let folder: string;
  let issuer: Issuer;
  let url: string;
  let sweeper: Server;
  let page: Server;

  async function listening(server: Server): Promise<string> {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'fileshare-'));
    issuer = await createIssuer(folder, 'http://127.0.0.1:1');
    sweeper = createServer(async (request, response) => {
      const token = request.headers.authorization?.replace('Bearer ', '') ?? '';
      const { url, method } = request;
      response.writeHead(202, { 'content-type': 'application/json', 'x-private': 'yes' });
      response.end(JSON.stringify({ url, method, token: decodeJwt(token), body: await text(request) }));
    });
    const sweeperUrl = await listening(sweeper);
    page = createServer((request, response) => {
      const target = new URL(request.url ?? '', 'http://127.0.0.1');
      void operate(
        { issuer, tokens: localTokens(folder), sweeperUrl, metrics: NO_METRICS },
        target,
        request,
        response,
      );
    });
    url = await listening(page);
  });
  after(() => {
    for (const server of [sweeper, page]) server.closeAllConnections();
    page.close();
    rmSync(folder, { recursive: true });
  });

  async function order(token: string | undefined, body?: string): Promise<Response> {
    return fetch(`${url}/local/operator/release?a=b`, {
      method: 'POST',
      ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }),
      ...(body !== undefined && { body }),
    });
  }

  it('reach the sweeper in the name of their principal', async () => {
    const answer = await order(await issuer.token('user:ada', ['admin']), '{"reason": "ours"}');
    assert.deepEqual([answer.status, answer.headers.get('x-private')], [202, null]);
    const got = (await answer.json()) as Record<string, unknown> & { token: Record<string, unknown> };
    assert.deepEqual(
      [got['url'], got['method'], got['body']],
      ['/release?a=b', 'POST', '{"reason": "ours"}'],
    );
    assert.equal(got.token['email'], 'user:ada@operators.example');
  });

  it('are refused without a token of an administrator that the issuer has signed', async () => {
    const other = await createIssuer(mkdtempSync(join(folder, 'other')), 'http://127.0.0.1:1');
    for (const token of [
      undefined,
      'x.y.z',
      await issuer.token('user:ada'),
      await issuer.token('user:ada', ['admin'], { expiresInSeconds: -10 }),
      await other.token('user:ada', ['admin']),
    ]) {
      assert.equal((await order(token, '{}')).status, 403);
    }
  });

  it('are refused where they are too long, and where the sweeper does not answer', async () => {
    const token = await issuer.token('user:ada', ['admin']);
    assert.equal((await order(token, 'x'.repeat(65 * 1024))).status, 413);
    sweeper.closeAllConnections();
    sweeper.close();
    await once(sweeper, 'close');
    assert.equal((await order(token)).status, 503);
  });
});
