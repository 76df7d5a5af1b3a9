import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Cases } from '../cases.ts';
import type { StorageSubject } from './subject.ts';

const SIZE = 2_500_000;

/** https://cloud.google.com/storage/docs/json_api/v1/objects/get with `alt=media` */
export function downloads(cases: Cases<StorageSubject>): void {
  cases('media: tells size, versions and checksums in headers', async (subject) => {
    const bytes = randomBytes(SIZE);
    const stored = await subject.put('media', bytes);
    const { status, headers, bytes: received } = await subject.media('media');
    assert.equal(status, 200);
    assert.deepEqual(received, bytes);
    assert.equal(headers.get('x-goog-generation'), stored.generation);
    assert.equal(headers.get('x-goog-metageneration'), '1');
    assert.match(String(headers.get('x-goog-hash')), new RegExp(`crc32c=${escaped(stored['crc32c'])}`));
    assert.equal(headers.get('x-goog-stored-content-length'), String(SIZE));
    assert.equal(headers.get('content-length'), String(SIZE));
  });

  cases('media: tells the type and the disposition that were set', async (subject) => {
    await subject.put('settable', 'x');
    const json = { contentType: 'image/png', contentDisposition: 'attachment' };
    (await subject.call('PATCH', subject.path('settable'), { json })).ok();
    const { headers } = await subject.media('settable');
    assert.equal(headers.get('content-type'), 'image/png');
    assert.equal(headers.get('content-disposition'), 'attachment');
  });

  cases('media: tells etag, Cache-Control and Accept-Ranges', async (subject) => {
    await subject.put('caching', 'x');
    const json = { cacheControl: 'no-store' };
    const stored = (await subject.call('PATCH', subject.path('caching'), { json })).ok();
    const { headers } = await subject.media('caching');
    assert.equal(headers.get('etag'), stored['etag']);
    assert.equal(headers.get('cache-control'), 'no-store');
    assert.equal(headers.get('accept-ranges'), 'bytes');
  });

  for (const [range, first, last] of [
    ['bytes=0-0', 0, 0],
    ['bytes=100-2000000', 100, 2_000_000],
    ['bytes=2400000-', 2_400_000, SIZE - 1],
    ['bytes=2400000-99999999', 2_400_000, SIZE - 1],
    ['bytes=-7', SIZE - 7, SIZE - 1],
    ['bytes=-99999999', 0, SIZE - 1],
    [`bytes=0-${SIZE - 1}`, 0, SIZE - 1],
  ] as const) {
    cases(`media: answers 206 and exactly the range to Range: ${range}`, async (subject) => {
      const bytes = randomBytes(SIZE);
      await subject.put('ranged', bytes);
      const reply = await subject.media('ranged', '', { range });
      assert.equal(reply.status, 206);
      assert.equal(reply.headers.get('content-range'), `bytes ${first}-${last}/${SIZE}`);
      assert.ok(reply.bytes.equals(bytes.subarray(first, last + 1)));
    });
  }

  cases('media: answers 416 to a range beyond the end', async (subject) => {
    await subject.put('short', 'x');
    assert.equal((await subject.media('short', '', { range: 'bytes=1-' })).status, 416);
  });

  cases('media: tells the size with a 416', async (subject) => {
    await subject.put('short-size', 'x');
    const reply = await subject.media('short-size', '', { range: 'bytes=1-' });
    assert.equal(reply.headers.get('content-range'), 'bytes */1');
  });

  cases('media: ignores a range of another unit', async (subject) => {
    await subject.put('unit', 'xyz');
    assert.equal((await subject.media('unit', '', { range: 'lines=1-2' })).status, 200);
  });

  cases('media: serves the generation that was asked for, or none', async (subject) => {
    const { generation } = await subject.put('pinned', 'x');
    assert.equal((await subject.media('pinned', `&generation=${generation}`)).status, 200);
    assert.equal((await subject.media('pinned', '&generation=1')).status, 404);
  });

  cases('media: holds preconditions', async (subject) => {
    const { generation } = await subject.put('held-to', 'x');
    assert.equal((await subject.media('held-to', `&ifGenerationMatch=${generation}`)).status, 200);
    assert.equal((await subject.media('held-to', '&ifGenerationMatch=1')).status, 412);
    assert.equal((await subject.media('held-to', `&ifGenerationNotMatch=${generation}`)).status, 304);
    assert.equal((await subject.media('held-to', '&ifMetagenerationMatch=2')).status, 412);
    assert.equal((await subject.media('held-to', '&ifMetagenerationNotMatch=1')).status, 304);
  });

  cases('media: answers the bare message to a refusal', async (subject) => {
    const reply = await subject.media('none');
    assert.equal(reply.text, `No such object: ${subject.bucketName}/${subject.name('none')}`);
  });

  cases('media: is also there below /download', async (subject) => {
    await subject.put('alias', 'bytes');
    const reply = await subject.call('GET', `/download${subject.path('alias')}?alt=media`);
    assert.deepEqual([reply.status, reply.text], [200, 'bytes']);
  });
}

const escaped = (text: unknown): string => String(text).replaceAll(/[+/=]/g, '\\$&');
