import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { OidcIssuer, RESOURCE } from '../client/oidc-issuer.ts';
import { CHROMIUM } from '../support/chromium.ts';
import { EICAR, Service } from '../support/service.ts';
import { becomes, cardOf, Window } from './fixture.ts';
import { PageServer } from './page-server.ts';

describe('the page of a deployment, with a login at an issuer that is not ours', () => {
  if (!CHROMIUM) {
    it('SKIPPED: there is no Chromium');
    return;
  }
  const pages = new PageServer(() => ({
    issuer: issuer.url,
    clientId: 'page',
    scope: 'openid fileshare.read fileshare.write',
    resource: RESOURCE,
    filesUrl: service.url,
    uploadUrl: service.url,
    principal: 'user:oidc:{sub}',
    connectTo: [service.platform.storageUrl],
  }));
  let issuer: OidcIssuer;
  before(() => {
    issuer = new OidcIssuer(pages.url);
    return issuer.start();
  });
  after(() => issuer.stop());
  const service = new Service(() => ({ CORS_ORIGINS: pages.origin }), {
    adapt: (spec) => {
      if (spec.env['TOKEN_ISSUERS'] === undefined) return spec;
      const ours = {
        kind: 'custom',
        issuer: issuer.url,
        audience: RESOURCE,
        principalClaim: 'sub',
        principalType: 'user',
        namespace: 'oidc',
        readScope: 'fileshare.read',
        writeScope: 'fileshare.write',
      };
      return { ...spec, env: { ...spec.env, TOKEN_ISSUERS: JSON.stringify([ours]) } };
    },
  });
  const window = new Window();
  async function logIn(page: Page, name: string): Promise<void> {
    await page.getByRole('main').getByRole('button', { name: 'Log in' }).click();
    await page.locator('input[name="login"]').fill(name);
    await page.locator('input[name="password"]').fill('any');
    await page.locator('button[type="submit"]').click();
    await page.getByRole('button', { name: 'Continue' }).click();
    await page
      .locator('#who')
      .filter({ hasText: `user:oidc:${name}` })
      .waitFor();
  }

  it('uploads, reads verdicts, stays logged in, and leaves nothing to the next', async () => {
    const page = await window.open(pages.url);
    await logIn(page, 'kari');
    for (const [name, content, state] of [
      ['eicar.com', EICAR, 'Infected'],
      ['note.txt', 'a note', 'Clean'],
    ] as const) {
      const buffer = Buffer.from(content);
      await page.locator('#picker').setInputFiles({ name, mimeType: 'text/plain', buffer });
      await becomes(cardOf(page, name).first(), state);
    }
    assert.equal(await cardOf(page, 'note.txt').first().locator('.owner').textContent(), 'user:oidc:kari');
    await page.reload();
    await cardOf(page, 'note.txt').first().waitFor();

    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByRole('button', { name: 'Yes, sign me out' }).click();
    await page.getByRole('main').getByRole('button', { name: 'Log in' }).waitFor();
    assert.equal(page.url(), pages.url);
    await logIn(page, 'ola');
    await page.getByText('No files yet.').waitFor();
    assert.equal(await page.locator('tbody').count(), 0);
  });

  it('is refused with a forged state', async () => {
    const page = await window.open(pages.url);
    await page.getByRole('main').getByRole('button', { name: 'Log in' }).click();
    await page.locator('input[name="login"]').waitFor();
    await page.goto(`${pages.url}?${new URLSearchParams({ code: 'any', state: 'any', iss: issuer.url })}`);
    await page.locator('#login-reason').filter({ hasText: 'The login failed' }).waitFor();
    assert.equal(await page.locator('#who').isVisible(), false);
  });
});
