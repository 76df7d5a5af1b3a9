import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, existsSync, globSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { CHROMIUM } from '../support/chromium.ts';
import { shoot, Window } from './fixture.ts';

const ROOT = join(import.meta.dirname, '../..');
const SITE = join(ROOT, '.site/dist');
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
};

/** The file that a static server sends for a path of the site. */
function fileAt(path: string): `/${string}` {
  return `/${path.replace(/^\//, '').replace(/(^|\/)$/, '$1index.html')}`;
}

/** The links and anchors of each page, as they are in its HTML. */
function readSite() {
  const files = globSync('**/*.html', { cwd: SITE });
  return new Map(
    files.map((file) => {
      const html = readFileSync(join(SITE, file), 'utf8');
      // The API reference links to nothing but itself, by scripts.
      const links = file === 'openapi.html' ? [] : [...html.matchAll(/<a [^>]*?href="([^"]*)"/g)];
      const ids = [...html.matchAll(/ id="([^"]*)"/g)].map(([, id = '']) => id);
      return [`/${file}`, { links: links.map(([, href = '']) => href), ids: new Set(ids) }] as const;
    }),
  );
}

describe('the documentation site', () => {
  before(async function () {
    this.timeout(600_000);
    await promisify(execFile)('npm', ['run', '--silent', 'docs'], { cwd: ROOT });
  });

  it('has no link that leads nowhere, and no page that nothing leads to', () => {
    const site = readSite();
    const broken: string[] = [];
    const reached = new Set(['/404.html']);
    const queue: `/${string}`[] = ['/index.html'];
    for (let page = queue.pop(); page !== undefined; page = queue.pop()) {
      if (reached.has(page)) continue;
      reached.add(page);
      for (const link of site.get(page)?.links ?? []) {
        const { origin, pathname, hash } = new URL(link, `http://site${page}`);
        if (origin !== 'http://site') continue;
        const file = fileAt(decodeURI(pathname));
        const anchor = decodeURIComponent(hash.slice(1));
        const target = site.get(file);
        if (!existsSync(join(SITE, file))) broken.push(`${page}: ${link}`);
        else if (anchor && target && !target.ids.has(anchor)) broken.push(`${page}: no heading ${link}`);
        if (target) queue.push(file);
      }
    }
    assert.deepEqual(broken, []);
    assert.deepEqual(
      [...site.keys()].filter((page) => !reached.has(page)),
      [],
    );
    assert.ok(site.size > 60, `${site.size} pages`);
  });

  it('has an API reference that reports nothing to its maker', () => {
    // Redoc sends its reports in batches, perhaps after the tests below.
    assert.match(
      readFileSync(join(SITE, 'openapi.html'), 'utf8'),
      /__redoc_options = \{.*"disableTelemetry":true/,
    );
  });

  describe('in a browser', () => {
    if (!CHROMIUM) {
      it('SKIPPED: there is no Chromium');
      return;
    }
    const window = new Window();
    const server = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? '/', 'http://site');
      const file = join(SITE, fileAt(decodeURI(pathname)));
      if (!existsSync(file)) return void response.writeHead(404).end();
      response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' });
      createReadStream(file).pipe(response);
    });
    let url: string;
    const faults: string[] = [];
    before(async () => {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    });
    afterEach(() => assert.deepEqual(faults.splice(0), []));
    after(() => server.close());

    /** A page of the site. A request that fails or goes to another host fails the test. */
    async function open(path: string): Promise<Page> {
      const page = await window.open('about:blank');
      page.on('request', (request) => {
        const asked = request.url();
        if (!/^(data|blob):/.test(asked) && new URL(asked).origin !== url) faults.push(`asks ${asked}`);
      });
      page.on('response', (response) => {
        if (response.status() >= 400) faults.push(`${response.status()} for ${response.url()}`);
      });
      await page.goto(`${url}${path}`);
      return page;
    }

    it('finds "quarantine"', async () => {
      const page = await open('/');
      await page.getByRole('button', { name: 'Search' }).click();
      await page.getByRole('searchbox').or(page.locator('#localsearch-input')).first().fill('quarantine');
      const found = page.locator('#localsearch-list a');
      await found.first().waitFor();
      await shoot(page, 'docs-search');
      await found.first().click();
      await page.waitForURL((address) => address.pathname !== '/');
      await page.locator('main', { hasText: /quarantine/i }).waitFor();
    });

    it('draws diagrams', async () => {
      const page = await open('/architecture.html');
      await page.locator('.diagram svg', { hasText: 'ClamAV sidecar' }).waitFor();
      await shoot(page, 'docs-diagram');
    });

    it('renders an operation of the API', async () => {
      const page = await open('/openapi.html');
      await page
        .getByRole('link', { name: 'POST /files', exact: true })
        .or(page.getByText('/files', { exact: true }))
        .first()
        .click();
      await page.getByRole('heading', { name: 'Upload a file' }).first().waitFor();
      await page.getByText('Idempotency-Key', { exact: true }).first().waitFor();
      await shoot(page, 'docs-api');
    });

    it('shows a source that a page links to as text', async () => {
      const page = await open('/events.html');
      await page.getByRole('link', { name: 'schema' }).first().click();
      await page.getByText('"$id": "/schemas/scan.completed.v1.json"').waitFor();
    });
  });
});
