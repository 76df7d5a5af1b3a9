import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { CHROMIUM } from '../support/chromium.ts';
import { eventually, Service } from '../support/service.ts';
import { becomes, cardOf, sample, shoot, termOf, Window } from './fixture.ts';

const PAST_UNDO_MS = 11_000;

describe('the page: deletions', () => {
  if (!CHROMIUM) {
    it('SKIPPED: there is no Chromium');
    return;
  }
  const service = new Service();
  const window = new Window();

  /** A page whose clock can be moved on, and the deletions that it has asked for. */
  async function opened(): Promise<{ page: Page; deleted: string[] }> {
    const page = await window.open('about:blank');
    await page.clock.install();
    const deleted: string[] = [];
    page.on('request', (request) => {
      if (request.method() === 'DELETE') deleted.push(new URL(request.url()).pathname);
    });
    await page.goto(service.url);
    return { page, deleted };
  }

  async function uploaded(page: Page) {
    const card = await sample(page, 'letter.pdf');
    await becomes(card, 'Clean');
    return { card, id: await termOf(card, 'Id') };
  }

  const isGone = (id: string) => async () => (await service.status(id)).state === 'deleted';

  it('can be undone, and are then never asked for', async () => {
    const { page, deleted } = await opened();
    const { card, id } = await uploaded(page);
    await card.getByRole('button', { name: 'Delete: letter.pdf' }).click();
    await becomes(card, 'Deleting');
    await page
      .getByRole('status', { name: 'News' })
      .filter({ hasText: 'It is deleted in 10 seconds' })
      .waitFor();
    await shoot(page, 'undo');
    const note = await card.getByText(/^It is deleted in 10 seconds/).boundingBox();
    const details = await card.locator('.detail').boundingBox();
    assert.ok(note && details && note.y > details.y, 'the note is beside the buttons');
    const undo = card.getByRole('button', { name: 'Undo: letter.pdf' });
    await page.locator('button:focus', { hasText: 'Undo' }).waitFor();
    await undo.click();
    await becomes(card, 'Clean');
    await page.clock.fastForward(PAST_UNDO_MS);
    await page.goto('about:blank');
    assert.deepEqual(deleted, []);
    assert.equal((await service.status(id)).state, 'clean');
  });

  it('are asked for once, when there was time to undo them', async () => {
    const { page, deleted } = await opened();
    const { card, id } = await uploaded(page);
    await card.getByRole('button', { name: 'Delete: letter.pdf' }).click();
    await becomes(card, 'Deleting');
    assert.deepEqual(deleted, []);
    await card.getByLabel('Share with').focus();
    await page.clock.fastForward(PAST_UNDO_MS);
    await becomes(card, 'Deleted');
    await card.locator('.name:focus').waitFor();
    assert.deepEqual(deleted, [`/files/${id}`]);
    await page.reload();
    assert.equal(deleted.length, 1);
  });

  it('are asked for when the page is left, and when another view takes the file away', async () => {
    const { page, deleted } = await opened();
    const { card, id } = await uploaded(page);
    await card.getByRole('button', { name: 'Delete: letter.pdf' }).click();
    await becomes(card, 'Deleting');
    await page.goto('about:blank');
    await eventually(isGone(id));

    await page.goto(service.url);
    const other = await uploaded(page);
    await page.reload();
    await page.locator(`[data-id="${other.id}"] .name`).click();
    await page.locator(`[data-id="${other.id}"]`).getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('tab', { name: 'Shared with me' }).click();
    await eventually(isGone(other.id));
    // Nobody sees the request of a page that is gone.
    assert.deepEqual(deleted, [`/files/${other.id}`]);
  });

  it('cannot be undone once they are asked for, and are asked for once', async () => {
    const { page, deleted } = await opened();
    const { card, id } = await uploaded(page);
    const answered = Promise.withResolvers<void>();
    await page.route(`**/files/${id}`, async (route) => {
      await answered.promise;
      await route.continue();
    });
    await card.getByRole('button', { name: 'Delete: letter.pdf' }).click();
    await becomes(card, 'Deleting');
    const asked = page.waitForRequest(`**/files/${id}`);
    await page.clock.fastForward(PAST_UNDO_MS);
    await asked;
    await card.getByRole('button', { name: /^(Undo|Delete): / }).waitFor({ state: 'hidden' });
    await becomes(card, 'Deleting');
    answered.resolve();
    await becomes(card, 'Deleted');
    await page.clock.fastForward(PAST_UNDO_MS);
    await page.goto('about:blank');
    assert.deepEqual(deleted, [`/files/${id}`]);
  });

  it('say so where the file was deleted elsewhere before they were undone', async () => {
    const { page, deleted } = await opened();
    // No event tells of it.
    await page.route('**/local/live', (route) => route.abort());
    await page.reload();
    const { card, id } = await uploaded(page);
    await card.getByRole('button', { name: 'Delete: letter.pdf' }).click();
    await becomes(card, 'Deleting');
    assert.ok((await service.call('DELETE', `/files/${id}`)).ok);
    await card.getByRole('button', { name: 'Undo: letter.pdf' }).click();
    await card.getByText('It was deleted elsewhere meanwhile.').waitFor();
    await becomes(card, 'Deleted');
    assert.deepEqual(deleted, []);
  });

  it('end where the page learns that the file was deleted elsewhere', async () => {
    const { page, deleted } = await opened();
    const { card, id } = await uploaded(page);
    await card.getByRole('button', { name: 'Delete: letter.pdf' }).click();
    await becomes(card, 'Deleting');
    assert.ok((await service.call('DELETE', `/files/${id}`)).ok);
    // An opened row asks for its file.
    await page.locator(`[data-id="${id}"] .name`).click();
    await page.locator(`[data-id="${id}"] .name`).click();
    await becomes(card, 'Deleted');
    assert.equal(await card.getByText(/^It is deleted in/).count(), 0);
    await page.clock.fastForward(PAST_UNDO_MS);
    assert.deepEqual(deleted, []);
  });

  it('say so where they are refused, and the file stays', async () => {
    const { page } = await opened();
    const { card, id } = await uploaded(page);
    const reference = encodeURIComponent('https://fhir.example/DocumentReference/1');
    assert.ok((await service.call('PUT', `/files/${id}/references/${reference}`)).ok);
    await card.getByRole('button', { name: 'Delete: letter.pdf' }).click();
    await becomes(card, 'Deleting');
    await page.clock.fastForward(PAST_UNDO_MS);
    await card.getByText(/^Refused\. /).waitFor();
    await becomes(card, 'Clean');
  });
});

describe('the page: pictures', () => {
  if (!CHROMIUM) {
    it('SKIPPED: there is no Chromium');
    return;
  }
  const service = new Service();
  const window = new Window();
  const READER = 'org:974760673';

  it('are shown of clean images, to others on demand, and are downloads', async () => {
    const page = await window.open(service.url);
    const downloads: string[] = [];
    page.on('request', (request) => {
      if (/^\/files\/\w+$/.test(new URL(request.url()).pathname)) downloads.push(request.method());
    });
    await sample(page, 'x-ray.png');
    const card = cardOf(page, 'x-ray.png');
    await becomes(card, 'Clean');
    const picture = card.getByRole('img', { name: 'Picture: x-ray.png' });
    await picture.waitFor();
    assert.ok(Number(await picture.getAttribute('width')) <= 320);
    await card.locator('.receipts').getByText('org:889640782').waitFor();
    await shoot(page, 'picture');
    assert.deepEqual(downloads, ['GET']);
    await page.reload();
    await card.waitFor();
    assert.deepEqual(downloads, ['GET'], 'none of a row that is closed');

    await card.getByRole('button', { name: 'x-ray.png', exact: true }).click();
    await card.getByLabel('Share with').fill(READER);
    await card.getByRole('button', { name: 'Share' }).click();
    await card.getByRole('button', { name: `Revoke ${READER}` }).waitFor();
    await page.getByLabel('Acting as').selectOption(READER);
    await page.getByRole('tab', { name: 'Shared with me' }).click();
    const before = downloads.length;
    await card.getByRole('button', { name: 'x-ray.png', exact: true }).click();
    const show = card.getByRole('button', { name: 'Show picture' });
    await show.waitFor();
    assert.equal(downloads.length, before);
    await show.press('Enter');
    await picture.waitFor();
    await card.locator('.thumbnail canvas:focus').waitFor();
    assert.equal(downloads.length, before + 1);
  });

  it('are missing of what is no image, whatever it claims, and of malware', async () => {
    const page = await window.open(service.url);
    await page.getByLabel('Choose files').setInputFiles([
      { name: 'claims.png', mimeType: 'image/png', buffer: Buffer.from('no image') },
      {
        name: 'script.svg',
        mimeType: 'image/svg+xml',
        buffer: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'),
      },
    ]);
    await cardOf(page, 'claims.png')
      .getByText(/^No picture\. /)
      .waitFor();
    await becomes(cardOf(page, 'script.svg'), 'Clean');
    assert.equal(await cardOf(page, 'script.svg').locator('.thumbnail').isVisible(), false);
    const malware = await sample(page, 'eicar.com');
    await becomes(malware, 'Infected');
    assert.equal(await malware.locator('.thumbnail').isVisible(), false);
  });
});
