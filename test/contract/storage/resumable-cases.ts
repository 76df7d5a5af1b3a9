import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Cases } from '../cases.ts';
import type { StorageSubject } from './subject.ts';

const KIB256 = 256 * 1024;

const send = (
  subject: StorageSubject,
  uri: string,
  range: string,
  body: Uint8Array<ArrayBuffer>,
  headers = {},
) => subject.call('PUT', uri, { body, headers: { 'content-range': range, ...headers } });
const ask = (subject: StorageSubject, uri: string, total = '*') =>
  subject.call('PUT', uri, { headers: { 'content-range': `bytes */${total}` } });

/** https://cloud.google.com/storage/docs/performing-resumable-uploads */
export function resumableUploads(cases: Cases<StorageSubject>): void {
  cases(
    'resumable: takes chunks of 256 KiB multiples and makes the object with the last',
    async (subject) => {
      const bytes = randomBytes(2 * KIB256 + 5);
      const uri = await subject.session('chunks', '', {
        json: { metadata: { n: '7' } },
        headers: { 'x-upload-content-type': 'video/mp4' },
      });
      const fresh = await ask(subject, uri);
      assert.deepEqual([fresh.status, fresh.headers.get('range')], [308, null]);
      const first = await send(subject, uri, `bytes 0-${2 * KIB256 - 1}/*`, bytes.subarray(0, 2 * KIB256));
      assert.equal(first.status, 308);
      assert.equal(first.headers.get('range'), `bytes=0-${2 * KIB256 - 1}`);
      assert.equal((await ask(subject, uri)).headers.get('range'), `bytes=0-${2 * KIB256 - 1}`);
      assert.equal((await subject.call('GET', subject.path('chunks'))).status, 404);
      const range = `bytes ${2 * KIB256}-${bytes.length - 1}/${bytes.length}`;
      const resource = (await send(subject, uri, range, bytes.subarray(2 * KIB256))).ok();
      assert.equal(resource['contentType'], 'video/mp4');
      assert.equal((resource['metadata'] as Record<string, string>)['n'], '7');
      assert.deepEqual((await subject.media('chunks')).bytes, bytes);
      const told = (await ask(subject, uri)).ok();
      assert.equal(told.generation, resource.generation, 'a completed session tells its object again');
    },
  );

  cases('resumable: refuses a chunk that is no multiple of 256 KiB and not the last', async (subject) => {
    for (const total of ['*', '1000']) {
      const uri = await subject.session('uneven');
      assert.equal((await send(subject, uri, `bytes 0-99/${total}`, randomBytes(100))).status, 400);
    }
  });

  for (const [form, method, range, streams] of [
    ['with a length', 'PUT', `bytes 0-${KIB256}/${KIB256 + 1}`, false],
    ['open-ended', 'PUT', 'bytes 0-*/*', true],
    ['open-ended, of a known total', 'PUT', `bytes 0-*/${KIB256 + 1}`, true],
    ['by POST', 'POST', undefined, false],
    ['without a range', 'PUT', undefined, false],
    ['chunked, without a range', 'PUT', undefined, true],
  ] as const) {
    cases(`resumable: takes all in one request: ${form}`, async (subject) => {
      const bytes = randomBytes(KIB256 + 1);
      const uri = await subject.session(`form ${form}`);
      const headers: Record<string, string> = range === undefined ? {} : { 'content-range': range };
      const body = streams ? new Blob([bytes]).stream() : bytes;
      assert.equal((await subject.call(method, uri, { body, headers })).ok().size, String(bytes.length));
      assert.deepEqual((await subject.media(`form ${form}`)).bytes, bytes);
    });
  }

  cases('resumable: answers 200 instead of 308 to X-GUploader-No-308, as rclone asks', async (subject) => {
    const uri = await subject.session('no308');
    const reply = await send(subject, uri, `bytes 0-${KIB256 - 1}/*`, randomBytes(KIB256), {
      'x-guploader-no-308': 'yes',
    });
    assert.equal(reply.status, 200);
    assert.equal(reply.headers.get('x-http-status-code-override'), '308');
    assert.equal(reply.headers.get('range'), `bytes=0-${KIB256 - 1}`);
  });

  cases('resumable: answers under the alias /resumable/upload, as gcloud and gsutil ask', async (subject) => {
    const path = `/resumable${subject.uploadPath(`uploadType=resumable&name=${encodeURIComponent(subject.name('alias'))}`)}`;
    const reply = await subject.call('POST', path, { json: {} });
    assert.equal(reply.status, 200);
    const uri = String(reply.headers.get('location'));
    assert.equal((await send(subject, uri, 'bytes 0-0/1', randomBytes(1))).status, 200);
  });

  cases('resumable: makes an empty object when told the total', async (subject) => {
    const uri = await subject.session('nothing');
    assert.equal((await ask(subject, uri, '0')).status, 200);
    assert.equal((await subject.media('nothing')).bytes.length, 0);
  });

  cases('resumable: finishes an object whose bytes are all there when told the total', async (subject) => {
    const uri = await subject.session('all-there');
    await send(subject, uri, `bytes 0-${KIB256 - 1}/*`, randomBytes(KIB256));
    assert.equal((await ask(subject, uri, String(KIB256 + 1))).status, 308);
    assert.equal((await ask(subject, uri, String(KIB256))).ok().size, String(KIB256));
  });

  cases('resumable: skips bytes that it has', async (subject) => {
    const bytes = randomBytes(2 * KIB256 + 9);
    const uri = await subject.session('overlap');
    await send(subject, uri, `bytes 0-${KIB256 - 1}/*`, bytes.subarray(0, KIB256));
    const again = await send(subject, uri, `bytes 0-${2 * KIB256 - 1}/*`, bytes.subarray(0, 2 * KIB256));
    assert.equal(again.headers.get('range'), `bytes=0-${2 * KIB256 - 1}`);
    const rest = `bytes ${2 * KIB256}-${bytes.length - 1}/${bytes.length}`;
    assert.equal((await send(subject, uri, rest, bytes.subarray(2 * KIB256))).status, 200);
    assert.deepEqual((await subject.media('overlap')).bytes, bytes);
  });

  cases('resumable: refuses a gap', async (subject) => {
    const uri = await subject.session('gap');
    await send(subject, uri, `bytes 0-${KIB256 - 1}/*`, randomBytes(KIB256));
    const reply = await send(
      subject,
      uri,
      `bytes ${2 * KIB256}-${2 * KIB256 + 8}/${2 * KIB256 + 9}`,
      randomBytes(9),
    );
    assert.ok(reply.status >= 400, `${reply.status}`);
    assert.equal((await subject.call('GET', subject.path('gap'))).status, 404);
  });

  cases('resumable: refuses a total other than announced', async (subject) => {
    const uri = await subject.session('size', '', { headers: { 'x-upload-content-length': '10' } });
    assert.equal((await send(subject, uri, 'bytes 0-8/9', randomBytes(9))).status, 400);
    assert.equal((await subject.call('GET', subject.path('size'))).status, 404);
  });

  cases('resumable: refuses more bytes than announced', async (subject) => {
    const uri = await subject.session('longer', '', { headers: { 'x-upload-content-length': '10' } });
    assert.equal((await subject.call('PUT', uri, { body: randomBytes(11) })).status, 400);
    assert.equal((await subject.call('GET', subject.path('longer'))).status, 404);
  });

  cases('resumable: refuses a wrong checksum in the resource', async (subject) => {
    const uri = await subject.session('wrong-start', '', { json: { crc32c: 'AAAAAA==' } });
    assert.ok((await send(subject, uri, 'bytes 0-3/4', randomBytes(4))).status >= 400);
    assert.equal((await subject.call('GET', subject.path('wrong-start'))).status, 404);
  });

  cases('resumable: refuses a wrong checksum with the last chunk', async (subject) => {
    const uri = await subject.session('wrong-end');
    const hash = { 'x-goog-hash': 'crc32c=AAAAAA==' };
    assert.ok((await send(subject, uri, 'bytes 0-3/4', randomBytes(4), hash)).status >= 400);
    assert.equal((await subject.call('GET', subject.path('wrong-end'))).status, 404);
  });

  cases('resumable: checks the preconditions of the start again at the end', async (subject) => {
    const late = await subject.session('race', '&ifGenerationMatch=0');
    await subject.put('race', 'the winner');
    assert.equal((await send(subject, late, 'bytes 0-3/4', randomBytes(4))).status, 412);
    assert.equal((await subject.media('race')).text, 'the winner');
  });

  cases('resumable: checks preconditions when a session is opened', async (subject) => {
    await subject.put('early', 'the winner');
    const name = encodeURIComponent(subject.name('early'));
    const path = subject.uploadPath(`uploadType=resumable&name=${name}&ifGenerationMatch=0`);
    assert.equal((await subject.call('POST', path, { json: {} })).status, 412);
  });

  cases('resumable: cancels with 499, and takes no more bytes afterwards', async (subject) => {
    const uri = await subject.session('cancelled');
    await send(subject, uri, `bytes 0-${KIB256 - 1}/*`, randomBytes(KIB256));
    assert.equal((await subject.call('DELETE', uri)).status, 499);
    assert.ok((await ask(subject, uri)).status >= 400);
    assert.ok((await send(subject, uri, 'bytes 0-3/4', randomBytes(4))).status >= 400);
  });

  cases('resumable: answers 404 for a session that never was', async (subject) => {
    const uri = await subject.session('unknown');
    assert.equal((await ask(subject, uri.replace(/upload_id=.*/, 'upload_id=unknown'))).status, 404);
  });

  cases('resumable: lets a browser of any origin use a session', async (subject) => {
    const origin = 'https://app.example';
    const uri = await subject.session('browser', '', { headers: { origin } });
    const chunk = await send(subject, uri, `bytes 0-${KIB256 - 1}/*`, randomBytes(KIB256), { origin });
    assert.equal(chunk.headers.get('access-control-allow-origin'), origin);
    assert.match(String(chunk.headers.get('access-control-expose-headers')), /Range/);
  });
}
