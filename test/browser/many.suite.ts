import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';
import { CHROMIUM } from '../support/chromium.ts';
import { EICAR, Service } from '../support/service.ts';
import { becomes, cardOf, shoot, Window } from './fixture.ts';

const MANY = 120;
const MIB = 1024 * 1024;
/** Twice a screen of the tests, and no more for more files. */
const TALLEST = 3200;

describe('the page: many files', () => {
  if (!CHROMIUM) {
    it('SKIPPED: there is no Chromium');
    return;
  }
  const service = new Service();
  const window = new Window();
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fileshare-page-'));
    for (let at = 0; at < MANY; at += 10) {
      const some = Array.from({ length: 10 }, (_, each) => at + each);
      const handles = await Promise.all(
        some.map((number) =>
          service.upload(number === 1 ? EICAR : `letter ${number}`, {
            'content-type': 'text/plain',
            'content-disposition': `attachment; filename="letter-${String(number).padStart(3, '0')}.txt"`,
          }),
        ),
      );
      for (const { id } of handles) await service.decided(id);
    }
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const rows = (page: Page) => page.locator('tbody.file');
  const shown = (page: Page, text: string) =>
    page.getByRole('status', { name: 'Files shown' }).filter({ hasText: text }).waitFor();
  const heightOf = (page: Page) => page.evaluate<number>('document.documentElement.scrollHeight');

  it('shows 50 at a time, newest first, and gets the next when they are asked for', async () => {
    const page = await window.open(service.url);
    await shown(page, '1–50 of 50 loaded files. More can be loaded.');
    assert.equal(await rows(page).count(), 50);
    assert.ok((await heightOf(page)) < TALLEST);
    await page.getByRole('button', { name: 'Next' }).click();
    await shown(page, '51–100 of 100 loaded files. More can be loaded.');
    await page.getByRole('button', { name: 'Next' }).click();
    await shown(page, '101–120 of 120 loaded files.');
    assert.equal(await rows(page).count(), 20);
    assert.equal(await page.getByRole('button', { name: 'Next' }).isVisible(), false);
    await page.getByRole('button', { name: 'Previous' }).click();
    await shown(page, '51–100 of 120 loaded files.');
    assert.equal(await rows(page).count(), 50);
    assert.ok((await heightOf(page)) < TALLEST);
  });

  it('continues a listing that failed, and shows nothing twice', async () => {
    const page = await window.open('about:blank');
    await page.route(/\/files\?.*cursor=/, (route) => route.fulfill({ status: 400 }));
    await page.goto(service.url);
    const problem = page.getByRole('alert', { name: 'Problem' });
    await problem.filter({ hasText: 'Your files could not be listed.' }).waitFor();
    await shown(page, '1–50 of 50 loaded files. More can be loaded.');
    await page.unrouteAll();
    await page.getByRole('button', { name: 'Next' }).click();
    await shown(page, '51–100 of 100 loaded files. More can be loaded.');
    await problem.waitFor({ state: 'hidden' });
  });

  it('searches what is loaded by name, and says that more can be', async () => {
    const page = await window.open(service.url);
    await shown(page, '1–50 of 50');
    await page.getByLabel('Search by name').fill('LETTER-00');
    await shown(page, '0 of 50 loaded files match “letter-00”. More can be loaded.');
    await page.getByRole('button', { name: 'Load more' }).click();
    await shown(page, '10 of 120 loaded files match “letter-00”.');
    assert.equal(await rows(page).count(), 10);
    assert.equal(await page.getByRole('button', { name: 'Load more' }).isVisible(), false);
    await page.getByLabel('Search by name').fill('');
    await shown(page, '1–50 of 120');
  });

  it('filters by state among all, not only what is loaded', async () => {
    const page = await window.open(service.url);
    await page.getByLabel('State').selectOption('Infected');
    await shown(page, '1–1 of 1 loaded files.');
    await becomes(cardOf(page, 'letter-001.txt'), 'Infected');
    await page.getByLabel('State').selectOption('Failed');
    await page.getByText('No files yet.').waitFor({ state: 'visible' });
    assert.equal(await rows(page).count(), 0);
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`has nothing that axe-core objects to, at both widths, ${colorScheme}`, async () => {
      for (const width of [1280, 390]) {
        const page = await window.open(service.url, { colorScheme, viewport: { width, height: 800 } });
        await shown(page, '1–50');
        await rows(page).nth(1).getByRole('button').click();
        await rows(page)
          .nth(1)
          .getByRole('button', { name: 'Revoke' })
          .or(page.getByLabel('Share with'))
          .waitFor();
        const { violations } = await new AxeBuilder({ page }).analyze();
        assert.deepEqual(
          violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`)),
          [],
        );
        assert.equal(await page.evaluate('document.documentElement.scrollWidth'), width);
        await shoot(page, `many-${width}-${colorScheme}`);
        await page.context().close();
      }
    });
  }

  it('is a table for screen readers, with a name for each region that speaks', async () => {
    const page = await window.open(service.url);
    await shown(page, '1–50');
    const table = page.getByRole('table', { name: 'Files' });
    assert.deepEqual(await table.getByRole('columnheader').allInnerTexts(), [
      'Name',
      'State',
      'Size',
      'Date',
    ]);
    const cells = table.getByRole('row', { name: 'letter-119.txt' }).getByRole('cell');
    assert.equal(await cells.first().innerText(), 'Clean');
    const names = await page.evaluate<(string | null)[]>(
      `[...document.querySelectorAll('[role=status], [role=alert], [role=log]')].map((region) =>
        region.ariaLabel ?? document.getElementById(region.getAttribute('aria-labelledby'))?.textContent ?? null)`,
    );
    assert.deepEqual(names, [
      'Signatures',
      'Notice',
      'Problem',
      'Files shown',
      'Events',
      'Contents in quarantine',
      'Intake',
      'Notice to users',
      'Outcome of the order',
      'News',
    ]);
  });

  it('opens a row, changes the tab and downloads by the keyboard alone', async () => {
    const page = await window.open(service.url);
    await shown(page, '1–50');
    await page.getByRole('tab', { name: 'Mine' }).focus();
    await page.keyboard.press('ArrowRight');
    await page.getByText('Nothing is shared with this identity.').waitFor();
    await page.keyboard.press('ArrowLeft');
    await shown(page, '1–50');
    // State, search, the first row.
    for (let presses = 0; presses < 3; presses += 1) await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    const card = rows(page).first();
    const name = await card.getByRole('rowheader').innerText();
    await card.getByLabel('Share with').waitFor();
    const button = card.locator('button:focus', { hasText: 'Download' });
    for (let presses = 0; presses < 20 && (await button.count()) === 0; presses += 1) {
      await page.keyboard.press('Tab');
    }
    const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')]);
    assert.equal(download.suggestedFilename(), name);
  });

  it('takes a folder, and shows all of its uploads together, small files first', async () => {
    const page = await window.open(service.url);
    await shown(page, '1–50');
    const scans = join(folder, 'scans');
    await mkdir(join(scans, 'knee'), { recursive: true });
    for (const at of [1, 2, 3]) await writeFile(join(scans, `large-${at}.bin`), Buffer.alloc(2 * MIB, at));
    for (const at of [1, 2, 3]) await writeFile(join(scans, 'knee', `small-${at}.txt`), `small ${at}`);
    await page.getByLabel('Upload slowly').check();
    const order: string[] = [];
    page.on('request', (request) => {
      const name = /(small|large)-\d/.exec(request.headers()['content-disposition'] ?? '')?.[1];
      order.push(...(name ? [name] : []));
    });
    await page.getByLabel('Choose a folder').setInputFiles(scans);
    const tray = page.getByRole('region', { name: 'Uploads' });
    for (const at of [1, 2, 3]) await becomes(cardOf(page, `small-${at}.txt`), 'Clean');
    assert.deepEqual(order.slice(0, 3), ['small', 'small', 'small']);
    await tray.getByText(/^[3-5] of 6 uploaded · /).waitFor();
    await tray.getByText(/ of 6\.0 MiB · .*\/s · \d+ s left$/).waitFor();
    await shoot(page, 'tray');
    assert.deepEqual((await new AxeBuilder({ page }).include('#tray').analyze()).violations, []);
    await page.getByRole('status', { name: 'News' }).filter({ hasText: '6 files uploaded' }).waitFor();
    await tray.waitFor({ state: 'hidden' });
    assert.equal(await page.locator('[aria-expanded="true"]').count(), 0, 'many are not opened');
  });

  it('takes a folder that is dropped', async () => {
    const page = await window.open(service.url);
    await shown(page, '1–50');
    const dropped = join(folder, 'dropped');
    await mkdir(join(dropped, 'deep', 'deeper'), { recursive: true });
    await writeFile(join(dropped, 'top.txt'), 'top');
    await writeFile(join(dropped, 'deep', 'deeper', 'bottom.txt'), 'bottom');
    const devtools = await page.context().newCDPSession(page);
    const data = { items: [], files: [dropped], dragOperationsMask: 1 };
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
      await devtools.send('Input.dispatchDragEvent', { type, x: 300, y: 300, data });
      if (type === 'dragOver') await page.locator('body.over').waitFor();
    }
    assert.equal(await page.locator('body.over').count(), 0);
    for (const name of ['top.txt', 'bottom.txt']) await becomes(cardOf(page, name), 'Clean');
  });

  it('says that a dropped folder is empty', async () => {
    const page = await window.open(service.url);
    await shown(page, '1–50');
    const empty = join(folder, 'empty');
    await mkdir(empty);
    const devtools = await page.context().newCDPSession(page);
    const data = { items: [], files: [empty], dragOperationsMask: 1 };
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
      await devtools.send('Input.dispatchDragEvent', { type, x: 300, y: 300, data });
    }
    const problem = page.getByRole('alert', { name: 'Problem' });
    await problem.filter({ hasText: 'There is no file in the dropped folder.' }).waitFor();
  });

  it('has the browser ask whether to leave while uploads are under way', async () => {
    const page = await window.open(service.url);
    await page.getByLabel('Upload slowly').check();
    const buffer = Buffer.alloc(2 * MIB, 7);
    const file = { name: 'leaving.bin', mimeType: 'application/octet-stream', buffer };
    await page.getByLabel('Choose files').setInputFiles(file);
    await becomes(cardOf(page, file.name), 'Uploading');
    const asked = page.waitForEvent('dialog');
    await page.evaluate('setTimeout(() => location.reload())');
    const dialog = await asked;
    assert.equal(dialog.type(), 'beforeunload');
    await dialog.dismiss();
    await becomes(cardOf(page, file.name), 'Clean');
    page.on('dialog', () => assert.fail('nothing is under way'));
    await page.reload();
    await shown(page, '1–50');
  });

  it('pauses all uploads, also those that wait, and resumes them', async () => {
    const page = await window.open(service.url);
    await page.getByLabel('Upload slowly').check();
    const names = [1, 2, 3, 4].map((at) => `paused-${at}.bin`);
    const files = names.map((name, at) => ({
      name,
      mimeType: 'application/octet-stream',
      buffer: Buffer.alloc(2 * MIB, at),
    }));
    await page.getByLabel('Choose files').setInputFiles(files);
    const tray = page.getByRole('region', { name: 'Uploads' });
    await tray.getByText('0 of 4 uploaded · 2 running · 2 waiting').waitFor();
    await tray.getByRole('button', { name: 'Pause all' }).click();
    await tray.getByText('0 of 4 uploaded · 4 paused').waitFor();
    await page.getByRole('status', { name: 'News' }).filter({ hasText: '4 uploads paused' }).waitFor();
    for (const name of names) await becomes(cardOf(page, name), 'Paused');
    for (const row of await rows(page).getByRole('button').all()) {
      await row.focus();
      const [name, strip] = await Promise.all([row.boundingBox(), tray.boundingBox()]);
      assert.ok(name && strip && name.y + name.height <= strip.y, 'the focus is not behind the strip');
    }
    await page.getByLabel('Upload slowly').uncheck();
    const [added] = files;
    assert.ok(added);
    await page.getByLabel('Choose files').setInputFiles({ ...added, name: 'later.bin' });
    await tray.getByText('1 of 5 uploaded · 4 paused').waitFor();
    await tray.getByRole('button', { name: 'Resume all' }).click();
    for (const name of names) await becomes(cardOf(page, name), 'Clean');
    await page.getByRole('status', { name: 'News' }).filter({ hasText: '5 files uploaded' }).waitFor();
    assert.ok(await page.locator('#files:focus').count(), 'the focus is not lost with the strip');
  });

  it('cancels all uploads that are not over', async () => {
    const page = await window.open(service.url);
    await page.getByLabel('Upload slowly').check();
    const files = [1, 2, 3, 4].map((at) => ({
      name: `cancelled-${at}.bin`,
      mimeType: 'application/octet-stream',
      buffer: Buffer.alloc(8 * MIB, at),
    }));
    await page.getByLabel('Choose files').setInputFiles(files);
    const tray = page.getByRole('region', { name: 'Uploads' });
    await tray.getByText('0 of 4 uploaded · 2 running · 2 waiting').waitFor();
    await cardOf(page, 'cancelled-4.bin').waitFor();
    await tray.getByRole('button', { name: 'Cancel all' }).click();
    await tray.waitFor({ state: 'hidden' });
    await page.getByRole('status', { name: 'News' }).filter({ hasText: '4 uploads cancelled' }).waitFor();
    assert.equal(await page.getByRole('button', { name: /^cancelled-/ }).count(), 0);
  });

  it('tells how long interactions take', async () => {
    const page = await window.open(service.url);
    await shown(page, '1–50');
    const timed = async (what: string, act: () => Promise<unknown>) => {
      const began = performance.now();
      await act();
      console.log(`      ${what}: ${Math.round(performance.now() - began)} ms`);
    };
    await timed('next page', async () => {
      await page.getByRole('button', { name: 'Next' }).click();
      await shown(page, '51–100');
    });
    await timed('search', async () => {
      await page.getByLabel('Search by name').fill('letter-1');
      await shown(page, 'match');
    });
    await timed('open a row', async () => {
      await rows(page).first().getByRole('button').click();
      await page.getByLabel('Share with').waitFor();
    });
    assert.equal(await rows(page).count(), 20);
  });
});
