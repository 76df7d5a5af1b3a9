import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { CHROMIUM } from '../support/chromium.ts';
import { OWNER, Service } from '../support/service.ts';
import { becomes, cardOf, sample, shoot, switchTo, termOf, Window } from './fixture.ts';

const OTHER = 'org:974760673';
const STRANGER = 'user:stranger';
const NEVER_WAS = 'dul5o97iubnr643anjrka7ngal8gr9hlvnloro5f8vi';

describe('the page: who may see a file', () => {
  if (!CHROMIUM) {
    it('SKIPPED: there is no Chromium');
    return;
  }
  const service = new Service();
  const window = new Window();

  async function shared(page: Page) {
    const card = await sample(page, 'letter.pdf');
    await becomes(card, 'Clean');
    await card.getByLabel('Share with').fill(OTHER);
    await card.getByRole('button', { name: 'Share' }).click();
    await card.getByRole('button', { name: `Revoke ${OTHER}` }).waitFor();
    return card;
  }

  /** The row that somebody else finds among the files that are shared with them. */
  async function sharedWith(page: Page, principal: string) {
    await switchTo(page, principal);
    await page.getByRole('tab', { name: 'Shared with me' }).click();
    return cardOf(page, 'letter.pdf').first();
  }

  it('shares a file with another, who finds it after a reload and gets it, but not who else does', async () => {
    const page = await window.open(service.url);
    await shared(page);
    await shoot(page, 'shared');
    await switchTo(page, OTHER);
    await page.reload();
    const card = await sharedWith(page, OTHER);
    await card.getByRole('button', { name: 'letter.pdf', exact: true }).click();
    await becomes(card, 'Clean');
    assert.equal(await card.locator('.owner').innerText(), OWNER);
    await card.getByText('Viewers', { exact: true }).waitFor({ state: 'hidden' });
    assert.equal(await card.getByRole('button', { name: 'Delete' }).isVisible(), false);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      card.getByRole('button', { name: 'Download' }).click(),
    ]);
    assert.equal(await download.failure(), null);
    await shoot(page, 'shared-with-me');
  });

  it('shares until a time, after which its receiver finds nothing', async () => {
    const page = await window.open(service.url);
    const card = await sample(page, 'letter.pdf');
    await becomes(card, 'Clean');
    const id = await termOf(card, 'Id');
    const until = new Date(Math.ceil(Date.now() / 1000) * 1000 + 21_000);
    // As a datetime-local has it: the time of day where the browser is.
    const local = new Date(until.getTime() - until.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
    await card.getByLabel('Share with').fill(STRANGER);
    const end = card.getByLabel('until', { exact: true });
    await end.fill(local);
    const share = card.getByRole('button', { name: 'Share', exact: true });
    const [field, beside] = await Promise.all([end.boundingBox(), share.boundingBox()]);
    assert.ok(field && beside && beside.x > field.x && beside.y < field.y + field.height, 'side by side');
    await share.click();
    await card.getByText(/^until \d/).waitFor();
    await shoot(page, 'shared-until');
    await switchTo(page, STRANGER);
    await page.getByRole('tab', { name: 'Shared with me' }).click();
    const row = page.locator(`[data-id="${id}"]`);
    await row.waitFor();
    await row.getByRole('button', { name: 'letter.pdf', exact: true }).click();
    assert.match(await termOf(row, 'Yours until'), /\d/);
    while (Date.now() < until.getTime()) await page.waitForTimeout(200);
    await page.reload();
    await page.getByRole('tab', { name: 'Shared with me' }).click();
    await page.getByText('Nothing is shared with this identity.').waitFor();
    assert.equal(await row.count(), 0);
  });

  it('shares with a group, whose members find it, and nobody else does', async () => {
    const page = await window.open(service.url);
    const card = await sample(page, 'letter.pdf');
    await becomes(card, 'Clean');
    const id = await termOf(card, 'Id');
    await card.getByLabel('Share with').fill('group:nurses');
    await card.getByRole('button', { name: 'Share', exact: true }).click();
    await card.getByRole('button', { name: 'Revoke group:nurses' }).waitFor();
    await switchTo(page, 'user:nurse');
    await page.getByRole('tab', { name: 'Shared with me' }).click();
    const row = page.locator(`[data-id="${id}"]`);
    await row.getByRole('button', { name: 'letter.pdf', exact: true }).click();
    await Promise.all([
      page.waitForEvent('download'),
      row.getByRole('button', { name: 'Download: letter.pdf' }).click(),
    ]);
    await switchTo(page, STRANGER);
    await page.getByRole('tab', { name: 'Shared with me' }).click();
    await page.getByText('Nothing is shared with this identity.').waitFor();
    assert.equal(await row.count(), 0);
  });

  it('shows no row and no name of the one it acted as before', async () => {
    const page = await window.open(service.url);
    await shared(page);
    const named = page.locator('.event-file', { hasText: 'letter.pdf' }).first();
    await named.waitFor({ state: 'attached' });
    await switchTo(page, STRANGER);
    await page.getByText('No files yet.').waitFor();
    assert.equal(await page.locator('tbody').count(), 0);
    assert.equal(await page.getByRole('status', { name: 'News' }).innerText(), `Acting as ${STRANGER}`);
    assert.equal(await page.locator('.event-file', { hasText: 'letter.pdf' }).count(), 0);
    await page.getByRole('tab', { name: 'Shared with me' }).click();
    await page.getByText('Nothing is shared with this identity.').waitFor();
    await switchTo(page, OWNER);
    await cardOf(page, 'letter.pdf').first().waitFor();
  });

  it('uploads for the one who brought the files, and shows nothing of it to the next', async () => {
    const page = await window.open(service.url);
    const tray = page.getByRole('region', { name: 'Uploads' });
    await page.getByLabel('Upload slowly').check();
    await page.getByLabel('Choose files').setInputFiles({
      name: 'of-the-owner.bin',
      mimeType: 'application/octet-stream',
      buffer: Buffer.alloc(4 * 1024 * 1024, 7),
    });
    await tray.getByText('0 of 1 uploaded · 1 running').waitFor();
    const made = Promise.withResolvers<void>();
    await page.route('**/local/samples/*', async (route) => {
      await made.promise;
      await route.continue();
    });
    const asked = page.waitForRequest('**/local/samples/*');
    await page.locator('[data-sample="one-byte.bin"]').click();
    await asked;
    await switchTo(page, STRANGER);
    await tray.waitFor({ state: 'hidden' });
    const brought = page.waitForResponse('**/local/samples/*');
    made.resolve();
    await brought;
    await page.getByLabel('Choose files').setInputFiles({
      name: 'of-the-stranger.txt',
      mimeType: 'text/plain',
      buffer: Buffer.from('mine'),
    });
    await becomes(cardOf(page, 'of-the-stranger.txt'), 'Clean');
    const news = page.getByRole('status', { name: 'News' });
    await news.filter({ hasText: '1 file uploaded' }).waitFor();
    assert.equal(await page.locator('tbody').count(), 1);
    await switchTo(page, OWNER);
    await becomes(cardOf(page, 'of-the-owner.bin'), 'Clean');
    await becomes(cardOf(page, 'one-byte.bin').first(), 'Clean');
  });

  it('tells a stranger the same as of an id that never was', async () => {
    const page = await window.open(service.url);
    const card = await shared(page);
    const id = await termOf(card, 'Id');
    await switchTo(page, STRANGER);
    await page.reload();
    const said: string[] = [];
    for (const asked of [id, NEVER_WAS]) {
      await page.getByLabel('Open by id').fill(asked);
      await page.getByRole('button', { name: 'Open' }).click();
      const opened = page.locator(`[data-id="${asked}"]`);
      await becomes(opened, 'Not found');
      await opened.getByRole('button', { name: 'Download' }).click();
      await opened.getByText('Refused.').waitFor();
      await page.getByRole('status').filter({ hasText: ': Refused.' }).waitFor();
      said.push(await opened.locator('.note').innerText());
    }
    assert.match(said[0] ?? '', /\(404\)/);
    assert.equal(said[0], said[1]);
    await shoot(page, 'stranger');
  });

  it('revokes, and says who is left', async () => {
    const page = await window.open(service.url);
    const card = await shared(page);
    await card.getByRole('button', { name: `Revoke ${OTHER}` }).click();
    await card.getByText(`${OTHER} may no longer see it.`).waitFor();
    await card.getByRole('button', { name: `Revoke ${OTHER}` }).waitFor({ state: 'detached' });
    const id = await termOf(card, 'Id');
    await sharedWith(page, OTHER);
    await page
      .getByRole('status', { name: 'Files shown' })
      .filter({ hasText: /^$|loaded files\.$/ })
      .waitFor();
    assert.equal(await page.locator(`[data-id="${id}"]`).count(), 0);
  });

  it('acts as anybody who is typed, also after a reload', async () => {
    const page = await window.open(service.url);
    await switchTo(page, '');
    await page.getByLabel('Principal to act as').fill('app:somebody.else');
    await page.getByRole('button', { name: 'Switch' }).click();
    await page.getByRole('status').filter({ hasText: 'Acting as app:somebody.else' }).waitFor();
    await page.reload();
    const card = await sample(page, 'note.txt');
    await becomes(card, 'Clean');
    assert.equal(await termOf(card, 'Owner'), 'app:somebody.else');
  });

  it('says what somebody without any rights may not do', async () => {
    const page = await window.open(service.url);
    await switchTo(page, '');
    await page.getByLabel('Principal to act as').fill('nobody');
    await page.getByRole('button', { name: 'Switch' }).click();
    await page
      .getByRole('alert')
      .filter({ hasText: /^Your files could not be listed\. .*\(401\)/ })
      .waitFor();
    const card = await sample(page, 'note.txt');
    await becomes(card, 'Refused');
    await card.getByText(/\(401\)/).waitFor();
    await shoot(page, 'refused');
    await switchTo(page, OTHER);
    await page.getByRole('alert').filter({ hasText: 'could not be listed' }).waitFor({ state: 'hidden' });
  });

  it('keeps what is typed while the one before is shared with', async () => {
    const page = await window.open(service.url);
    const card = await shared(page);
    const begun = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    await page.route(/\/viewers/, async (route) => {
      if (route.request().method() !== 'GET') {
        begun.resolve();
        await release.promise;
      }
      await route.continue();
    });
    await card.getByLabel('Share with').fill('org:1');
    await card.getByRole('button', { name: 'Share' }).click();
    await begun.promise;
    await card.getByLabel('Share with').fill('org:2');
    release.resolve();
    await card.getByRole('button', { name: 'Revoke org:1' }).waitFor();
    await card.getByText('org:1 may see it now.').waitFor();
    assert.equal(await card.getByLabel('Share with').inputValue(), 'org:2');
  });

  it('says what the service thinks of sharing with what is no principal', async () => {
    const page = await window.open(service.url);
    const card = await shared(page);
    await card.getByLabel('Share with').fill('everybody');
    await card.getByRole('button', { name: 'Share' }).click();
    await card.getByText(/^Refused\. .*\(400\)$/).waitFor();
    assert.equal(await card.getByLabel('Share with').inputValue(), 'everybody', 'it can be corrected');
  });
});
