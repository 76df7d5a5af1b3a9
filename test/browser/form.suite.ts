import assert from 'node:assert/strict';
import type { Page, Response } from 'playwright-core';
import type { Handle } from '../../shared/files/handle.ts';
import { CHROMIUM } from '../support/chromium.ts';
import { noise } from '../support/noise.ts';
import { OWNER, Service } from '../support/service.ts';
import { Window } from './fixture.ts';

/** The page names no encoding, in which the browser would write the name of the file otherwise. */
const FORM = `<!doctype html>
<form accept-charset="utf-8" method="post" action="/files" enctype="multipart/form-data">
  <input type="file" name="file"><button>Upload</button>
</form>`;

describe('an HTML form in a browser', () => {
  if (!CHROMIUM) {
    it('SKIPPED: there is no Chromium');
    return;
  }
  const service = new Service();
  const window = new Window();

  /** A page of an application that is served beside the service. A form cannot send a token, so a proxy adds it. */
  async function open(): Promise<Page> {
    const page = await window.open('about:blank');
    const url = `${service.url}/application`;
    await page.route(url, (route) => route.fulfill({ contentType: 'text/html', body: FORM }));
    const authorization = `Bearer ${await service.platform.token(OWNER)}`;
    await page.route(`${service.url}/files`, (route) =>
      route.continue({ headers: { ...route.request().headers(), authorization } }),
    );
    await page.goto(url);
    return page;
  }

  async function submit(page: Page): Promise<Response> {
    const response = page.waitForResponse(`${service.url}/files`);
    await page.getByRole('button', { name: 'Upload' }).click();
    return response;
  }

  it('is refused where no file was chosen, and nothing is stored', async () => {
    const response = await submit(await open());
    assert.equal(response.status(), 400);
    assert.match(((await response.json()) as { type: string }).type, /\/form-invalid$/);
    assert.deepEqual(await service.names('unscanned'), []);
    assert.deepEqual(await service.names('permanent', 'files/'), []);
  });

  for (const [name, size, sent = name] of [
    ['røntgen 日本 🩻.pdf', 3_000_001],
    // A quotation mark is escaped, and a percent sign is not: https://html.spec.whatwg.org/#multipart-form-data
    ['two words; x="1".pdf', 1, 'two words; x=%221%22.pdf'],
    ['empty.pdf', 0],
  ] as const) {
    it(`uploads ${name}, of ${size} bytes, with its name and its type`, async () => {
      const page = await open();
      const buffer = noise(size);
      await page.setInputFiles('input', { name, mimeType: 'application/pdf', buffer });
      const response = await submit(page);
      assert.ok([201, 202].includes(response.status()), await response.text());
      const { id } = (await response.json()) as Handle;
      const handle = await service.decided(id);
      assert.deepEqual([handle.state, handle.fileName], ['clean', sent]);
      assert.equal(handle.contentType, 'application/pdf');
      const download = await service.call('GET', `/files/${id}`);
      assert.ok(Buffer.from(await download.arrayBuffer()).equals(buffer));
    });
  }
});
