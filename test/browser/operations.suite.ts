import assert from 'node:assert/strict';
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';
import { commandLine, Folder } from '../client/fixture.ts';
import { CHROMIUM } from '../support/chromium.ts';
import { named } from '../support/deployments.ts';
import { eventually, Service } from '../support/service.ts';
import { becomes, sample, shoot, switchTo, Window } from './fixture.ts';

const OPERATOR = 'user:operator';

describe('the page: operations', () => {
  if (!CHROMIUM) {
    it('SKIPPED: there is no Chromium');
    return;
  }
  const service = new Service({}, { adapt: named('here') });
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
        numbers['Events waiting for the scanner'] === '0' &&
        numbers
      );
    });
    assert.equal(onPage['Verdicts in the last hour'], 'clean 1, infected 1');
    assert.match(onPage['Age of the oldest pending file, at the last sweep'] ?? '', /^\d+ s$/);
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

  it('pauses the intake with a reason, which everybody reads on the page and where an upload is refused, and resumes it', async () => {
    const page = await window.open(service.url);
    await opened(page);
    const intake = page.getByRole('status', { name: 'Intake' });
    await intake.filter({ hasText: 'New uploads are taken.' }).waitFor();
    const reason = 'Storage is <b>moved</b>';
    await page.getByRole('textbox', { name: /^Reason/ }).fill(reason);
    await page.getByRole('button', { name: 'Pause intake' }).click();
    await intake.filter({ hasText: `paused by user:operator@operators.example: ${reason}` }).waitFor();
    await eventually(async () => {
      const answer = await service.call('POST', '/files', { body: 'x' });
      return answer.status === 503;
    });
    await told('paused');
    const reader = await window.open(service.url);
    const notice = reader.getByRole('status', { name: 'Notice' });
    await notice.filter({ hasText: `New uploads are paused: ${reason}` }).waitFor();
    assert.equal(await notice.locator('b').count(), 0);
    await reader.locator('[data-sample="letter.pdf"]').click();
    await reader.getByText(`New uploads are paused: ${reason} (503)`).first().waitFor();

    await page.getByRole('button', { name: 'Resume intake' }).click();
    await intake.filter({ hasText: 'New uploads are taken.' }).waitFor();
    await eventually(async () => (await service.call('POST', '/files', { body: 'x' })).status === 202);
    await told('open');
    // Past the cache of the browser.
    await reader.route('**/notice', (route) => route.continue());
    const asked = reader.waitForResponse('**/notice');
    await reader.reload();
    await asked;
    await notice.filter({ hasText: /^$/ }).waitFor({ state: 'attached' });
  });

  it('publishes a notice, which everybody reads on the page, and removes it', async () => {
    const page = await window.open(service.url);
    await opened(page);
    const note = page.getByRole('status', { name: 'Notice to users' });
    await note.filter({ hasText: 'There is no notice.' }).waitFor();
    const text = 'Maintenance <b>tonight</b>';
    await page.getByRole('textbox', { name: /^Notice/ }).fill(text);
    await page.getByRole('checkbox', { name: 'As a warning' }).check();
    await page.getByRole('button', { name: 'Publish notice' }).click();
    await note.filter({ hasText: `Shown, by user:operator@operators.example: ${text}` }).waitFor();
    const answer = async () => (await service.call('GET', '/notice')).text();
    await eventually(async () => (await answer()).includes('"warning"'));
    const reader = await window.open(service.url);
    const banner = reader.getByRole('status', { name: 'Notice', exact: true });
    await banner.filter({ hasText: text }).waitFor();
    assert.equal(await banner.locator('b').count(), 0);

    await page.route('**/local/operator/notice', (route) =>
      route.fulfill({ status: 503, json: { detail: 'The sweeper does not answer.' } }),
    );
    await page.getByRole('button', { name: 'Remove notice' }).click();
    await note.filter({ hasText: 'Refused. The sweeper does not answer. (503)' }).waitFor();
    await page.unroute('**/local/operator/notice');
    await page.getByRole('button', { name: 'Remove notice' }).click();
    await note.filter({ hasText: 'There is no notice.' }).waitFor();
    await eventually(async () => !(await answer()).includes('notice'));
  });

  /** Waits until the files function tells that the intake is so. */
  async function told(state: 'open' | 'paused'): Promise<void> {
    await eventually(async () =>
      (await (await service.call('GET', '/notice')).text()).includes(`"${state}"`),
    );
  }

  it('says why the intake was not paused, and an older answer does not replace that', async () => {
    const page = await window.open(service.url);
    const gate = Promise.withResolvers<void>();
    await page.route('**/local/operator/intake', async (route) => {
      await gate.promise;
      await route.continue();
    });
    await opened(page);
    await page.route('**/local/operator/intake/pause', (route) =>
      route.fulfill({ status: 503, json: { detail: 'The sweeper does not answer.' } }),
    );
    await page.getByRole('textbox', { name: /^Reason/ }).fill('r');
    await page.getByRole('button', { name: 'Pause intake' }).click();
    const intake = page.getByRole('status', { name: 'Intake' });
    const refused = intake.filter({ hasText: 'Refused. The sweeper does not answer. (503)' });
    await refused.waitFor();
    const older = page.waitForResponse('**/local/operator/intake');
    gate.resolve();
    await (await older).finished();
    assert.equal(await refused.count(), 1);
  });

  it('says which number is unknown, and shows none to others', async () => {
    const page = await window.open(service.url);
    await page.route('**/local/metrics/api/v1/query?*redriven*', (route) => route.fulfill({ status: 500 }));
    await opened(page);
    await page.locator('#readings dd', { hasText: 'unknown. Refused (500)' }).waitFor();
    assert.equal((await shown(page))['Failed files in the last hour'], '0');
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
