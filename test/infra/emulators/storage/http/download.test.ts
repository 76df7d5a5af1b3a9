import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Resource } from '../../../../contract/storage/http.ts';
import { EmulatorFixture, objectPath } from '../emulator-fixture.ts';

describe('storage emulator: downloads', () => {
  const fixture = new EmulatorFixture();
  const bytes = randomBytes(2_500_000);
  let stored: Resource;
  const get = (query = '', headers: Record<string, string> = {}) =>
    fixture.call('GET', `${objectPath('media')}?alt=media${query}`, { headers });

  before(async () => {
    stored = await fixture.put('media', bytes);
    const json = { contentType: 'image/png', cacheControl: 'no-store', contentDisposition: 'attachment' };
    stored = (await fixture.call('PATCH', objectPath('media'), { json })).ok();
  });

  it('tells version, checksums and type in headers', async () => {
    const { status, headers, bytes: received } = await get();
    assert.equal(status, 200);
    assert.deepEqual(received, bytes);
    assert.equal(headers.get('x-goog-generation'), stored.generation);
    assert.equal(headers.get('x-goog-metageneration'), '2');
    assert.equal(headers.get('x-goog-hash'), `crc32c=${stored['crc32c']},md5=${stored['md5Hash']}`);
    assert.equal(headers.get('x-goog-stored-content-length'), String(bytes.length));
    assert.equal(headers.get('x-goog-stored-content-encoding'), 'identity');
    assert.equal(headers.get('etag'), stored['etag']);
    assert.equal(headers.get('content-type'), 'image/png');
    assert.equal(headers.get('cache-control'), 'no-store');
    assert.equal(headers.get('content-disposition'), 'attachment');
    assert.equal(headers.get('accept-ranges'), 'bytes');
    assert.equal(headers.get('content-length'), String(bytes.length));
  });

  it('refuses a range beyond the end, and ignores what is no single range', async () => {
    for (const range of [`bytes=${bytes.length}-`, 'bytes=-0']) {
      const reply = await get('', { range });
      assert.equal(reply.status, 416);
      assert.equal(reply.headers.get('content-range'), `bytes */${bytes.length}`);
    }
    for (const range of ['bytes=0-1,3-4', 'lines=1-2', 'bytes=5-4']) {
      assert.equal((await get('', { range })).status, 200, range);
    }
  });

  it('holds preconditions and etags', async () => {
    assert.equal((await get(`&ifGenerationMatch=${stored.generation}`)).status, 200);
    assert.equal((await get('&ifGenerationMatch=1')).status, 412);
    assert.equal((await get(`&ifGenerationNotMatch=${stored.generation}`)).status, 304);
    assert.equal((await get('&ifMetagenerationMatch=1')).status, 412);
    assert.equal((await get('&ifMetagenerationNotMatch=2')).status, 304);
    assert.equal((await get('', { 'if-none-match': String(stored['etag']) })).status, 304);
    assert.equal((await get('', { 'if-match': '"other"' })).status, 412);
    assert.equal((await get('&ifGenerationMatch=x')).status, 400);
  });

  it('frees what a client that went away was reading', async () => {
    await fixture.put('left', Buffer.alloc(32 * 1024 * 1024));
    const abort = new AbortController();
    const response = await fetch(`${fixture.url}${objectPath('left')}?alt=media`, { signal: abort.signal });
    assert.equal(response.status, 200);
    abort.abort();
    await fixture.stop();
    await fixture.start();
    assert.equal((await fixture.call('GET', objectPath('left'))).status, 200);
  });
});
