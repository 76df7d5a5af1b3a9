import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { build } from 'esbuild';
import { CHROMIUM } from '../support/chromium.ts';
import { noise } from '../support/noise.ts';
import { OWNER, Service } from '../support/service.ts';
import { Window } from './fixture.ts';

const MIB = 1024 * 1024;
const SIZE = 20 * MIB + 1;

describe('Uppy in a browser', () => {
  if (!CHROMIUM) {
    it('SKIPPED: there is no Chromium');
    return;
  }
  const service = new Service();
  const window = new Window();

  it('uploads by tus, in chunks, what arrives as it was', async () => {
    const { outputFiles } = await build({
      entryPoints: [join(import.meta.dirname, 'pages/uppy.ts')],
      bundle: true,
      format: 'iife',
      platform: 'browser',
      write: false,
    });
    const page = await window.open('about:blank');
    // A page of an application that is served beside the service.
    const url = `${service.url}/application`;
    await page.route(url, (route) =>
      route.fulfill({ contentType: 'text/html', body: '<input type="file">' }),
    );
    await page.goto(url);
    await page.addScriptTag({ content: outputFiles[0]?.text ?? '' });
    const content = noise(SIZE);
    await page.setInputFiles('input', {
      name: 'skanning.bin',
      mimeType: 'application/x-scan',
      buffer: content,
    });
    const patches: number[] = [];
    page.on('request', (request) => {
      if (request.method() === 'PATCH') patches.push(Number(request.headers()['upload-offset']));
    });
    const wanted = JSON.stringify({ token: await service.platform.token(OWNER), chunkSize: 8 * MIB });
    const uploadUrl = await page.evaluate<string>(
      `send(document.querySelector('input').files[0], ${wanted})`,
    );
    assert.deepEqual(patches, [0, 8 * MIB, 16 * MIB]);
    const handle = await service.decided(new URL(uploadUrl, url).pathname.replace('/uploads/', ''));
    assert.equal(handle.state, 'clean');
    assert.equal(handle.sha256, createHash('sha256').update(content).digest('hex'));
    assert.equal(handle.fileName, 'skanning.bin');
    assert.equal(handle.contentType, 'application/x-scan');
  });
});
