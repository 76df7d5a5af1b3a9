import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { launchChromium } from '../support/chromium.ts';

const SCREENSHOTS = join(import.meta.dirname, '../../test-results/browser');
/** Each awaited change comes within seconds, except on a busy machine. */
const PATIENCE_MS = 90_000;

/** A browser for the tests of the enclosing `describe`. */
export class Window {
  #browser: Browser | undefined;
  readonly #complaints: string[] = [];

  constructor() {
    const window = this;
    before(async () => {
      this.#browser = await launchChromium();
    });
    afterEach(async function () {
      if (this.currentTest?.state === 'failed') await window.#shootAll(this.currentTest.title);
      await Promise.all(window.#browser?.contexts().map((context) => context.close()) ?? []);
      assert.deepEqual(window.#complaints.splice(0), [], 'what the browser complained about');
    });
    after(() => this.#browser?.close());
  }

  async #shootAll(title: string): Promise<void> {
    const pages = this.#browser?.contexts().flatMap((context) => context.pages()) ?? [];
    for (const [at, page] of pages.entries()) await shoot(page, `failed, ${title} ${at + 1}`);
  }

  /** A page in a separate profile. A script that fails, or breaks the Content-Security-Policy, fails the test. */
  async open(url: string, options: BrowserContextOptions = {}): Promise<Page> {
    assert.ok(this.#browser);
    const viewport = { width: 1280, height: 900 };
    const context = await this.#browser.newContext({ viewport, reducedMotion: 'reduce', ...options });
    context.setDefaultTimeout(PATIENCE_MS);
    const page = await context.newPage();
    page.on('pageerror', (error) => this.#complaints.push(String(error.stack)));
    page.on('console', (message) => {
      // An answer that is no success is a part of what is tested.
      const isAnswer = /^Failed to load resource/.test(message.text());
      if (message.type() === 'error' && !isAnswer) this.#complaints.push(message.text());
    });
    await page.goto(url);
    return page;
  }
}

/** The latest look of a page, kept for people to see. */
export async function shoot(page: Page, name: string): Promise<void> {
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
}

/** A file in the table: its row, and its card where it is open. */
export function cardOf(page: Page, name: string): Locator {
  return page.locator('tbody').filter({ has: page.getByRole('button', { name, exact: true }) });
}

/** Waits until a card says so. */
export function becomes(card: Locator, state: string): Promise<void> {
  return card.locator(`.badge:text-is("${state}")`).waitFor();
}

/** Uploads a sample. Its row is open, those of what was there before the page was loaded are not. */
export async function sample(page: Page, name: string): Promise<Locator> {
  await page.locator(`[data-sample="${name}"]`).click();
  return cardOf(page, name).filter({ has: page.locator('[aria-expanded="true"]') });
}

/** A card's text about a file, by its term. */
export function termOf(card: Locator, term: string): Promise<string> {
  const row = card.locator('.facts > div').filter({ has: card.page().locator(`dt:text-is("${term}")`) });
  return row.locator('dd').innerText();
}

export async function switchTo(page: Page, principal: string): Promise<void> {
  await page.getByLabel('Acting as').selectOption(principal);
}
