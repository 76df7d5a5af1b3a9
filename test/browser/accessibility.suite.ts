import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { CHROMIUM } from '../support/chromium.ts';
import { Service } from '../support/service.ts';
import { faults } from './faults.ts';
import { becomes, cardOf, sample, shoot, switchTo, Window } from './fixture.ts';

const PHONE = { width: 360, height: 740 };
const NEVER_WAS = 'dul5o97iubnr643anjrka7ngal8gr9hlvnloro5f8vi';

describe('the page: for everybody', () => {
  if (!CHROMIUM) {
    it('SKIPPED: there is no Chromium');
    return;
  }
  const service = new Service();
  const window = new Window();

  /** A page with one of most things on it. */
  async function furnished(page: Page): Promise<void> {
    for (const [name, state] of [
      ['letter.pdf', 'Clean'],
      ['eicar.com', 'Infected'],
      ['encrypted.zip', 'Unscannable'],
    ] as const) {
      const card = await sample(page, name);
      await becomes(card, state);
      if (state !== 'Clean') continue;
      await card.getByLabel('Share with').fill('org:974760673');
      await card.getByRole('button', { name: 'Share' }).click();
      await card.getByRole('button', { name: 'Revoke' }).waitFor();
    }
  }

  /** Opens each tab that anybody has, with something in it. */
  async function inEachTab(page: Page, look: () => Promise<void>): Promise<void> {
    for (const name of ['Events', 'Shared with me', 'Mine']) {
      await page.getByRole('tab', { name }).click();
      if (name === 'Events') await page.locator('#events > li').first().locator('summary').click();
      if (name === 'Mine')
        await page.getByRole('button', { name: 'letter.pdf', exact: true }).first().click();
      await look();
    }
  }

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`has nothing that axe-core objects to, ${colorScheme}`, async () => {
      const page = await window.open(service.url, { colorScheme });
      assert.deepEqual(await faults(page), []);
      await furnished(page);
      await inEachTab(page, async () => assert.deepEqual(await faults(page), []));
      await shoot(page, colorScheme);
      await switchTo(page, 'user:stranger');
      await page.getByLabel('Open by id').fill(NEVER_WAS);
      await page.getByRole('button', { name: 'Open' }).click();
      await page.getByText('File not found').waitFor();
      assert.deepEqual(await faults(page), []);
      await page.goto(`${service.url}/local/status`);
      assert.deepEqual(await faults(page), []);
      await shoot(page, `status-${colorScheme}`);
    });

    it(`has it on a phone as well, and nothing beside the screen, ${colorScheme}`, async () => {
      const page = await window.open(service.url, { colorScheme, viewport: PHONE });
      await furnished(page);
      await inEachTab(page, async () => {
        assert.deepEqual(await faults(page), []);
        assert.deepEqual(await beside(page), []);
      });
      await shoot(page, `phone-${colorScheme}`);
    });
  }

  it('would have axe-core object to what is wrong', async () => {
    const page = await window.open(service.url);
    await page.evaluate(`document.querySelector('label[for=file-id]').remove()`);
    assert.match((await faults(page)).join(), /label/);
  });

  it('does everything by the keyboard alone, and shows where it is', async () => {
    const page = await window.open(service.url);
    // Asked for in time: the browser has to be told to leave the choice to the test.
    const chosen = page.waitForEvent('filechooser');
    await page.getByText('Live', { exact: true }).waitFor();
    const reach = async (name: RegExp) => {
      for (let presses = 0; presses < 80; presses += 1) {
        await page.keyboard.press('Tab');
        const { text, outline } = await focused(page);
        assert.notEqual(outline, 'none', `nobody sees that ${text} has the focus`);
        if (name.test(text)) return;
      }
      assert.fail(`Tab does not lead to ${name}`);
    };
    await reach(/^Skip to the files$/);
    await reach(/^Choose files$/);
    await page.keyboard.press('Enter');
    await (await chosen).setFiles({
      name: 'by-keyboard.txt',
      mimeType: 'text/plain',
      buffer: Buffer.from('keys'),
    });
    const card = cardOf(page, 'by-keyboard.txt');
    await becomes(card, 'Clean');
    await reach(/^by-keyboard\.txt$/);
    await page.keyboard.press('Enter');
    await card.getByLabel('Share with').waitFor({ state: 'hidden' });
    await page.keyboard.press('Space');
    await reach(/^Share with$/);
    await page.keyboard.type('org:974760673');
    await page.keyboard.press('Enter');
    await card.getByRole('button', { name: 'Revoke org:974760673' }).waitFor();
    await shoot(page, 'focus');
    await page.keyboard.press('Shift+Tab');
    assert.equal((await focused(page)).text, 'Revoke org:974760673');
    await page.keyboard.press('Enter');
    await card.getByRole('button', { name: 'Revoke org:974760673' }).waitFor({ state: 'detached' });
    assert.equal((await focused(page)).text, 'Share with', 'the focus is not lost with the button');
    await reach(/^Download: by-keyboard\.txt$/);
    await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')]);
    await reach(/^Delete: by-keyboard\.txt$/);
    await page.keyboard.press('Enter');
    await becomes(card, 'Deleted');
    await page.locator('button:focus', { hasText: 'by-keyboard.txt' }).waitFor();
  });

  it('moves nothing for who wants nothing to move', async () => {
    for (const reducedMotion of ['reduce', 'no-preference'] as const) {
      const page = await window.open(service.url, { reducedMotion });
      process.kill(service.pid('scanner'), 'SIGSTOP');
      const card = await sample(page, 'one-byte.bin');
      await becomes(card, 'Pending');
      const moving = await page.evaluate('document.getAnimations().length');
      process.kill(service.pid('scanner'), 'SIGCONT');
      await becomes(card, 'Clean');
      assert.equal(Number(moving) > 0, reducedMotion === 'no-preference');
    }
  });

  it('asks nobody but this machine, and lets nothing inline run', async () => {
    const page = await window.open('about:blank');
    const asked = new Set<string>();
    page.on('request', (request) => asked.add(new URL(request.url()).origin));
    const answer = await page.goto(service.url);
    await furnished(page);
    assert.deepEqual([...asked], [service.url]);
    const policy = (await answer?.headerValue('content-security-policy')) ?? '';
    assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self'/);
    assert.doesNotMatch(policy, /unsafe|\*/);
  });
});

/** Elements beyond the screen, except those that scroll on their own or are hidden on purpose. */
async function beside(page: Page): Promise<string[]> {
  return page.evaluate(`[...document.body.querySelectorAll(':not(.visually-hidden, pre *)')]
    .filter((each) => each.getBoundingClientRect().right > innerWidth)
    .map((each) => each.outerHTML.slice(0, 120))`);
}

/** The name of what has the focus, and how it is outlined: of a hidden file input, its label is. */
async function focused(page: Page): Promise<{ text: string; outline: string }> {
  return page.evaluate(`(() => {
    const active = document.activeElement;
    const label = active.labels?.[0];
    const seen = active.type === 'file' ? label : active;
    const text = active.getAttribute('aria-label') ?? label?.textContent ?? active.textContent;
    return { text: text.trim(), outline: active === document.body ? 'body' : getComputedStyle(seen).outlineStyle };
  })()`);
}
