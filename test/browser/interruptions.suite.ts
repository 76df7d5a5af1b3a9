import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { CHROMIUM } from '../support/chromium.ts';
import { noise } from '../support/noise.ts';
import { Service } from '../support/service.ts';
import { becomes, cardOf, sample, shoot, termOf, Window } from './fixture.ts';
import { Line } from './line.ts';

const MIB = 1024 * 1024;
/** One of the page's requests is through, and a part of the second. */
const HELD_AT = 6 * MIB;
const SIZE = 16 * MIB;

describe('the page: uploads that are interrupted', () => {
  if (!CHROMIUM) {
    it('SKIPPED: there is no Chromium');
    return;
  }
  const service = new Service();
  const line = new Line(() => service.url);
  const window = new Window();
  let folder: string;
  let files = 0;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fileshare-page-'));
  });
  afterEach(() => {
    line.mend();
    line.release();
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** A file of which a part has gone out, and no more does. */
  async function halfway(page: Page): Promise<{ card: Locator; path: string; name: string; sha256: string }> {
    const name = `mri-${++files}.dcm`;
    const path = join(folder, name);
    const content = noise(SIZE, files);
    await writeFile(path, content);
    const held = line.holdAfter(HELD_AT);
    await page.getByLabel('Choose files').setInputFiles(path);
    await held;
    const sha256 = createHash('sha256').update(content).digest('hex');
    return { card: cardOf(page, name), path, name, sha256 };
  }

  async function isWhole(card: Locator, sha256: string): Promise<void> {
    await becomes(card, 'Clean');
    assert.equal(await termOf(card, 'SHA-256'), sha256);
  }

  async function wentOnFrom(card: Locator): Promise<number> {
    const note = card.locator('.note', { hasText: /Went on from [\d.]+ MiB\./ });
    await note.waitFor();
    return Number(/Went on from ([\d.]+)/.exec(await note.innerText())?.[1]);
  }

  it('show how far they are, can be paused, and go on where they were', async () => {
    const page = await window.open(line.url);
    const { card, name, sha256 } = await halfway(page);
    await becomes(card, 'Uploading');
    const bar = card.getByRole('progressbar', { name });
    // The browser tells what it has handed to the line.
    await card.getByText(/^(2[6-9]|[3-9]\d) %, \d/).waitFor();
    assert.ok(Number(await bar.getAttribute('value')) >= 4 * MIB);
    await shoot(page, 'uploading');
    await card.getByRole('button', { name: 'Pause' }).click();
    await becomes(card, 'Paused');
    await shoot(page, 'paused');
    line.release();
    await card.getByRole('button', { name: 'Resume' }).click();
    await isWhole(card, sha256);
    assert.match(await termOf(card, 'Uploaded'), /^\d+\/\d+\/\d+, /, 'also where the row shows no date');
    assert.ok((await wentOnFrom(card)) >= 4);
    await card.locator('[data-step="scan"] dd', { hasText: /^[\d.]+ m?s$/ }).waitFor();
    await shoot(page, 'resumed');
  });

  it('go on after the page was loaded again', async () => {
    const page = await window.open(line.url);
    const { card, path, name, sha256 } = await halfway(page);
    await page.reload();
    line.release();
    await becomes(card, 'Not complete');
    await card.getByRole('button', { name, exact: true }).click();
    await shoot(page, 'not-complete');
    const [chooser] = await Promise.all([
      page.waitForEvent('filechooser'),
      card.getByRole('button', { name: 'Choose the same file' }).click(),
    ]);
    await chooser.setFiles(path);
    await isWhole(card, sha256);
    assert.ok((await wentOnFrom(card)) >= 4);
    await card.getByText(/It began at [\d.]+ MiB\./).waitFor();
    assert.equal(await card.count(), 1, 'it is one file');
  });

  it('resume automatically after a cut, and after the function was killed', async () => {
    const page = await window.open(line.url);
    const { card, sha256 } = await halfway(page);
    process.kill(service.pid('upload'), 'SIGKILL');
    line.cut();
    await page.getByText('Connecting again…').waitFor();
    line.mend();
    await isWhole(card, sha256);
    await page.getByText('Live', { exact: true }).waitFor();
  });

  it('say that they were interrupted where the service stays away, and go on when it is back', async () => {
    const page = await window.open(line.url);
    const { card, sha256 } = await halfway(page);
    line.cut();
    await becomes(card, 'Interrupted');
    await page.getByRole('status').filter({ hasText: 'interrupted' }).waitFor();
    await card.getByText(/^The service cannot be reached\. The upload resumes when it is back/).waitFor();
    await page
      .getByRole('region', { name: 'Uploads' })
      .getByText('0 of 1 uploaded · 1 interrupted')
      .waitFor();
    await shoot(page, 'interrupted');
    line.mend();
    await isWhole(card, sha256);
    assert.ok((await wentOnFrom(card)) >= 4);
  });

  it('are interrupted, not refused, where the service is too busy, and go on', async () => {
    const page = await window.open('about:blank');
    await page.clock.install();
    await page.goto(service.url);
    const busy = { status: 503, contentType: 'text/html', body: '<h1>Busy</h1>' };
    const upload = (url: URL) => url.pathname === '/files' && url.search === '';
    await page.route(upload, (route) =>
      route.request().method() === 'POST' ? route.fulfill(busy) : route.continue(),
    );
    const card = await sample(page, 'letter.pdf');
    await becomes(card, 'Interrupted');
    await card.getByText('The service takes no uploads now: Service Unavailable (503).').waitFor();
    await page.unroute(upload);
    await page.clock.fastForward(31_000);
    await becomes(card, 'Clean');
  });

  it('are asked for again when the line is back, as are files that were opened without it', async () => {
    const page = await window.open(service.url);
    const opened = await sample(page, 'note.txt');
    await becomes(opened, 'Clean');
    // The feed is silent, as where a deployment has none.
    await page.route('**/local/live', (route) => route.abort());
    await page.reload();
    process.kill(service.pid('scanner'), 'SIGSTOP');
    try {
      const card = await sample(page, 'empty.txt');
      await becomes(card, 'Pending');
      await page.context().setOffline(true);
      const row = cardOf(page, 'note.txt');
      await row.getByRole('button', { name: 'note.txt', exact: true }).click();
      await becomes(row, 'Not known');
      await card.getByText(/^It is not known what became of it\./).waitFor();
      process.kill(service.pid('scanner'), 'SIGCONT');
      await page.context().setOffline(false);
      await becomes(card, 'Clean');
      await becomes(row, 'Clean');
      await card.getByText(/^It is not known/).waitFor({ state: 'detached' });
    } finally {
      process.kill(service.pid('scanner'), 'SIGCONT');
    }
  });

  it('are listed when the line is back, where they could not be', async () => {
    const page = await window.open(service.url);
    await becomes(await sample(page, 'letter.pdf'), 'Clean');
    const listing = (url: URL) => url.pathname === '/files' && url.search !== '';
    await page.route(listing, (route) => route.abort());
    await page.reload();
    const problem = page.getByRole('alert', { name: 'Problem' });
    await problem.filter({ hasText: 'Your files could not be listed.' }).waitFor();
    await page.unroute(listing);
    await page.evaluate("dispatchEvent(new Event('online'))");
    await cardOf(page, 'letter.pdf').first().waitFor();
    await problem.waitFor({ state: 'hidden' });
  });

  it('are interrupted, not refused, where no token can be had, and go on', async () => {
    const page = await window.open('about:blank');
    await page.route('**/local/token?*', (route) => route.abort());
    await page.goto(line.url);
    const name = 'without-a-token.txt';
    const file = { name, mimeType: 'text/plain', buffer: Buffer.from('patience') };
    await page.getByLabel('Choose files').setInputFiles(file);
    const card = cardOf(page, name);
    await becomes(card, 'Interrupted');
    await page.unrouteAll();
    line.cut();
    await page.getByText('Connecting again…').waitFor();
    line.mend();
    await becomes(card, 'Clean');
  });

  it('can be slowed down, so that people have time to pause them', async () => {
    const page = await window.open(line.url);
    await page.getByLabel('Upload slowly').check();
    const name = 'slow.bin';
    await page.getByLabel('Choose files').setInputFiles({
      name,
      mimeType: 'application/octet-stream',
      buffer: noise(SIZE),
    });
    const card = cardOf(page, name);
    // It would take a quarter of a minute.
    await card.locator('.sent', { hasText: /^[1-9]\d* %/ }).waitFor();
    await card.getByRole('button', { name: 'Pause' }).click();
    await becomes(card, 'Paused');
    await card.getByRole('button', { name: 'Resume' }).click();
    await card.getByText(/Went on from/).waitFor();
  });
});
