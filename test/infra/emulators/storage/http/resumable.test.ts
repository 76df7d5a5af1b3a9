import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { BUCKET, EmulatorFixture, objectPath, until } from '../emulator-fixture.ts';

const KIB256 = 256 * 1024;

describe('storage emulator: resumable uploads', () => {
  const fixture = new EmulatorFixture();
  const send = (uri: string, range: string, body: Uint8Array<ArrayBuffer>, headers = {}) =>
    fixture.call('PUT', uri, { body, headers: { 'content-range': range, ...headers } });
  const ask = (uri: string, total = '*') =>
    fixture.call('PUT', uri, { headers: { 'content-range': `bytes */${total}` } });
  const media = async (name: string) => (await fixture.call('GET', `${objectPath(name)}?alt=media`)).bytes;

  it('refuses a start whose header and resource name two content types', async () => {
    const reply = await fixture.call('POST', `/upload/storage/v1/b/${BUCKET}/o?uploadType=resumable`, {
      json: { name: 'two-types', contentType: 'text/css' },
      headers: { 'x-upload-content-type': 'video/mp4' },
    });
    assert.equal(reply.refusal, '400 invalid');
    assert.match(reply.text, /upload \(video\/mp4\) does not match .* metadata \(text\/css\)/);
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

  it('lets pages of one origin use a session: the one with which it was opened', async () => {
    const opened = 'https://app.example';
    const allowed = async (uri: string, origin: string) => {
      const headers = { origin, 'access-control-request-method': 'PUT' };
      return (await fixture.call('OPTIONS', uri, { headers })).headers.get('access-control-allow-origin');
    };
    const uri = await fixture.session('name=one-origin', { headers: { origin: opened } });
    assert.equal(await allowed(uri, 'https://other.example'), opened);
    assert.equal(await allowed(await fixture.session('name=no-origin'), opened), null);
    const last = await send(uri, 'bytes 0-3/4', randomBytes(4), { origin: opened });
    assert.deepEqual([last.status, last.headers.get('access-control-allow-origin')], [200, opened]);
    assert.equal(await allowed(uri, 'https://other.example'), opened, 'also when it is complete');
    assert.equal(await allowed(`${fixture.url}/${BUCKET}/one-origin?X-Goog-Signature=a`, opened), null);
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
