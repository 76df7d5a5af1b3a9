import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Page } from 'playwright-core';
import { CHROMIUM } from '../support/chromium.ts';
import { OWNER, Service } from '../support/service.ts';
import { Window } from './fixture.ts';

const MIB = 1024 * 1024;
const SIZE = 3 * MIB + 1;
/** How a page uploads, and the call of test/browser/pages/cross-origin.ts that does. */
const WAYS = [
  ['our client, in one request', `client('post', `],
  ['our client, by tus', `client('tus', `],
  ['our client, by a direct session', `client('direct', `],
  ['tus-js-client', 'tus('],
  ['Uppy', 'uppy('],
] as const;

describe('a page on another origin, in a browser', () => {
  if (!CHROMIUM) {
    it('SKIPPED: there is no Chromium');
    return;
  }
  const pages = createServer((_, answer) => {
    answer.writeHead(200, { 'content-type': 'text/html' }).end('<title>An application</title>');
  });
  let script = '';
  before(async () => {
    pages.listen(0, '127.0.0.1');
    await once(pages, 'listening');
    const { outputFiles } = await build({
      entryPoints: [join(import.meta.dirname, 'pages/cross-origin.ts')],
      bundle: true,
      format: 'iife',
      platform: 'browser',
      write: false,
    });
    script = outputFiles[0]?.text ?? '';
  });
  /** Chromium knows every name below localhost as this machine. */
  const origin = (host: string) => `http://${host}.localhost:${(pages.address() as AddressInfo).port}`;
  const service = new Service(() => ({
    HOSTS: 'two',
    CORS_ORIGINS: `https://*.example.no,${origin('app')}`,
  }));
  const window = new Window();
  after(() => void pages.close());

  async function open(host: string): Promise<Page> {
    const page = await window.open(origin(host));
    await page.addScriptTag({ content: script });
    return page;
  }
  async function wanted(): Promise<string> {
    const addresses = { uploadUrl: service.uploadUrl, filesUrl: service.filesUrl };
    return JSON.stringify({ addresses, token: await service.platform.token(OWNER), size: SIZE });
  }

  for (const [title, call] of WAYS) {
    it(`uploads with ${title}, and downloads`, async () => {
      const page = await open('app');
      const id = await page.evaluate<string>(`${call}${await wanted()})`);
      assert.deepEqual(await page.evaluate<object>(`download('${id}', ${await wanted()})`), {
        state: 'clean',
        fileName: 'måling.bin',
        contentType: 'application/x-scan',
        hasDigest: true,
        size: SIZE,
        isSame: true,
      });
    });
  }

  it('reads why it is refused', async () => {
    const page = await open('app');
    assert.equal(
      await page.evaluate<string>(`refused(${await wanted()})`),
      'FileshareProblem unauthenticated',
    );
  });

  for (const [title, call] of WAYS) {
    it(`cannot use ${title} where its origin is not listed`, async () => {
      const { length } = await filesOf();
      const page = await open('other');
      // Chromium complains of each request that it keeps from the page.
      page.removeAllListeners('console');
      await assert.rejects(page.evaluate(`${call}${await wanted()})`));
      assert.equal((await filesOf()).length, length, 'nothing is stored');
    });
  }

  async function filesOf(): Promise<object[]> {
    const listed = await service.call('GET', '/files?limit=1000');
    return ((await listed.json()) as { files: object[] }).files;
  }
});
