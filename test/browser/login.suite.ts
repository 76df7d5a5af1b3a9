import assert from 'node:assert/strict';
import type { Locator, Page, Route } from 'playwright-core';
import { CHROMIUM } from '../support/chromium.ts';
import { EICAR, eventually, OWNER, Service } from '../support/service.ts';
import { faults } from './faults.ts';
import { becomes, cardOf, shoot, Window } from './fixture.ts';
import { PageServer } from './page-server.ts';

const OTHER = 'org:974760673';
const SCOPE = 'openid offline_access fileshare.read fileshare.write';

describe('the page of a deployment, with a login', () => {
  if (!CHROMIUM) {
    it('SKIPPED: there is no Chromium');
    return;
  }
  const pages = new PageServer(() => config());
  const service = new Service(() => ({ HOSTS: 'two', CORS_ORIGINS: pages.origin }));
  const window = new Window();
  const config = () => ({
    issuer: `${service.url}/local/issuer`,
    clientId: 'page',
    scope: SCOPE,
    filesUrl: service.filesUrl,
    uploadUrl: service.uploadUrl,
    principal: '{principal}',
    connectTo: [service.platform.storageUrl],
  });

  const loginButton = (page: Page) => page.getByRole('main').getByRole('button', { name: 'Log in' });
  const who = (page: Page): Locator => page.locator('#who');
  const reason = (page: Page): Locator => page.locator('#login-reason');

  /** Says at the issuer who it is. */
  async function identify(page: Page, principal: string): Promise<void> {
    await page.getByLabel('Principal').fill(principal);
    await page.getByRole('button', { name: 'Log in' }).click();
  }

  async function logIn(page: Page, principal: string): Promise<void> {
    await loginButton(page).click();
    await identify(page, principal);
    await who(page).filter({ hasText: principal }).waitFor();
  }

  async function upload(page: Page, name: string, content: string): Promise<Locator> {
    await page
      .locator('#picker')
      .setInputFiles({ name, mimeType: 'text/plain', buffer: Buffer.from(content) });
    return cardOf(page, name).first();
  }

  const kept = (page: Page) =>
    page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));

  it('shows each what is theirs: verdicts to the one, nothing of it to the next', async () => {
    const page = await window.open(pages.url);
    await loginButton(page).waitFor();
    assert.deepEqual(await faults(page), []);
    await shoot(page, 'login');
    await loginButton(page).click();
    await page.getByLabel('Principal').waitFor();
    assert.deepEqual(await faults(page), []);
    await shoot(page, 'login-issuer');
    await identify(page, OWNER);
    await who(page).filter({ hasText: OWNER }).waitFor();
    assert.equal(page.url(), pages.url, 'the code is not in the address');
    await becomes(await upload(page, 'eicar.com', EICAR), 'Infected');
    await becomes(await upload(page, 'note.txt', 'a note'), 'Clean');
    assert.deepEqual(await faults(page), []);
    assert.doesNotMatch(await kept(page), /eyJ/, 'no token is stored');
    for (const tab of ['Events', 'Quarantine', 'Operations']) {
      assert.equal(await page.getByRole('tab', { name: tab }).isVisible(), false, tab);
    }
    assert.equal(await page.locator('[data-sample]').count(), 0);
    await shoot(page, 'logged-in');
    await page.evaluate((owner) => {
      localStorage.setItem(`hops-fileshare:upload:${owner} file`, '{}');
    }, OWNER);

    await page.getByRole('button', { name: 'Log out' }).click();
    await loginButton(page).waitFor();
    assert.doesNotMatch(await kept(page), /upload:|logged-in/);
    await page.goBack();
    await loginButton(page).waitFor();
    assert.doesNotMatch(await page.locator('body').innerText(), /note\.txt|eicar/);

    await page.goto(pages.url);
    await logIn(page, OTHER);
    await page.getByText('No files yet.').waitFor();
    await page.getByRole('tab', { name: 'Shared with me' }).click();
    await page.getByText('Nothing is shared with this identity.').waitFor();
    assert.equal(await page.locator('tbody').count(), 0);
    assert.doesNotMatch(await page.content(), /note\.txt|eicar/);
  });

  it('keeps a login over a reload, and asks another tab once', async () => {
    const page = await window.open(pages.url);
    await logIn(page, OWNER);
    await page.reload();
    await who(page).filter({ hasText: OWNER }).waitFor();
    const other = await page.context().newPage();
    await other.goto(pages.url);
    await loginButton(other).click();
    await who(other).filter({ hasText: OWNER }).waitFor();
    await page.getByRole('button', { name: 'Log out' }).click();
    await loginButton(page).waitFor();
    await loginButton(other).waitFor();
    await other.reload();
    await loginButton(other).waitFor();
  });

  it('switches to another identity, and forgets the uploads of the first', async () => {
    const page = await window.open(pages.url);
    await logIn(page, OWNER);
    await becomes(await upload(page, 'of the first.txt', 'a note'), 'Clean');
    await page.evaluate((owner) => {
      localStorage.setItem(`hops-fileshare:upload:${owner} file`, '{}');
    }, OWNER);
    await page.getByLabel('Search by name').fill('of the first');
    await page.getByRole('button', { name: 'Switch identity' }).click();
    await identify(page, OTHER);
    await who(page).filter({ hasText: OTHER }).waitFor();
    await page.getByText('No files yet.').waitFor();
    assert.equal(await page.getByLabel('Search by name').inputValue(), '');
    assert.equal(await page.locator('tbody').count(), 0);
    assert.doesNotMatch(await kept(page), /upload:/);
  });

  it('logs out while an upload is under way, without a question about it', async () => {
    const page = await window.open(pages.url);
    await logIn(page, OWNER);
    const asked: string[] = [];
    page.on('dialog', (dialog) => {
      asked.push(dialog.type());
      return dialog.accept();
    });
    // It is never answered.
    await page.route(`${service.uploadUrl}/files`, () => {});
    await upload(page, 'under way.txt', 'a note');
    const tray = page.getByRole('region', { name: 'Uploads' });
    await tray.getByText('0 of 1 uploaded · 1 running').waitFor();
    await page.getByRole('button', { name: 'Log out' }).click();
    await loginButton(page).waitFor();
    assert.deepEqual(asked, []);
    assert.equal(await tray.isVisible(), false);
  });

  it('shows the notice to those who are logged in', async () => {
    const page = await window.open('about:blank');
    const answered = page.waitForResponse(`${service.filesUrl}/notice`);
    await page.route(`${service.filesUrl}/notice`, async (route) => {
      const response = await route.fetch();
      const told: object = await response.json();
      await route.fulfill({
        response,
        json: { ...told, notice: { text: 'Down on Sunday.', level: 'info' } },
      });
    });
    await page.goto(pages.url);
    await loginButton(page).waitFor();
    const notice = page.locator('#notice');
    assert.equal(await notice.isVisible(), false);
    await logIn(page, OWNER);
    assert.equal((await answered).status(), 200);
    await notice.filter({ hasText: 'Down on Sunday.' }).waitFor();
    assert.deepEqual(await faults(page), []);
  });

  describe('an answer that is not that of the issuer', () => {
    /** Begins a login, and returns what the issuer was asked. */
    async function begun(page: Page): Promise<URLSearchParams> {
      await loginButton(page).click();
      await page.getByLabel('Principal').waitFor();
      return new URL(page.url()).searchParams;
    }

    async function refused(page: Page, answer: Record<string, string>, why: RegExp): Promise<void> {
      await page.goto(`${pages.url}?${new URLSearchParams(answer)}`);
      await reason(page).filter({ hasText: why }).waitFor();
      await loginButton(page).waitFor();
      assert.equal(await who(page).isVisible(), false);
      assert.equal(page.url(), pages.url);
    }

    const issuer = () => config().issuer;

    it('is refused where no login was begun', async () => {
      const page = await window.open(pages.url);
      for (const answer of [{ code: 'any', state: 'any', iss: issuer() }, { error: 'access_denied' }]) {
        await refused(page, answer, /not begun here/);
      }
    });

    it('is refused with another state, another issuer or none', async () => {
      const page = await window.open(pages.url);
      for (const wrong of [
        { state: 'wrong' },
        { iss: 'https://attacker.example' },
        { iss: '' },
        { state: '' },
      ]) {
        const state = (await begun(page)).get('state') ?? '';
        const answer = { code: 'any', state, iss: issuer(), ...wrong };
        await refused(page, answer, /The login failed, and nobody is logged in\. .*(state|iss)/);
      }
    });

    it('is refused with a code that was used, or that belongs to another login', async () => {
      const page = await window.open(pages.url);
      const answered = page.waitForRequest((request) => request.url().startsWith(`${pages.url}?code=`));
      await logIn(page, OWNER);
      const answer = Object.fromEntries(new URL((await answered).url()).searchParams);
      await refused(page, answer, /not begun here/);
      await loginButton(page).click();
      await who(page).filter({ hasText: OWNER }).waitFor();
      await page.getByRole('button', { name: 'Log out' }).click();
      await loginButton(page).waitFor();
      const state = (await begun(page)).get('state') ?? '';
      await refused(page, { ...answer, state }, /invalid_grant/);
    });

    it('is refused with an ID token for another nonce', async () => {
      const page = await window.open(pages.url);
      await page.route('**/local/issuer/token', async (route) => {
        const response = await route.fetch();
        const answer = (await response.json()) as { id_token: string };
        const [header, claims = '', signature] = answer.id_token.split('.');
        const changed = { ...JSON.parse(Buffer.from(claims, 'base64url').toString()), nonce: 'another' };
        const text = Buffer.from(JSON.stringify(changed)).toString('base64url');
        await route.fulfill({ response, json: { ...answer, id_token: [header, text, signature].join('.') } });
      });
      await loginButton(page).click();
      await identify(page, OWNER);
      await reason(page)
        .filter({ hasText: /The login failed.*nonce/ })
        .waitFor();
      assert.equal(await who(page).isVisible(), false);
    });

    it('is told where the person or the issuer says no', async () => {
      const page = await window.open(pages.url);
      await begun(page);
      await page.getByRole('button', { name: 'Cancel' }).click();
      await reason(page).filter({ hasText: 'access_denied: The person said no.' }).waitFor();
      await logIn(page, OWNER);
    });
  });

  describe('a token that ends', () => {
    /** Tokens last an hour, and are renewed a minute before their end; the ID token is good until then. */
    const ALMOST = 59 * 60_000 + 10_000;

    /** Somebody who is logged in. @param refreshToken what the issuer gives, instead of a refresh token */
    async function loggedIn(principal: string, refreshToken?: { readonly refresh_token?: string }) {
      const page = await window.open('about:blank');
      await page.clock.install();
      if (refreshToken) {
        let isFirst = true;
        // It stays: a request that is under way while the last handler goes may be held for ever.
        await page.route('**/local/issuer/token', async (route: Route) => {
          if (!isFirst) return route.continue();
          isFirst = false;
          const response = await route.fetch();
          const { refresh_token: _, ...answer } = (await response.json()) as { refresh_token: string };
          await route.fulfill({ response, json: { ...answer, ...refreshToken } });
        });
      }
      await page.goto(pages.url);
      const listed = page.waitForResponse((response) => response.url().includes('/files?limit='));
      await logIn(page, principal);
      await listed;
      return page;
    }

    it('is renewed without anybody noticing', async () => {
      const page = await loggedIn(OWNER);
      await page.clock.fastForward(ALMOST);
      const refreshed = page.waitForRequest(
        (request) => request.postData()?.includes('grant_type=refresh_token') ?? false,
      );
      const listed = page.waitForResponse((response) => response.url().includes('shared=with-me'));
      await page.getByRole('tab', { name: 'Shared with me' }).click();
      await refreshed;
      assert.equal((await listed).status(), 200);
      assert.equal(page.url(), pages.url);
    });

    it('is renewed by the issuer where there is no refresh token, and shows what was shown', async () => {
      const page = await loggedIn(OTHER, {});
      await page.getByLabel('State', { exact: true }).selectOption('infected');
      await page.clock.fastForward(ALMOST);
      const silent = page.waitForRequest((request) => request.url().includes('prompt=none'));
      const redeemed = page.waitForResponse('**/local/issuer/token');
      await page.getByRole('tab', { name: 'Shared with me' }).click();
      await silent;
      // Only now the page that is seen is the one that came back.
      await redeemed;
      await page.getByRole('tab', { name: 'Shared with me', selected: true }).waitFor();
      await who(page).filter({ hasText: OTHER }).waitFor();
      await eventually(
        async () => (await page.getByLabel('State', { exact: true }).inputValue()) === 'infected',
      );
    });

    it('ends the login where the issuer knows the person no more', async () => {
      const page = await loggedIn(OWNER, { refresh_token: 'revoked' });
      await page.context().clearCookies();
      await page.clock.fastForward(ALMOST);
      await page.getByRole('tab', { name: 'Shared with me' }).click();
      await reason(page).filter({ hasText: 'Your login has ended.' }).waitFor();
      assert.equal(await page.locator('tbody').count(), 0);
      await logIn(page, OTHER);
      await page.getByRole('tab', { name: 'Mine', selected: true }).waitFor();
    });
  });

  it('says that the issuer cannot be reached, and goes on when it can', async () => {
    const page = await window.open('about:blank');
    await page.route('**/.well-known/openid-configuration', (route) => route.abort());
    await page.goto(pages.url);
    await reason(page).filter({ hasText: 'cannot be reached' }).waitFor();
    await page.unrouteAll();
    await loginButton(page).click();
    await reason(page).waitFor({ state: 'hidden' });
    await logIn(page, OWNER);
  });

  it('does not work inside another page', async () => {
    const page = await window.open(`${pages.url}config.json`);
    await page.setContent(`<iframe src="${pages.url}"></iframe>`);
    const frame = page.frameLocator('iframe');
    await frame.locator('#login-reason').filter({ hasText: 'does not work inside another' }).waitFor();
  });

  describe('served by npm start', () => {
    const login = () => `${service.url}/local/login/`;

    it('shows operators their tabs, and everybody the events', async () => {
      const page = await window.open(login());
      assert.deepEqual(await faults(page), []);
      await loginButton(page).click();
      await page.getByLabel('fileshare.admin').check();
      await identify(page, 'user:operator');
      await page.getByRole('tab', { name: 'Quarantine' }).click();
      await page.getByRole('status', { name: 'Contents in quarantine' }).filter({ hasText: /^\d/ }).waitFor();
      await page.getByRole('tab', { name: 'Operations' }).click();
      await page.getByRole('status', { name: 'Intake' }).filter({ hasText: 'uploads are taken' }).waitFor();
      assert.equal(await page.getByRole('button', { name: 'Take the tour' }).count(), 0);
      await page.locator('#connection').filter({ hasText: 'Live' }).waitFor();
      await page.getByRole('button', { name: 'Switch identity' }).click();
      await identify(page, OWNER);
      await who(page).filter({ hasText: OWNER }).waitFor();
      assert.equal(await page.getByRole('tab', { name: 'Quarantine' }).isVisible(), false);
      assert.equal(await page.getByRole('tab', { name: 'Events' }).isVisible(), true);
      assert.equal(await page.locator('#contents > li').count(), 0);
    });

    it('leads from the list of identities to the login, and back', async () => {
      const page = await window.open(service.url);
      await page.getByRole('link', { name: 'Log in instead' }).click();
      await logIn(page, OWNER);
      await page.locator('[data-sample="letter.pdf"]').click();
      await becomes(cardOf(page, 'letter.pdf').first(), 'Clean');
      await page.getByRole('link', { name: 'Choose an identity instead' }).click();
      await page.getByLabel('Acting as').waitFor();
    });
  });
});
