import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Page } from 'playwright-core';
import { CHROMIUM, launchChromium } from '../support/chromium.ts';
import { OWNER, Service } from '../support/service.ts';

const MIB = 1024 * 1024;

/** The page's program; its findings are its answer. */
const PAGE = `
import { Fileshare } from './index.ts';
const { token, size } = await (await fetch('/case')).json();
const bytes = crypto.getRandomValues(new Uint8Array(65536));
const file = new File(Array.from({ length: size / bytes.length }, () => bytes), 'page.bin', { lastModified: 1 });
const options = { url: location.origin, token, postUpTo: 1024 * 1024, chunkSize: 1024 * 1024 };
const found = { ways: {} };
try {
  for (const via of ['post', 'tus', 'direct']) {
    const sent = [];
    const { id } = await new Fileshare(options).upload(file, { via, onProgress: (p) => sent.push(p.sent) });
    const { state, sha256 } = await new Fileshare(options).wait(id, { timeout: 30 });
    const copy = await (await new Fileshare(options).download(id)).bytes();
    found.ways[via] = { state, same: copy.length === size && copy[size - 1] === bytes[65535], steps: sent.length };
  }
  const controller = new AbortController();
  const onProgress = (p) => p.sent > 2.5 * 1024 * 1024 && controller.abort();
  await new Fileshare(options).upload(file, { onProgress, signal: controller.signal }).catch((e) => (found.cut = e.name));
  found.remembered = Object.keys(localStorage).length;
  let resumedFrom = 0;
  await new Fileshare(options).upload(file, { onProgress: (p) => (resumedFrom = p.resumedFrom) });
  found.resumedFrom = resumedFrom;
  found.left = Object.keys(localStorage).length;
  found.refused = await new Fileshare({ ...options, token: 'x' }).upload(file).catch((e) => e.name + ' ' + e.code);
} catch (error) {
  found.error = String(error.stack);
}
report(found);
`;

interface Found {
  readonly error?: string;
  readonly ways: Record<string, { state: string; same: boolean; steps: number }>;
  readonly cut: string;
  readonly remembered: number;
  readonly resumedFrom: number;
  readonly left: number;
  readonly refused: string;
}

describe('client: in a browser', () => {
  if (!CHROMIUM) {
    it('SKIPPED: there is no Chromium');
    return;
  }
  const service = new Service();

  it('uploads with progress, resumes from localStorage, downloads and verifies', async () => {
    const { outputFiles } = await build({
      stdin: { contents: PAGE, resolveDir: join(import.meta.dirname, '../../client/src'), loader: 'ts' },
      bundle: true,
      format: 'esm',
      platform: 'browser',
      write: false,
    });
    const script = outputFiles[0]?.text ?? '';
    const token = await service.platform.token(OWNER);
    const server = createServer((asked, answer) => {
      if (asked.url === '/') return void answer.end('<script type="module" src="/page.js"></script>', 'utf8');
      if (asked.url === '/page.js') {
        return void answer.writeHead(200, { 'content-type': 'text/javascript' }).end(script);
      }
      if (asked.url === '/case') return void answer.end(JSON.stringify({ token, size: 4 * MIB }));
      relay(service.url, asked, answer);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const browser = await launchChromium();
    try {
      const found = await foundBy(await browser.newPage(), `http://127.0.0.1:${port}/`);
      assert.equal(found.error, undefined);
      for (const via of ['post', 'tus', 'direct']) {
        assert.deepEqual({ ...found.ways[via], steps: 0 }, { state: 'clean', same: true, steps: 0 }, via);
        assert.ok((found.ways[via]?.steps ?? 0) > 0, `${via} shows progress`);
      }
      assert.equal(found.cut, 'AbortError');
      assert.equal(found.remembered, 1);
      assert.ok(found.resumedFrom >= 2 * MIB, `resumed from ${found.resumedFrom}`);
      assert.equal(found.left, 0);
      assert.equal(found.refused, 'FileshareProblem unauthenticated');
    } finally {
      await browser.close();
      server.closeAllConnections();
      server.close();
    }
  });
});

async function foundBy(page: Page, url: string): Promise<Found> {
  const found = Promise.withResolvers<Found>();
  await page.exposeFunction('report', found.resolve);
  page.on('pageerror', found.reject);
  const [answer] = await Promise.all([found.promise, page.goto(url)]);
  return answer;
}

/** Page and service have one origin, as behind a load balancer. */
function relay(target: string, asked: IncomingMessage, answer: ServerResponse): void {
  const { method = 'GET', headers, url = '/' } = asked;
  const forwarded = request(new URL(url, target), {
    method,
    headers: { ...headers, host: new URL(target).host },
  });
  forwarded.on('response', (response) => {
    answer.writeHead(response.statusCode ?? 502, response.headers);
    response.pipe(answer);
  });
  forwarded.on('error', () => answer.destroy());
  answer.on('close', () => forwarded.destroy());
  asked.pipe(forwarded);
}
