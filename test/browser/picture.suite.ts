import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { CHROMIUM } from '../support/chromium.ts';
import { Service } from '../support/service.ts';
import { becomes, sample, Window } from './fixture.ts';

const ROOT = join(import.meta.dirname, '../..');
/** Folder of the pictures: that of the documentation with UPDATE_PICTURE=1. */
const FOLDER = join(ROOT, process.env['UPDATE_PICTURE'] ? 'docs' : 'test-results/browser');
const MAX_BYTES = 150_000;

/** Takes a picture of what is between two heights; CSS pixels. */
async function picture(page: Page, name: string, from: number, to: number): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send('Page.captureScreenshot', {
    format: 'webp',
    quality: 80,
    captureBeyondViewport: true,
    clip: { x: 0, y: from, width: 1280, height: to - from, scale: 0.8 },
  });
  const bytes = Buffer.from(data, 'base64');
  assert.ok(bytes.length > 5_000 && bytes.length < MAX_BYTES, `${bytes.length} bytes`);
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, `${name}.webp`), bytes);
}

/** Where an element begins and ends, from the top of the page. */
async function edgesOf(page: Page, selector: string): Promise<readonly [number, number]> {
  return page.evaluate<[number, number]>(`(() => {
    const { top, bottom } = document.querySelector('${selector}').getBoundingClientRect();
    return [Math.floor(top + scrollY), Math.ceil(bottom + scrollY)];
  })()`);
}

describe('the pictures of the page in the documentation', () => {
  if (!CHROMIUM) {
    it('SKIPPED: there is no Chromium');
    return;
  }
  const service = new Service();
  const window = new Window();

  it('show a clean, an unscannable and an infected file, quarantine and operations', async () => {
    const page = await window.open(service.url, { viewport: { width: 1280, height: 1500 } });
    for (const [name, state] of [
      ['letter.pdf', 'Clean'],
      ['encrypted.zip', 'Unscannable'],
      ['eicar.com', 'Infected'],
    ] as const) {
      const card = await sample(page, name);
      await becomes(card, state);
      // Details of the last one only, or the others leave no room.
      if (name !== 'eicar.com') await card.getByRole('button', { name, exact: true }).click();
    }
    await page.getByText('Live', { exact: true }).waitFor();
    const [, end] = await edgesOf(page, 'main');
    await picture(page, 'page', 0, end + 24);

    assert.ok((await service.sweeper('/sweep')).ok);
    await service.audit();
    await page.getByLabel('Acting as').selectOption('user:operator');
    await page.getByRole('tab', { name: 'Quarantine' }).click();
    const contents = page.locator('#contents > li');
    await contents.nth(1).waitFor();
    await contents.filter({ hasText: 'Eicar' }).locator('summary').click();
    await page.locator('#contents dt', { hasText: 'Owners' }).waitFor();
    await picture(page, 'quarantine', ...(await edgesOf(page, '#files')));

    await page.getByRole('tab', { name: 'Operations' }).click();
    await page.locator('#readings dd').last().filter({ hasText: /./ }).waitFor();
    await picture(page, 'page-operations', ...(await edgesOf(page, '#files')));
  });

  it('show the tour beside what it points at', async () => {
    const page = await window.open(service.url);
    await page.getByText('Live', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Take the tour' }).click();
    const step = page.locator('.tour button.main');
    for (const phase of ['ready', 'done']) {
      await page.locator(`.tour[data-phase="${phase}"]`).waitFor();
      await step.click();
    }
    await page.locator('.tour[data-phase="ready"]').waitFor();
    await step.click();
    await page.locator('.tour[data-phase="done"]').waitFor();
    const top = await page.evaluate<number>('scrollY');
    await picture(page, 'tour', top, top + 900);
  });
});
