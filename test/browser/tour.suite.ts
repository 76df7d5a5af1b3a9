import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';
import { samples } from '../../infra/local/samples/samples.ts';
import { CHROMIUM } from '../support/chromium.ts';
import { OWNER, Service } from '../support/service.ts';
import { becomes, cardOf, sample, shoot, switchTo, termOf, Window } from './fixture.ts';
import { Line } from './line.ts';

const RECEIVER = 'org:974760673';
const OPERATOR = 'user:operator';
const STEPS = [
  'A clean file',
  'Malware',
  'Sharing',
  'The receiver',
  'A download',
  'Events',
  'Quarantine',
] as const;
const MINUTE_MS = 60_000;

describe('the page: the tour', () => {
  if (!CHROMIUM) {
    it('SKIPPED: there is no Chromium');
    return;
  }
  const service = new Service();
  const line = new Line(() => service.url);
  const window = new Window();

  afterEach(() => {
    line.mend();
    process.kill(service.pid('scanner'), 'SIGCONT');
  });

  const panelOf = (page: Page) => page.getByRole('region', { name: /^Tour, \d of 7: / });
  const buttonOf = (page: Page) => panelOf(page).locator('button.main');
  const startOf = (page: Page) => page.getByRole('button', { name: 'Take the tour' });
  const newsOf = (page: Page) => page.getByRole('status', { name: 'News' });

  function becomesPhase(page: Page, phase: 'ready' | 'busy' | 'done' | 'failed'): Promise<void> {
    return page.locator(`.tour[data-phase="${phase}"]`).waitFor();
  }

  function isAt(page: Page, step: number): Promise<void> {
    return page
      .getByRole('region', { name: `Tour, ${step} of 7: ${STEPS[step - 1]}`, exact: true })
      .waitFor();
  }

  /** Has the tour take a step. */
  async function take(page: Page): Promise<void> {
    await becomesPhase(page, 'ready');
    await buttonOf(page).click();
    await becomesPhase(page, 'done');
  }

  /** Has the tour take a step, and goes to the next. */
  async function pass(page: Page): Promise<void> {
    await take(page);
    await buttonOf(page).click();
  }

  async function start(page: Page): Promise<void> {
    await page.getByText('Live', { exact: true }).waitFor();
    await startOf(page).click();
    await isAt(page, 1);
  }

  /** The row of a file that this page has uploaded last. */
  const lastOf = (page: Page, name: string) => cardOf(page, name).first();

  it('leads a newcomer through the service: verdicts, a grant with an end, a download, events, quarantine', async () => {
    const page = await window.open(service.url);
    await start(page);
    await take(page);
    const letter = lastOf(page, 'letter.pdf');
    await becomes(letter, 'Clean');
    const id = await termOf(letter, 'Id');
    assert.equal((await service.status(id)).state, 'clean');
    await shoot(page, 'tour-clean');
    await buttonOf(page).click();

    await take(page);
    const malware = lastOf(page, 'eicar.com');
    await malware.getByText(/^Nobody gets this file: ClamAV found/).waitFor();
    const sha256 = await termOf(malware, 'SHA-256');
    await shoot(page, 'tour-infected');
    await buttonOf(page).click();

    await take(page);
    const viewers = (await (await service.call('GET', `/files/${id}/viewers`)).json()) as {
      until: Record<string, string>;
    };
    const left = Date.parse(viewers.until[RECEIVER] ?? '') - Date.now();
    assert.ok(left > 50 * MINUTE_MS && left <= 60 * MINUTE_MS, `${left} ms`);
    await buttonOf(page).click();

    await take(page);
    assert.equal(await page.getByLabel('Acting as').inputValue(), RECEIVER);
    assert.equal(await page.locator(`.tour-target[data-id="${id}"]`).count(), 1);
    await buttonOf(page).click();

    const [download] = await Promise.all([page.waitForEvent('download'), take(page)]);
    const original = samples().find(({ name }) => name === 'letter.pdf');
    assert.ok(original);
    assert.deepEqual(await readFile(await download.path()), await buffer(original.open()));
    const receipts = (await (await service.call('GET', `/files/${id}/receipts`)).json()) as {
      receipts: { principal: string }[];
    };
    assert.deepEqual(
      receipts.receipts.map(({ principal }) => principal),
      [RECEIVER],
    );
    await buttonOf(page).click();

    await take(page);
    const events = page.locator('#events > li:visible');
    for (const type of ['scan.completed', 'file.shared', 'file.downloaded']) {
      await events
        .filter({ hasText: type })
        .filter({ has: page.locator(`[data-file="${id}"]`) })
        .waitFor();
    }
    await shoot(page, 'tour-events');
    await buttonOf(page).click();

    await take(page);
    const content = page.locator('#contents > li').filter({ hasText: sha256 });
    await becomes(content, 'Infected');
    assert.equal(await content.locator('details').getAttribute('open'), '');
    await shoot(page, 'tour-quarantine');
    await page.getByRole('button', { name: `Finish, as ${OWNER} again` }).click();

    await panelOf(page).waitFor({ state: 'detached' });
    assert.equal(await page.getByLabel('Acting as').inputValue(), OWNER);
    await newsOf(page).filter({ hasText: 'This was the tour.' }).waitFor();
    assert.equal(await page.locator('.tour-target').count(), 0);
  });

  it('is taken by the keyboard alone, is heard, and keeps the focus', async () => {
    const page = await window.open(service.url);
    await page.getByText('Live', { exact: true }).waitFor();
    await startOf(page).focus();
    await page.keyboard.press('Enter');
    const focused = panelOf(page).locator('button.main:focus');
    for (const [at, title] of STEPS.entries()) {
      await isAt(page, at + 1);
      await becomesPhase(page, 'ready');
      await focused.waitFor();
      const text = await panelOf(page).locator('#tour-text').innerText();
      if (at > 0)
        await newsOf(page)
          .filter({ hasText: `Tour, ${at + 1} of 7: ${title}. ${text}` })
          .waitFor();
      await page.keyboard.press('Enter');
      await becomesPhase(page, 'done');
      await newsOf(page)
        .filter({ hasText: `Done. ${await panelOf(page).locator('#tour-text').innerText()}` })
        .waitFor();
      await focused.waitFor();
      await page.keyboard.press('Enter');
    }
    await page.locator('#tour-start:focus').waitFor();
    await page.keyboard.press('Enter');
    await focused.waitFor();
    await page.keyboard.press('Escape');
    await page.locator('#tour-start:focus').waitFor();
    assert.equal(await panelOf(page).count(), 0);
    await newsOf(page).filter({ hasText: 'You have left the tour.' }).waitFor();
  });

  it('goes on where somebody does a step by hand, also before it is asked for', async () => {
    const page = await window.open(service.url);
    await start(page);
    const letter = await sample(page, 'letter.pdf');
    await becomesPhase(page, 'done');
    await becomes(await sample(page, 'eicar.com'), 'Infected');
    await buttonOf(page).click();
    await isAt(page, 2);
    await becomesPhase(page, 'done');
    await buttonOf(page).click();

    await isAt(page, 3);
    await letter.getByLabel('Share with').fill(RECEIVER);
    await letter.getByRole('button', { name: 'Share', exact: true }).click();
    await becomesPhase(page, 'done');
    const id = await termOf(letter, 'Id');
    await buttonOf(page).click();

    await switchTo(page, RECEIVER);
    await page.getByRole('tab', { name: 'Shared with me' }).click();
    await becomesPhase(page, 'done');
    await buttonOf(page).click();

    const received = page.locator(`[data-id="${id}"]`);
    await received.getByRole('button', { name: 'letter.pdf', exact: true }).click();
    await received.getByRole('button', { name: 'Download' }).click();
    await becomesPhase(page, 'done');
    await buttonOf(page).click();

    await page.getByRole('tab', { name: 'Events' }).click();
    await becomesPhase(page, 'done');
    await buttonOf(page).click();

    await switchTo(page, OPERATOR);
    await page.getByRole('tab', { name: 'Quarantine' }).click();
    await page.locator('#contents summary').filter({ hasText: /eicar/i }).first().click();
    await becomesPhase(page, 'done');
  });

  it('is left at any step, and taken anew', async () => {
    const page = await window.open(service.url);
    for (let steps = 0; steps < STEPS.length; steps++) {
      await switchTo(page, OWNER);
      await start(page);
      for (let at = 0; at < steps; at++) await pass(page);
      await isAt(page, steps + 1);
      await panelOf(page).getByRole('button', { name: 'Leave the tour' }).click();
      assert.equal(await panelOf(page).count(), 0);
      assert.equal(await page.locator('.tour-target').count(), 0);
      await page.locator('#tour-start:focus').waitFor();
    }
    assert.equal(
      await page.getByLabel('Acting as').inputValue(),
      RECEIVER,
      'it changes nothing when it is left',
    );
  });

  it('is left while a step is under way, which goes on without it', async () => {
    const page = await window.open(service.url);
    await start(page);
    process.kill(service.pid('scanner'), 'SIGSTOP');
    await buttonOf(page).click();
    await becomes(lastOf(page, 'letter.pdf'), 'Pending');
    await becomesPhase(page, 'busy');
    await page.keyboard.press('Escape');
    await panelOf(page).waitFor({ state: 'detached' });
    process.kill(service.pid('scanner'), 'SIGCONT');
    await becomes(lastOf(page, 'letter.pdf'), 'Clean');
    assert.equal(await panelOf(page).count(), 0);
    await start(page);
    await becomesPhase(page, 'ready');
  });

  it('says why a step fails, and takes it again', async () => {
    const page = await window.open(line.url);
    await start(page);
    const fails = async (why: RegExp, { recovers = false } = {}) => {
      line.cut();
      await buttonOf(page).click();
      await panelOf(page).getByText(why).waitFor();
      await becomesPhase(page, 'failed');
      await newsOf(page).filter({ hasText: 'Not done. ' }).waitFor();
      line.mend();
      await page.getByText('Live', { exact: true }).waitFor();
      if (!recovers) await page.getByRole('button', { name: 'Try again' }).click();
      await becomesPhase(page, 'done');
      await buttonOf(page).click();
    };
    await fails(/^The sample letter\.pdf could not be made\. /);
    await pass(page);
    await fails(/^letter\.pdf: .*no answer/s);
    await isAt(page, 4);
    // Once the line is back, the page asks again without being told to.
    await fails(/^Your files could not be listed\. /, { recovers: true });
    await isAt(page, 5);
    await shoot(page, 'tour-failed');
  });

  it('waits for a scanner that does not answer, and says so', async () => {
    const page = await window.open(service.url);
    await start(page);
    process.kill(service.pid('scanner'), 'SIGSTOP');
    await buttonOf(page).click();
    await panelOf(page)
      .getByText(/^This takes longer than usual\./)
      .waitFor();
    await page.getByRole('button', { name: 'Try again' }).waitFor();
    process.kill(service.pid('scanner'), 'SIGCONT');
    await becomesPhase(page, 'done');
  });

  for (const [colorScheme, width] of [
    ['light', 1280],
    ['dark', 390],
  ] as const) {
    it(`has nothing that axe-core objects to, and covers nothing that it points at, ${colorScheme}, ${width} wide`, async () => {
      const page = await window.open(service.url, { colorScheme, viewport: { width, height: 800 } });
      await start(page);
      for (const [at] of STEPS.entries()) {
        await isAt(page, at + 1);
        await isInView(page);
        await take(page);
        await isInView(page);
        const { violations } = await new AxeBuilder({ page }).analyze();
        assert.deepEqual(
          violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`)),
          [],
        );
        assert.equal(await page.evaluate('document.documentElement.scrollWidth'), width);
        await shoot(page, `tour-${at + 1}-${width}-${colorScheme}`);
        await buttonOf(page).click();
      }
    });
  }

  /** A part of what it points at is on the screen, above the strip. */
  async function isInView(page: Page): Promise<void> {
    const [target, strip] = await Promise.all([
      page.locator('.tour-target').boundingBox(),
      panelOf(page).boundingBox(),
    ]);
    assert.ok(target && strip);
    const [bottom, place] = [target.y + target.height, JSON.stringify(target)];
    assert.ok(bottom > 0 && target.y < strip.y, `${place} is not above ${strip.y}`);
  }

  it('says that an operator has released the test file, and finds malware once it is condemned', async () => {
    const page = await window.open(service.url);
    const order = async (path: string, sha256: string) => {
      const answer = await service.sweeper(path, {
        as: 'operator',
        body: JSON.stringify({ sha256, reason: 'a test' }),
      });
      assert.ok(answer.ok, await answer.text());
    };
    await start(page);
    await pass(page);
    await take(page);
    const sha256 = await termOf(lastOf(page, 'eicar.com'), 'SHA-256');
    await panelOf(page).getByRole('button', { name: 'Leave the tour' }).click();
    await order('/release', sha256);
    await start(page);
    await pass(page);
    await buttonOf(page).click();
    await panelOf(page)
      .getByText(/^eicar\.com: Clean\. Released .*: a test$/)
      .waitFor();
    const id = await termOf(lastOf(page, 'eicar.com'), 'Id');
    assert.equal((await service.status(id)).state, 'clean');
    await order('/condemn', sha256);
    await page.getByRole('button', { name: 'Try again' }).click();
    await becomesPhase(page, 'done');
  });
});
