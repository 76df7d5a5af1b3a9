import assert from 'node:assert/strict';
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';
import { commandLine, Folder } from '../client/fixture.ts';
import { CHROMIUM } from '../support/chromium.ts';
import { eventually, Service } from '../support/service.ts';
import { becomes, sample, shoot, switchTo, Window } from './fixture.ts';

const OPERATOR = 'user:operator';

describe('the page: operations', () => {
  if (!CHROMIUM) {
    it('SKIPPED: there is no Chromium');
    return;
  }
  const service = new Service();
  const window = new Window();
  const folder = new Folder();
  const fileshare = commandLine(service, folder);

  async function opened(page: Page): Promise<void> {
    await switchTo(page, OPERATOR);
    await page.getByRole('tab', { name: 'Operations' }).click();
    await page.locator('#readings dd').last().filter({ hasText: /./ }).waitFor();
  }

  /** Titles and values, as the page shows them. */
  async function shown(page: Page): Promise<Record<string, string>> {
    const titles = await page.locator('#readings dt').allInnerTexts();
    const values = await page.locator('#readings dd').allInnerTexts();
    return Object.fromEntries(titles.map((title, at) => [title, values[at] ?? '']));
  }

  /** The same, as the command line prints them. */
  async function printed(): Promise<Record<string, string>> {
    const env = {
      FILESHARE_METRICS_URL: `${service.url}/local/metrics`,
      FILESHARE_METRICS_TOKEN: await service.platform.token(OPERATOR, ['admin']),
    };
    const { code, stdout, stderr } = await fileshare(['admin', 'status'], { env });
    assert.equal(code, 0, stderr);
    return Object.fromEntries(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split(/ {2,}/) as [string, string]),
    );
  }

  it('shows the numbers that the command line prints', async () => {
    const page = await window.open(service.url);
    await becomes(await sample(page, 'letter.pdf'), 'Clean');
    await becomes(await sample(page, 'eicar.com'), 'Infected');
    await opened(page);
    await page.getByRole('button', { name: 'Sweep' }).click();
    const note = page.getByRole('status', { name: 'Outcome of the order' });
    await note.filter({ hasText: /^Sweep: .*complete\.records true/ }).waitFor();
    await service.audit();
    const onPage = await eventually(async () => {
      await page.getByRole('button', { name: 'Reload' }).click();
      const numbers = await shown(page);
      return (
        numbers['Audits in the last day'] === '1' &&
        numbers['Events that wait for the scanner'] === '0' &&
        numbers
      );
    });
    assert.equal(onPage['Verdicts in the last hour'], 'clean 1, infected 1');
    assert.match(onPage['Oldest pending file, at the last sweep'] ?? '', /^\d+ s$/);
    assert.deepEqual(await printed(), onPage);
    await shoot(page, 'operations');
  });

  it('collects, and sends again what failed', async () => {
    const page = await window.open(service.url);
    await opened(page);
    const note = page.getByRole('status', { name: 'Outcome of the order' });
    await page.getByRole('button', { name: 'Collect' }).click();
    await note.filter({ hasText: /^Collect: .*complete/ }).waitFor();
    await page.getByRole('button', { name: 'Redrive all that failed' }).click();
    await note.filter({ hasText: 'Redrive all that failed: complete true' }).waitFor();
    await page.route('**/local/operator/sweep', (route) =>
      route.fulfill({ status: 503, json: { detail: 'The sweeper does not answer.' } }),
    );
    await page.getByRole('button', { name: 'Sweep' }).click();
    await note.filter({ hasText: 'Sweep: refused. The sweeper does not answer. (503)' }).waitFor();
  });

  it('says which number is unknown, and shows none to others', async () => {
    const page = await window.open(service.url);
    await page.route('**/local/metrics/api/v1/query?*redriven*', (route) => route.fulfill({ status: 500 }));
    await opened(page);
    await page.locator('#readings dd', { hasText: 'unknown. Refused (500)' }).waitFor();
    assert.equal((await shown(page))['Files that failed, in the last hour'], '0');
    await switchTo(page, 'org:889640782');
    await page.getByRole('tab', { name: 'Operations' }).waitFor({ state: 'hidden' });
    assert.deepEqual([...new Set(Object.values(await page.locator('#readings dd').allTextContents()))], ['']);
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`has nothing that axe-core objects to, at both widths, ${colorScheme}`, async () => {
      for (const width of [1280, 390]) {
        const page = await window.open(service.url, { colorScheme, viewport: { width, height: 800 } });
        await opened(page);
        const { violations } = await new AxeBuilder({ page }).analyze();
        assert.deepEqual(
          violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`)),
          [],
        );
        assert.equal(await page.evaluate('document.documentElement.scrollWidth'), width);
        await shoot(page, `operations-${width}-${colorScheme}`);
        await page.context().close();
      }
    });
  }
});
