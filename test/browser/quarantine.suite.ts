import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { AxeBuilder } from '@axe-core/playwright';
import type { Locator, Page } from 'playwright-core';
import { CHROMIUM } from '../support/chromium.ts';
import { addSignature, removeSignature } from '../support/new-signature.ts';
import { eventually, OWNER, Service } from '../support/service.ts';
import { becomes, cardOf, sample, shoot, switchTo, termOf, Window } from './fixture.ts';

const READER = 'org:974760673';
const OPERATOR = 'user:operator';
const SECOND = 'user:second-operator';

async function openQuarantine(page: Page, operator: string): Promise<void> {
  await switchTo(page, operator);
  await page.getByRole('tab', { name: 'Quarantine' }).click();
  await page.getByRole('status', { name: 'Contents in quarantine' }).filter({ hasText: /\d/ }).waitFor();
}

/** A content in quarantine, by what was found. */
function contentOf(page: Page, found: string): Locator {
  return page.locator('#contents > li').filter({ hasText: found });
}

async function decide(content: Locator, order: 'Release' | 'Condemn', reason: string): Promise<void> {
  await content.getByLabel('Reason').fill(reason);
  await content.getByRole('button', { name: order }).click();
}

describe('the page: quarantine', () => {
  if (!CHROMIUM) {
    it('SKIPPED: there is no Chromium');
    return;
  }
  const service = new Service();
  const window = new Window();

  it('shows how a clean file becomes infected, is recalled with its reader named, and clean once it is released', async () => {
    const page = await window.open(service.url);
    const bytes = randomBytes(2_000);
    const name = 'report.bin';
    await page
      .getByLabel('Choose files')
      .setInputFiles({ name, mimeType: 'application/octet-stream', buffer: bytes });
    const card = cardOf(page, name);
    await becomes(card, 'Clean');
    const id = await termOf(card, 'Id');
    await card.getByText('Nobody has downloaded it.').waitFor();
    await card.getByLabel('Share with').fill(READER);
    await card.getByRole('button', { name: 'Share' }).click();
    await card.getByRole('button', { name: `Revoke ${READER}` }).waitFor();

    await switchTo(page, READER);
    await page.getByRole('tab', { name: 'Shared with me' }).click();
    await card.getByRole('button', { name, exact: true }).click();
    await Promise.all([
      page.waitForEvent('download'),
      card.getByRole('button', { name: `Download: ${name}` }).click(),
    ]);
    // The row of an upload stays open.
    await switchTo(page, OWNER);
    await card.locator('.receipts').getByText(READER).waitFor();
    await shoot(page, 'receipts');

    await addSignature(service, bytes, 'Late.Signature');
    await card.getByRole('button', { name: `Scan again: ${name}` }).click();
    await eventually(async () => (await service.call('GET', `/files/${id}`)).status === 410);
    await openQuarantine(page, OPERATOR);
    const content = contentOf(page, 'Late.Signature.UNOFFICIAL');
    await eventually(async () => {
      await page.getByRole('button', { name: 'Sweep now' }).click();
      return (await content.count()) === 1;
    });

    await switchTo(page, OWNER);
    await becomes(card, 'Infected');
    const why = card.locator('.why');
    await why.getByText(/^Recalled .*: it was clean until/).waitFor();
    await why.getByText(`Tell those who have it: ${READER}.`).waitFor();
    await card.locator('.receipts').getByText(READER).waitFor();
    await shoot(page, 'recalled');

    await openQuarantine(page, OPERATOR);
    await content.locator('summary').click();
    await becomes(content, 'Infected');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      content.getByRole('button', { name: 'Download archive' }).click(),
    ]);
    const archive = execFileSync('unzip', ['-p', '-P', 'infected', await download.path()]);
    assert.deepEqual(archive, bytes);
    await content.getByRole('button', { name: 'Release' }).click();
    await content.getByText('Say why first').waitFor();
    await decide(content, 'Release', 'withdrawn by its publisher');
    await content.getByText('Released. Its files become clean with the next sweep.').waitFor();
    await becomes(content, 'Released');
    await shoot(page, 'quarantine');
    await eventually(async () => {
      await page.getByRole('button', { name: 'Sweep now' }).click();
      return (await service.status(id)).state === 'clean';
    });

    await switchTo(page, OWNER);
    await becomes(card, 'Clean');
    await why.getByText(`by ${OPERATOR}@operators.example: withdrawn by its publisher`).waitFor();
    await Promise.all([
      page.waitForEvent('download'),
      card.getByRole('button', { name: `Download: ${name}` }).click(),
    ]);
  });

  it('has a content scanned again, and says that newer signatures find it clean', async () => {
    const page = await window.open(service.url);
    const bytes = randomBytes(2_000);
    await addSignature(service, bytes, 'Withdrawn.Signature');
    const { id } = await service.upload(bytes);
    assert.equal((await service.decided(id)).state, 'infected');
    await removeSignature(service, bytes, 'Withdrawn.Signature');
    await openQuarantine(page, OPERATOR);
    const content = contentOf(page, 'Withdrawn.Signature.UNOFFICIAL');
    await content.locator('summary').click();
    await content.getByRole('button', { name: 'Scan again' }).click();
    await content.getByText('It is scanned again.').waitFor();
    await eventually(async () => {
      await page.getByRole('button', { name: 'Reload' }).click();
      return (await content.getByText('Found clean', { exact: true }).count()) === 1;
    });
    await becomes(content, 'Infected');
    assert.equal((await service.call('GET', `/files/${id}`)).status, 410);
    await shoot(page, 'quarantine-found-clean');
  });

  it('is for operators alone, and nothing of it stays for others', async () => {
    const page = await window.open(service.url);
    await becomes(await sample(page, 'eicar.com'), 'Infected');
    const tab = page.getByRole('tab', { name: 'Quarantine' });
    assert.equal(await tab.isVisible(), false);
    await page.getByRole('tab', { name: 'Mine' }).focus();
    await page.keyboard.press('ArrowLeft');
    assert.equal(await page.getByRole('tab', { name: 'Events' }).getAttribute('aria-selected'), 'true');
    await openQuarantine(page, OPERATOR);
    await page.locator('#contents > li').first().waitFor();
    await switchTo(page, OWNER);
    await tab.waitFor({ state: 'hidden' });
    assert.equal(await page.locator('#contents > li').count(), 0);
    await page.getByRole('tab', { name: 'Mine' }).and(page.locator('[aria-selected="true"]')).waitFor();
  });

  it('is worked with by the keyboard alone', async () => {
    const page = await window.open(service.url);
    await becomes(await sample(page, 'eicar-zip-in-zip.zip'), 'Infected');
    await switchTo(page, OPERATOR);
    await page.getByRole('tab', { name: 'Mine' }).focus();
    for (const key of ['End', 'ArrowLeft']) await page.keyboard.press(key);
    const content = page.locator('#contents > li').last();
    await content.waitFor();
    const reach = async (selector: string) => {
      for (let presses = 0; presses < 20; presses += 1) {
        await page.keyboard.press('Tab');
        if ((await content.locator(`${selector}:focus`).count()) === 1) return;
      }
      assert.fail(`Tab does not lead to ${selector}`);
    };
    await reach('summary');
    await page.keyboard.press('Enter');
    await reach('button');
    await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')]);
    await reach('input:not([type])');
    await page.keyboard.type('a sample');
    // Enter in the field decides nothing.
    await page.keyboard.press('Enter');
    await reach('button');
    await page.keyboard.press('Enter');
    await becomes(content, 'Released');
    await content.locator('input:not([type]):focus').waitFor();
    await page.keyboard.type('not after all');
    await reach('button');
    await page.keyboard.press('Enter');
    await becomes(content, 'Infected');
  });

  it('says what an infected file is to its owner', async () => {
    const page = await window.open(service.url);
    const card = await sample(page, 'eicar.com');
    await becomes(card, 'Infected');
    const why = await card.locator('.why').innerText();
    assert.match(
      why,
      /^Nobody gets this file: ClamAV found \S+ in it\.\nIf you are sure that this is wrong, ask/,
    );
  });

  it('says so where it cannot be listed', async () => {
    const page = await window.open(service.url);
    await switchTo(page, OPERATOR);
    await page.route('**/local/operator/quarantine?*', (route) =>
      route.fulfill({ status: 503, json: { detail: 'The sweeper does not answer.' } }),
    );
    await page.getByRole('tab', { name: 'Quarantine' }).click();
    await page.getByText('Not listed. The sweeper does not answer. (503)').waitFor();
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`has nothing that axe-core objects to, at both widths, ${colorScheme}`, async () => {
      for (const width of [1280, 390]) {
        const page = await window.open(service.url, { colorScheme, viewport: { width, height: 800 } });
        await becomes(await sample(page, 'eicar.com'), 'Infected');
        await openQuarantine(page, OPERATOR);
        await page.locator('#contents summary').first().click();
        await page.locator('#contents dt', { hasText: 'Owners' }).waitFor();
        const { violations } = await new AxeBuilder({ page }).analyze();
        assert.deepEqual(
          violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`)),
          [],
        );
        assert.equal(await page.evaluate('document.documentElement.scrollWidth'), width);
        await shoot(page, `quarantine-${width}-${colorScheme}`);
        await page.context().close();
      }
    });
  }
});

describe('the page: quarantine, with two operators', () => {
  if (!CHROMIUM) {
    it('SKIPPED: there is no Chromium');
    return;
  }
  const service = new Service(
    {},
    { adapt: (spec) => ({ ...spec, env: { ...spec.env, RELEASE_NEEDS_SECOND: 'true' } }) },
  );
  const window = new Window();

  it('releases when another operator asks for the same, and condemns again', async () => {
    const page = await window.open(service.url);
    const card = await sample(page, 'eicar.com');
    await becomes(card, 'Infected');
    const sha256 = await termOf(card, 'SHA-256');
    await openQuarantine(page, OPERATOR);
    const content = contentOf(page, sha256);
    await content.locator('summary').click();
    await content.locator('dd', { hasText: `1: ${OWNER}` }).waitFor();
    for (const _ of ['first', 'again']) {
      await decide(content, 'Release', 'a test file');
      await content.getByText(`${OPERATOR}@operators.example has asked for its release`).waitFor();
      await becomes(content, 'Awaits another operator');
    }
    await openQuarantine(page, SECOND);
    await content.locator('summary').click();
    await decide(content, 'Release', 'a test file, indeed');
    await becomes(content, 'Released');
    await decide(content, 'Condemn', 'not after all');
    await content.getByText('Condemned. Its files are recalled with the next sweep.').waitFor();
    await becomes(content, 'Infected');
  });
});
