import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { BUCKET, EmulatorFixture, objectPath, until } from './emulator-fixture.ts';

const KIB256 = 256 * 1024;

describe('storage emulator: resumable uploads', () => {
  const fixture = new EmulatorFixture();
  const send = (uri: string, range: string, body: Uint8Array<ArrayBuffer>, headers = {}) =>
    fixture.call('PUT', uri, { body, headers: { 'content-range': range, ...headers } });
  const ask = (uri: string, total = '*') =>
    fixture.call('PUT', uri, { headers: { 'content-range': `bytes */${total}` } });
  const media = async (name: string) => (await fixture.call('GET', `${objectPath(name)}?alt=media`)).bytes;

  it('takes chunks of 256 KiB multiples and makes the object with the last', async () => {
    const bytes = randomBytes(2 * KIB256 + 5);
    const uri = await fixture.session('', {
      json: { name: 'chunks', metadata: { n: 7 } },
      headers: { 'x-upload-content-type': 'video/mp4' },
    });
    assert.equal((await ask(uri)).headers.get('range'), null);
    const first = await send(uri, `bytes 0-${2 * KIB256 - 1}/*`, bytes.subarray(0, 2 * KIB256));
    assert.equal(first.status, 308);
    assert.equal(first.headers.get('range'), `bytes=0-${2 * KIB256 - 1}`);
    assert.equal((await fixture.call('GET', objectPath('chunks'))).status, 404);
    const range = `bytes ${2 * KIB256}-${bytes.length - 1}/${bytes.length}`;
    const resource = (await send(uri, range, bytes.subarray(2 * KIB256))).ok();
    assert.equal(resource['contentType'], 'video/mp4');
    assert.deepEqual(resource['metadata'], { n: '7' });
    assert.deepEqual(await media('chunks'), bytes);
    assert.deepEqual((await ask(uri)).ok(), resource, 'a completed session tells its object again');
  });

  it('refuses a start whose header and resource name two content types', async () => {
    const reply = await fixture.call('POST', `/upload/storage/v1/b/${BUCKET}/o?uploadType=resumable`, {
      json: { name: 'two-types', contentType: 'text/css' },
      headers: { 'x-upload-content-type': 'video/mp4' },
    });
    assert.equal(reply.refusal, '400 invalid');
    assert.match(reply.text, /upload \(video\/mp4\) does not match .* metadata \(text\/css\)/);
  });

  it('refuses a chunk that is no multiple of 256 KiB and not the last', async () => {
    const uri = await fixture.session('name=uneven');
    assert.equal((await send(uri, 'bytes 0-99/*', randomBytes(100))).status, 400);
    assert.equal((await send(uri, 'bytes 0-99/1000', randomBytes(100))).status, 400);
    assert.equal((await send(uri, 'bytes 0-99/100', randomBytes(100))).status, 200);
  });

  it('takes all in one request: with a length, chunked, open-ended, by POST, or without a range', async () => {
    const bytes = randomBytes(KIB256 + 1);
    const streamed = () => new Blob([bytes]).stream();
    for (const [name, method, range, body] of [
      ['whole', 'PUT', `bytes 0-${KIB256}/${KIB256 + 1}`, bytes],
      ['open', 'PUT', 'bytes 0-*/*', streamed()],
      ['open-known', 'PUT', `bytes 0-*/${KIB256 + 1}`, streamed()],
      ['post', 'POST', undefined, bytes],
      ['unranged', 'PUT', undefined, streamed()],
    ] as const) {
      const uri = await fixture.session(`name=${name}`);
      const headers: Record<string, string> = range === undefined ? {} : { 'content-range': range };
      assert.equal((await fixture.call(method, uri, { body, headers })).ok().size, String(bytes.length));
      assert.deepEqual(await media(name), bytes);
    }
  });

  it('answers 200 instead of 308 to X-GUploader-No-308, as rclone asks', async () => {
    const uri = await fixture.session('name=no308');
    const reply = await send(uri, `bytes 0-${KIB256 - 1}/*`, randomBytes(KIB256), {
      'x-guploader-no-308': 'yes',
    });
    assert.equal(reply.status, 200);
    assert.equal(reply.headers.get('x-http-status-code-override'), '308');
    assert.equal(reply.headers.get('range'), `bytes=0-${KIB256 - 1}`);
  });

  it('answers under the alias /resumable/upload, as gcloud and gsutil ask', async () => {
    const path = `/resumable/upload/storage/v1/b/${BUCKET}/o?uploadType=resumable&name=alias`;
    const reply = await fixture.call('POST', path, { json: {} });
    assert.equal(reply.status, 200);
    assert.equal(
      (await send(String(reply.headers.get('location')), 'bytes 0-0/1', randomBytes(1))).status,
      200,
    );
  });

  it('makes an empty object, and finishes one whose bytes are all there, when told the total', async () => {
    const empty = await fixture.session('name=nothing');
    assert.equal((await ask(empty, '0')).ok().size, '0');
    const uri = await fixture.session('name=all-there');
    await send(uri, `bytes 0-${KIB256 - 1}/*`, randomBytes(KIB256));
    assert.equal((await ask(uri, String(KIB256 + 1))).status, 308);
    assert.equal((await ask(uri, String(KIB256))).ok().size, String(KIB256));
  });

  it('skips bytes that it has, and refuses a gap', async () => {
    const bytes = randomBytes(2 * KIB256 + 9);
    const uri = await fixture.session('name=overlap');
    await send(uri, `bytes 0-${KIB256 - 1}/*`, bytes.subarray(0, KIB256));
    assert.equal(
      (await send(uri, `bytes ${2 * KIB256}-${bytes.length - 1}/${bytes.length}`, bytes.subarray(2 * KIB256)))
        .status,
      400,
    );
    const again = await send(uri, `bytes 0-${2 * KIB256 - 1}/*`, bytes.subarray(0, 2 * KIB256));
    assert.equal(again.headers.get('range'), `bytes=0-${2 * KIB256 - 1}`);
    assert.equal(
      (await send(uri, `bytes ${KIB256}-${bytes.length - 1}/${bytes.length}`, bytes.subarray(KIB256))).status,
      200,
    );
    assert.deepEqual(await media('overlap'), bytes);
  });

  it('refuses a size other than announced', async () => {
    const uri = await fixture.session('name=size', { headers: { 'x-upload-content-length': '10' } });
    assert.equal((await send(uri, 'bytes 0-8/9', randomBytes(9))).status, 400);
    assert.equal((await fixture.call('PUT', uri, { body: randomBytes(11) })).status, 400);
    assert.equal((await fixture.call('GET', objectPath('size'))).status, 404);
  });

  it('refuses a wrong checksum, of the start or of the last chunk, and ends the session', async () => {
    for (const name of ['start', 'end']) {
      const wrong = { 'x-goog-hash': 'crc32c=AAAAAA==' };
      const uri = await fixture.session(`name=${name}`, { headers: name === 'start' ? wrong : {} });
      assert.equal((await send(uri, 'bytes 0-3/4', randomBytes(4), name === 'end' ? wrong : {})).status, 400);
      assert.equal((await ask(uri)).status, 410);
      assert.equal((await fixture.call('GET', objectPath(name))).status, 404);
    }
  });

  it('holds the preconditions of the start again at the end', async () => {
    const late = await fixture.session('name=race&ifGenerationMatch=0');
    await fixture.put('race', 'the winner');
    assert.equal((await send(late, 'bytes 0-3/4', randomBytes(4))).refusal, '412 conditionNotMet');
    assert.equal((await media('race')).toString(), 'the winner');
    const path = `/upload/storage/v1/b/${BUCKET}/o?uploadType=resumable&name=race&ifGenerationMatch=0`;
    assert.equal((await fixture.call('POST', path)).refusal, '412 conditionNotMet');
  });

  it('cancels with 499; afterwards 410, and 404 for a session that never was', async () => {
    const uri = await fixture.session('name=cancelled');
    await send(uri, `bytes 0-${KIB256 - 1}/*`, randomBytes(KIB256));
    assert.equal((await fixture.call('DELETE', uri)).status, 499);
    assert.equal((await ask(uri)).status, 410);
    assert.equal((await ask(uri.replace(/upload_id=.*/, 'upload_id=unknown'))).status, 404);
  });

  it('keeps whole 256 KiB of what came before the connection was cut', async () => {
    const bytes = randomBytes(5 * KIB256);
    const uri = await fixture.session('name=cut');
    fixture.emulator.faults.add({
      operation: 'resumable.chunk',
      nth: 1,
      effect: { kind: 'truncate', bytes: 2 * KIB256 + 100 },
    });
    await assert.rejects(send(uri, `bytes 0-${bytes.length - 1}/${bytes.length}`, bytes));
    fixture.emulator.faults.clear();
    assert.equal((await ask(uri)).headers.get('range'), `bytes=0-${2 * KIB256 - 1}`);
    const rest = `bytes ${2 * KIB256}-${bytes.length - 1}/${bytes.length}`;
    assert.equal((await send(uri, rest, bytes.subarray(2 * KIB256))).status, 200);
    assert.deepEqual(await media('cut'), bytes);
  });

  it('lets a new request take over from one whose connection hangs', async () => {
    const bytes = randomBytes(3 * KIB256);
    const uri = await fixture.session('name=takeover');
    const headers = {
      'content-range': `bytes 0-${bytes.length - 1}/${bytes.length}`,
      'content-length': bytes.length,
    };
    const hung = request(uri, { method: 'PUT', headers });
    const ended = new Promise((resolve) => hung.on('error', resolve));
    hung.write(bytes.subarray(0, KIB256));
    const { bytesIn } = fixture.emulator.operations.of('resumable.chunk');
    await until(() => fixture.emulator.operations.of('resumable.chunk').bytesIn === bytesIn + KIB256);
    assert.equal((await send(uri, `bytes 0-${bytes.length - 1}/${bytes.length}`, bytes)).status, 200);
    await ended;
    assert.deepEqual(await media('takeover'), bytes);
  });

  it('lets a browser of any origin use a session', async () => {
    const origin = 'https://app.example';
    const uri = await fixture.session('name=browser', { headers: { origin } });
    const preflight = await fixture.call('OPTIONS', uri, {
      headers: {
        origin,
        'access-control-request-method': 'PUT',
        'access-control-request-headers': 'content-range',
      },
    });
    assert.equal(preflight.status, 204);
    assert.match(String(preflight.headers.get('access-control-allow-methods')), /PUT/);
    assert.equal(preflight.headers.get('access-control-allow-headers'), 'content-range');
    const chunk = await send(uri, `bytes 0-${KIB256 - 1}/*`, randomBytes(KIB256), { origin });
    assert.equal(chunk.headers.get('access-control-allow-origin'), origin);
    assert.match(String(chunk.headers.get('access-control-expose-headers')), /Range/);
  });
});
