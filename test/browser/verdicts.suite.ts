import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { samples } from '../../infra/local/samples/samples.ts';
import { CHROMIUM } from '../support/chromium.ts';
import { OWNER, Service } from '../support/service.ts';
import { becomes, cardOf, sample, shoot, switchTo, termOf, Window } from './fixture.ts';

describe('the page: files and their verdicts', () => {
  if (!CHROMIUM) {
    it('SKIPPED: there is no Chromium');
    return;
  }
  const service = new Service();
  const window = new Window();

  async function bytesOf(name: string): Promise<Buffer> {
    const found = samples().find((known) => known.name === name);
    assert.ok(found);
    return buffer(found.open());
  }

  it('warns of development signatures, loudly', async () => {
    const page = await window.open(service.url);
    const warning = page.getByRole('alert');
    await warning.waitFor();
    assert.match(await warning.innerText(), /^DEVELOPMENT SIGNATURES: only the EICAR test file/);
    assert.match(await warning.innerText(), /Not for real data/);
    await shoot(page, 'first-look');
  });

  it('takes files that are dropped, and shows how they become clean, and where the time went', async () => {
    const page = await window.open(service.url);
    const dropped = await page.evaluateHandle(`(() => {
      const data = new DataTransfer();
      data.items.add(new File(['No known allergies.'], 'note æøå.txt', { type: 'text/plain' }));
      data.items.add(new File(['<b>not markup</b>'], '<img src=x onerror=alert(1)>.html', { type: 'text/html' }));
      return data;
    })()`);
    await page.dispatchEvent('#drop', 'drop', { dataTransfer: dropped });
    const card = cardOf(page, 'note æøå.txt');
    await becomes(card, 'Clean');
    await becomes(cardOf(page, '<img src=x onerror=alert(1)>.html'), 'Clean');
    assert.equal(
      await termOf(card, 'SHA-256'),
      createHash('sha256').update('No known allergies.').digest('hex'),
    );
    assert.equal(await termOf(card, 'Owner'), OWNER);
    for (const step of ['upload', 'wait', 'scan', 'settle']) {
      const row = card.locator(`[data-step="${step}"]`);
      await row.locator('dd', { hasText: /^[\d.]+ (ms|s)$/ }).waitFor();
    }
    const heard = (await service.events()).length;
    assert.equal(heard, 2, 'other subscribers get them as well');
    await shoot(page, 'clean');
  });

  it('says the state while it changes, to those who listen as well', async () => {
    // The scanner sees nothing until it is let go on.
    process.kill(service.pid('scanner'), 'SIGSTOP');
    const page = await window.open(service.url);
    const card = await sample(page, 'letter.pdf');
    await becomes(card, 'Pending');
    await shoot(page, 'pending');
    process.kill(service.pid('scanner'), 'SIGCONT');
    await becomes(card, 'Clean');
    await page.getByRole('status').filter({ hasText: 'letter.pdf: clean' }).waitFor();
  });

  it('names the malware in what is infected, and offers none of it', async () => {
    const page = await window.open(service.url);
    const card = await sample(page, 'eicar.com');
    await becomes(card, 'Infected');
    const news = page.getByRole('status', { name: 'News' });
    await news.filter({ hasText: '1 file uploaded' }).waitFor();
    await news.filter({ hasText: 'eicar.com: infected' }).waitFor();
    assert.match(await termOf(card, 'Signature'), /Eicar/i);
    assert.equal(await card.getByRole('button', { name: 'Download' }).isVisible(), false);
    const content = await service.call('GET', `/files/${await termOf(card, 'Id')}`);
    assert.equal(content.status, 410);
    await shoot(page, 'infected');
  });

  it('says why a file could not be scanned', async () => {
    const page = await window.open(service.url);
    const card = await sample(page, 'encrypted.zip');
    await becomes(card, 'Unscannable');
    assert.match(await termOf(card, 'Reason'), /^encrypted/);
  });

  it('decides what it knows without a scan, and invents no time for it', async () => {
    const page = await window.open(service.url);
    await becomes(await sample(page, 'x-ray.png'), 'Clean');
    await switchTo(page, 'org:974760673');
    await page.reload();
    const card = await sample(page, 'x-ray.png');
    await becomes(card, 'Clean');
    await card.getByText('It was decided without being read again.').waitFor();
    for (const step of ['scan', 'settle']) {
      assert.equal(await card.locator(`[data-step="${step}"] dd`).innerText(), 'none');
    }
  });

  it('learns of a verdict by its event where it cannot wait for it', async () => {
    process.kill(service.pid('scanner'), 'SIGSTOP');
    const page = await window.open(service.url);
    await page.route('**/files/*/status', (route) =>
      route.request().headers()['prefer'] ? route.abort() : route.continue(),
    );
    const card = await sample(page, 'empty.txt');
    await becomes(card, 'Pending');
    await card.getByText(/^It is not known what became of it\./).waitFor();
    process.kill(service.pid('scanner'), 'SIGCONT');
    await becomes(card, 'Clean');
  });

  it('says so where a sample cannot be had', async () => {
    const page = await window.open(service.url);
    await page.route('**/local/samples/*', (route) => route.fulfill({ status: 503 }));
    await sample(page, 'note.txt');
    await page.getByRole('alert').filter({ hasText: 'The sample note.txt could not be made. 503' }).waitFor();
  });

  it('downloads what is clean, bit by bit as it was', async () => {
    const page = await window.open(service.url);
    const card = await sample(page, 'letter.pdf');
    await becomes(card, 'Clean');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      card.getByRole('button', { name: 'Download' }).click(),
    ]);
    assert.equal(download.suggestedFilename(), 'letter.pdf');
    assert.deepEqual(await readFile(await download.path()), await bytesOf('letter.pdf'));
    await card.getByText(/^Downloaded .* SHA-256 is right\.$/).waitFor();
  });

  it('shows how far a download is, beside its button', async () => {
    const page = await window.open('about:blank');
    // The browser hands on the beginning, and keeps the rest until it is told to.
    await page.addInitScript(`
      const { fetch } = globalThis;
      const rest = new Promise((resolve) => { globalThis.handOn = resolve; });
      globalThis.fetch = async (url, init) => {
        const response = await fetch(url, init);
        if (init?.method !== 'GET' || !new URL(url, location.href).pathname.match('^/files/[a-z0-9]+$')) return response;
        let pieces = 0;
        const transform = async (piece, controller) => {
          if (pieces++ === 1) await rest;
          controller.enqueue(piece);
        };
        return new Response(response.body.pipeThrough(new TransformStream({ transform })), response);
      };`);
    await page.goto(service.url);
    const name = 'download.bin';
    const buffer = Buffer.alloc(8 * 1024 * 1024, 1);
    await page
      .getByLabel('Choose files')
      .setInputFiles({ name, mimeType: 'application/octet-stream', buffer });
    const card = cardOf(page, name);
    await becomes(card, 'Clean');
    await card.getByRole('button', { name: `Download: ${name}` }).click();
    await card.getByText(/^Downloading: .* of 8\.0 MiB$/).waitFor();
    const bar = card.getByRole('progressbar', { name });
    assert.equal(Number(await bar.getAttribute('max')), buffer.length);
    assert.ok(Number(await bar.getAttribute('value')) < buffer.length);
    await shoot(page, 'downloading');
    const [download] = await Promise.all([page.waitForEvent('download'), page.evaluate('handOn()')]);
    assert.deepEqual(await readFile(await download.path()), buffer);
    await bar.waitFor({ state: 'hidden' });
  });

  it('lists the events that subscribers get, as they come and again after a reload', async () => {
    const page = await window.open(service.url);
    await page.getByText('Live', { exact: true }).waitFor();
    const events = page.locator('#events > li');
    const completed = events.filter({ hasText: 'scan.completed' }).filter({ hasText: 'one-byte.bin' });
    const card = await sample(page, 'one-byte.bin');
    await completed.waitFor({ state: 'attached' });
    await becomes(card, 'Clean');
    await card.getByRole('button', { name: 'Delete' }).click();
    await becomes(card, 'Deleted');
    // The sweeper says so, on its next round.
    await service.sweeper('/collect');
    await page.getByRole('tab', { name: 'Events' }).click();
    await completed.waitFor();
    await events.filter({ hasText: 'file.deleted' }).waitFor();
    await events.first().locator('summary').click();
    assert.match(await events.first().locator('pre').innerText(), /"ce-type": "no\.nav\.hops\.fileshare\./);
    await shoot(page, 'events');
    const before = await events.count();
    await page.reload();
    await events.nth(before - 1).waitFor({ state: 'attached' });
    assert.equal(await events.count(), before);
  });

  it('shows the events of one file, from its row and by its name', async () => {
    const page = await window.open(service.url);
    const [one, other] = [await sample(page, 'letter.pdf'), await sample(page, 'eicar.com')];
    for (const [card, state] of [
      [one, 'Clean'],
      [other, 'Infected'],
    ] as const)
      await becomes(card, state);
    const id = await termOf(one, 'Id');
    const shown = page.locator('#events > li:visible');
    const ofOther = page.locator('#events > li', { hasText: 'eicar.com' });
    await ofOther.first().waitFor({ state: 'attached' });
    await page.locator(`#events [data-file="${id}"]`).first().waitFor({ state: 'attached' });
    await one.getByRole('button', { name: 'Events: letter.pdf' }).click();
    await shown.first().waitFor();
    for (const of of await shown.locator('[data-file]').all()) {
      assert.equal(await of.getAttribute('data-file'), id);
    }
    const filter = page.getByLabel('Events of a file');
    assert.equal(await filter.inputValue(), id);
    await filter.fill('EICAR.com');
    await ofOther.first().waitFor();
    assert.equal(await shown.filter({ hasText: 'letter.pdf' }).count(), 0);
    await filter.fill('no such file');
    await page.getByText('No event is about such a file.').waitFor();
    await filter.fill('');
    await shown.filter({ hasText: 'letter.pdf' }).first().waitFor();
  });
});
