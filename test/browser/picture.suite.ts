import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CHROMIUM } from '../support/chromium.ts';
import { Service } from '../support/service.ts';
import { becomes, sample, Window } from './fixture.ts';

const ROOT = join(import.meta.dirname, '../..');
/** Path of the picture: with UPDATE_PICTURE=1, the one that the README shows. */
const PICTURE = join(ROOT, process.env['UPDATE_PICTURE'] ? 'docs' : 'test-results/browser', 'page.webp');
const MAX_BYTES = 150_000;

describe('the picture of the page in the README', () => {
  if (!CHROMIUM) {
    it('SKIPPED: there is no Chromium');
    return;
  }
  const service = new Service();
  const window = new Window();

  it('shows a clean, an unscannable and an infected file', async () => {
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
    await page.locator('#events > li').nth(2).waitFor({ state: 'attached' });
    const height = await page.locator('main').evaluate((main) => {
      const { bottom } = (
        main as unknown as { getBoundingClientRect(): { bottom: number } }
      ).getBoundingClientRect();
      return Math.ceil(bottom);
    });
    const session = await page.context().newCDPSession(page);
    const { data } = await session.send('Page.captureScreenshot', {
      format: 'webp',
      quality: 80,
      clip: { x: 0, y: 0, width: 1280, height, scale: 0.8 },
    });
    const picture = Buffer.from(data, 'base64');
    assert.ok(picture.length > 10_000 && picture.length < MAX_BYTES, `${picture.length} bytes`);
    mkdirSync(dirname(PICTURE), { recursive: true });
    writeFileSync(PICTURE, picture);
  });
});
