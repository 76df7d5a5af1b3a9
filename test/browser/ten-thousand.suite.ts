import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Page } from 'playwright-core';
import { newFileId } from '../../shared/files/file-id.ts';
import type { Sha256 } from '../../shared/files/record.ts';
import { Records } from '../../shared/files/records.ts';
import type { Principal } from '../../shared/identity/principal.ts';
import type { Generation } from '../../shared/storage/object.ts';
import { CHROMIUM } from '../support/chromium.ts';
import { insertRecord } from '../support/records.ts';
import { OWNER, Service } from '../support/service.ts';
import { shoot, Window } from './fixture.ts';

const FILES = 10_000;
const SIDE_BY_SIDE = 50;
/** One file of so many is infected. */
const INFECTED_EVERY = 100;
/** Elements of the page with 50 rows, whatever the number of files. */
const MOST_ELEMENTS = 1_200;

/** Styles, scripts, icon, the notice, a token, the feed, and two pages of files. */
const MOST_REQUESTS = 12;
/** Bytes of all of them, uncompressed. */
const MOST_BYTES = 400_000;

/** Times are ms since the page was asked for. */
interface Painted {
  readonly first: number;
  readonly shifted: number;
  /** The page's scripts have run. */
  readonly events: number;
  readonly resources: readonly { readonly path: string; readonly size: number }[];
}

describe('the page: ten thousand files', () => {
  if (!CHROMIUM) {
    it('SKIPPED: there is no Chromium');
    return;
  }
  const service = new Service();
  const window = new Window();

  before(async () => {
    const records = new Records(service.bucket('permanent'));
    const start = Date.now();
    for (let at = 0; at < FILES; at += SIDE_BY_SIDE) {
      await Promise.all(Array.from({ length: SIDE_BY_SIDE }, (_, n) => insert(records, at + n, start)));
    }
  });

  async function insert(records: Records, number: number, start: number): Promise<void> {
    const createdAt = new Date(start - number * 1000);
    const owner = OWNER as Principal;
    const sha256 = createHash('sha256').update(String(number)).digest('hex') as Sha256;
    const scan = { generation: '1' as Generation, scannedAt: createdAt };
    const stored = {
      id: newFileId(owner, createdAt),
      owner,
      viewers: [],
      createdAt,
      contentType: 'application/pdf',
      fileName: `report-${String(number).padStart(5, '0')}.pdf`,
      content: { size: number, sha256, crc32c: 'AAAAAA==' },
      scan,
    };
    const isInfected = number % INFECTED_EVERY === 0;
    await insertRecord(
      records,
      isInfected
        ? { ...stored, state: 'infected', signature: 'Test.Signature' }
        : { ...stored, state: 'clean' },
    );
  }

  const rows = (page: Page) => page.locator('tbody.file');
  const shown = (page: Page, text: string | RegExp) =>
    page.getByRole('status', { name: 'Files shown' }).filter({ hasText: text }).waitFor();
  const elements = (page: Page) => page.evaluate<number>(`document.querySelectorAll('*').length`);

  /** The page, and the requests for files since they were asked for last. */
  async function opened(): Promise<{ page: Page; asked: () => string[] }> {
    const page = await window.open('about:blank');
    const requests: string[] = [];
    page.on('request', (request) => {
      const { pathname, search } = new URL(request.url());
      if (/^\/files\b/.test(pathname))
        requests.push(pathname.replace(/\/files\/[^/]+/, '/files/ID') + search);
    });
    await page.goto(service.url);
    await shown(page, '1–50 of 50 loaded files. More can be loaded.');
    return { page, asked: () => requests.splice(0) };
  }

  /** Runs a script in the page, and prints how long it took until the next picture. */
  async function timed(page: Page, what: string, script: string): Promise<void> {
    const ms = await page.evaluate<number>(`(async () => {
      const began = performance.now();
      ${script};
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
      return performance.now() - began;
    })()`);
    console.log(`      ${what}: ${Math.round(ms)} ms to the next picture`);
  }

  const typed = (text: string) => `
    const search = document.querySelector('#search');
    search.value = '${text}';
    search.dispatchEvent(new Event('input'))`;

  it('are 50 at a time, by one request for each page', async () => {
    const { page, asked } = await opened();
    // The second says whether there are more, and is the next page.
    assert.deepEqual(
      asked().map((request) => request.replace(/cursor=.*/, 'cursor')),
      ['/files?limit=50', '/files?limit=50&cursor'],
    );
    const first = await elements(page);
    assert.ok(first < MOST_ELEMENTS, `${first} elements`);
    for (let at = 1; at <= 3; at++) {
      await timed(page, 'next page', `document.querySelector('#next').click()`);
      await shown(page, `${at * 50 + 1}–${at * 50 + 50} of ${at * 50 + 50} loaded files.`);
      assert.equal(await rows(page).count(), 50);
      assert.equal(asked().length, 1);
    }
    assert.ok(Math.abs((await elements(page)) - first) < 20);
    await timed(page, 'scroll', 'scrollTo(0, document.documentElement.scrollHeight)');
    await timed(page, 'previous page', `document.querySelector('#previous').click()`);
    await shown(page, '101–150 of 200 loaded files.');
    assert.deepEqual(asked(), []);
  });

  it('are painted after few requests, and move nothing when they come', async () => {
    const { page } = await opened();
    const { first, shifted, events, resources } = await page.evaluate<Painted>(`(async () => {
      const entriesOf = (type) => new Promise((resolve) => {
        new PerformanceObserver((list) => resolve(list.getEntries())).observe({ type, buffered: true });
        setTimeout(() => resolve([]), 1000);
      });
      const [paints, shifts] = [await entriesOf('paint'), await entriesOf('layout-shift')];
      const [{ domContentLoadedEventEnd }] = performance.getEntriesByType('navigation');
      return {
        first: paints.find(({ name }) => name === 'first-contentful-paint').startTime,
        shifted: shifts.reduce((sum, { value }) => sum + value, 0),
        events: domContentLoadedEventEnd,
        resources: performance.getEntriesByType('resource').map(({ name, decodedBodySize }) =>
          ({ path: new URL(name).pathname, size: decodedBodySize })),
      };
    })()`);
    console.log(`      first paint: ${Math.round(first)} ms; scripts have run: ${Math.round(events)} ms`);
    console.log(`      layout shift: ${shifted.toFixed(3)}; ${resources.length} requests`);
    // "Good" at https://web.dev/articles/cls
    assert.ok(shifted < 0.1, `layout shift ${shifted}`);
    const paths = resources.map(({ path }) => path);
    assert.ok(paths.length <= MOST_REQUESTS, paths.join(' '));
    const size = resources.reduce((sum, each) => sum + each.size, 0);
    assert.ok(size > 0 && size < MOST_BYTES, `${size} bytes`);
  });

  it('are filtered by the service', async () => {
    const { page, asked } = await opened();
    asked();
    await page.getByLabel('State').selectOption('Infected');
    await shown(page, '1–50 of 50 loaded files. More can be loaded.');
    assert.equal(await rows(page).locator('.badge:text-is("Infected")').count(), 50);
    const requests = asked();
    assert.ok(requests.length > 0 && requests.every((request) => request.includes('state=infected')));
    assert.ok((await elements(page)) < MOST_ELEMENTS);
  });

  it('are searched without a request once they are loaded, a thousand by each', async () => {
    const { page, asked } = await opened();
    await page.getByLabel('Search by name').fill('report-0424');
    await shown(page, '0 of 50 loaded files match');
    asked();
    for (const loaded of [/of 50\d\d loaded/, /of 10000 loaded files match “report-0424”\.$/]) {
      await page.getByRole('button', { name: 'Load more' }).click();
      await shown(page, loaded);
    }
    const requests = asked();
    assert.ok(requests.length <= FILES / 1000 + 2, `${requests.length} requests`);
    assert.ok(requests.every((request) => request.includes('limit=1000')));
    await shown(page, /^10 of 10000/);
    assert.equal(await rows(page).count(), 10);
    await timed(page, 'search among all', typed('report-09'));
    await shown(page, '1000 of 10000 loaded files match “report-09”.');
    assert.equal(await rows(page).count(), 50);
    await timed(page, 'next page of what was found', `document.querySelector('#next').click()`);
    await timed(page, 'end of the search', typed(''));
    await shown(page, /of 10000 loaded files\.$/);
    assert.deepEqual(asked(), []);
    assert.ok((await elements(page)) < MOST_ELEMENTS);
    const names = await rows(page).getByRole('button').allInnerTexts();
    assert.deepEqual(names, [...names].sort(), 'newest first');
    await shoot(page, 'ten-thousand');
  });

  it('are opened by what their owner is told of one', async () => {
    const { page, asked } = await opened();
    asked();
    await timed(page, 'open a row', `document.querySelectorAll('button.name')[1].click()`);
    await rows(page).nth(1).getByLabel('Share with').waitFor();
    assert.deepEqual(asked().sort(), [
      '/files/ID/receipts?limit=50',
      '/files/ID/status',
      '/files/ID/viewers',
    ]);
    await timed(page, 'close it', `document.querySelectorAll('button.name')[1].click()`);
    await timed(page, 'change the tab', `document.querySelector('#tab-events').click()`);
    assert.deepEqual(asked(), []);
  });
});
