import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Handle } from '../../shared/files/handle.ts';
import { overHosts } from '../support/over-hosts.ts';
import { writeRandom } from '../support/rough-upload.ts';
import { EICAR, Service } from '../support/service.ts';
import { sha256 } from '../support/tus.ts';

const MIB = 2 ** 20;
/** MiB; `DIRECT=3072` is more than ClamAV can take. */
const SIZE = Number(process.env['DIRECT'] ?? 40) * MIB;

interface Opened {
  readonly uploadUrl: string;
  readonly expiresAt: string;
  readonly handle: Handle & { readonly expected?: unknown };
}

overHosts('a direct session', function (hosts) {
  this.timeout(180_000 + SIZE / 100_000);
  const service = new Service({
    HOSTS: hosts,
    ...(!process.env['DIRECT'] && { MAX_SCAN_BYTES: String(100 * MIB) }),
  });

  async function opened(order: object, origin = {}): Promise<Opened> {
    const response = await post({ ...order, ...origin });
    assert.equal(response.status, 201);
    return (await response.json()) as Opened;
  }
  const post = (order: object) =>
    service.call('POST', '/uploads/direct', {
      body: JSON.stringify(order),
      headers: { 'content-type': 'application/json' },
    });
  const put = (url: string, bytes: Buffer<ArrayBuffer>, range?: string) =>
    fetch(url, { method: 'PUT', body: bytes, ...(range && { headers: { 'content-range': range } }) });

  it(`takes ${SIZE / MIB} MiB with curl in two pieces, the second from where the session says that it stands`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'direct-'));
    const path = join(folder, 'file');
    const digest = await writeRandom(path, SIZE);
    const { uploadUrl, handle } = await opened({ size: SIZE, contentType: 'video/mp4', fileName: 'a/b.mp4' });
    assert.deepEqual([handle.state, handle.fileName, handle.upload?.length], ['uploading', 'b.mp4', SIZE]);
    const curl = async (command: string): Promise<string> => {
      const { stdout } = await promisify(execFile)('bash', ['-c', command], {
        env: { ...process.env, URL: uploadUrl, FILE: path, SIZE: String(SIZE) },
      });
      return stdout;
    };
    // The line breaks in the middle: the connection ends before the bytes that were announced.
    await curl(
      `head -c $((SIZE / 2 + 12345)) "$FILE" |
        curl -s -m $((2 + SIZE / 100000000)) -X PUT -H "Content-Length: $SIZE" \\
          -H "Transfer-Encoding:" -H "Expect:" -T - "$URL" || true`,
    );
    const asked = await curl(
      'curl -s -o /dev/null -D - -X PUT -H "Content-Range: bytes */$SIZE" -H "Content-Length: 0" "$URL"',
    );
    assert.match(asked, /^HTTP\/1.1 308/);
    const persisted = Number(/range: bytes=0-(\d+)/i.exec(asked)?.[1]) + 1;
    assert.ok(persisted > 0 && persisted <= SIZE / 2 + 12345, String(persisted));
    assert.equal((await service.status(handle.id)).state, 'uploading');
    const done = await curl(
      `tail -c +${persisted + 1} "$FILE" | curl -s -o /dev/null -w '%{http_code}' -X PUT \\
        -H "Content-Range: bytes ${persisted}-$((SIZE - 1))/$SIZE" -H "Content-Length: $((SIZE - ${persisted}))" \\
        -H "Transfer-Encoding:" -H "Expect:" -T - "$URL"`,
    );
    assert.equal(done, '200');
    await rm(folder, { recursive: true });
    const decided = await service.decided(handle.id, 60 + SIZE / MIB / 4);
    if (SIZE >= 2 ** 31) {
      assert.deepEqual(handle.expected, { state: 'unscannable', reason: 'tooLarge' });
      assert.deepEqual([decided.state, decided.reason], ['unscannable', 'tooLarge']);
      return;
    }
    assert.deepEqual([decided.state, decided.sha256, decided.size], ['clean', digest, SIZE]);
    const download = await service.call('GET', `/files/${handle.id}`);
    assert.equal(sha256(Buffer.from(await download.arrayBuffer())), digest);
    assert.equal(download.headers.get('content-type'), 'video/mp4');
  });

  it('finds what is malware', async () => {
    const { uploadUrl, handle } = await opened({ size: EICAR.length });
    assert.equal((await put(uploadUrl, Buffer.from(EICAR))).status, 200);
    assert.equal((await service.decided(handle.id)).state, 'infected');
    assert.equal((await service.call('GET', `/files/${handle.id}`)).status, 410);
  });

  it('makes a file of what has the digest that was claimed, and of nothing else', async () => {
    const bytes = randomBytes(1000);
    const right = await opened({ size: 1000, sha256: sha256(bytes).toUpperCase() });
    await put(right.uploadUrl, bytes);
    assert.equal((await service.decided(right.handle.id)).state, 'clean');
    // That this content is known and clean helps nobody who does not have it.
    const wrong = await opened({ size: 1000, sha256: sha256(bytes) });
    await put(wrong.uploadUrl, randomBytes(1000));
    const { state, reason } = await service.decided(wrong.handle.id);
    assert.deepEqual([state, reason], ['failed', 'contentMismatch']);
    assert.equal((await service.call('GET', `/files/${wrong.handle.id}`)).status, 410);
  });

  it('has as many bytes as were announced, under no other name, once', async () => {
    const { uploadUrl, handle } = await opened({ size: 1000 });
    assert.equal((await put(uploadUrl, randomBytes(999), 'bytes 0-998/999')).status, 400);
    const second = await opened({ size: 1000 });
    assert.equal((await put(second.uploadUrl, randomBytes(2000))).status, 400);
    assert.deepEqual(
      (await service.names('unscanned')).filter((name) => [handle.id, second.handle.id].includes(name)),
      [],
    );
    const third = await opened({ size: 3 });
    const renamed = third.uploadUrl.replace(third.handle.id, handle.id);
    assert.equal((await put(renamed, Buffer.from('abc'))).status, 200);
    assert.equal((await service.decided(third.handle.id)).state, 'clean');
    assert.equal((await service.status(handle.id)).state, 'uploading');
  });

  it('takes a file without a byte', async () => {
    const { uploadUrl, handle } = await opened({ size: 0 });
    assert.equal((await put(uploadUrl, Buffer.alloc(0), 'bytes */0')).status, 200);
    assert.equal((await service.decided(handle.id)).state, 'clean');
  });

  it('is waited for with Prefer: wait', async () => {
    const { uploadUrl, handle } = await opened({ size: 3 });
    const waiting = service.status(handle.id, 20);
    await put(uploadUrl, Buffer.from('abc'));
    assert.equal((await waiting).state, 'clean');
  });

  it('says what the scanner will not judge, and hands out nothing of it', async function () {
    if (process.env['DIRECT']) this.skip();
    const size = 100 * MIB + 1;
    const { uploadUrl, handle } = await opened({ size });
    assert.deepEqual(handle.expected, { state: 'unscannable', reason: 'tooLarge' });
    assert.equal((await put(uploadUrl, Buffer.alloc(size))).status, 200);
    const { state, reason } = await service.decided(handle.id);
    assert.deepEqual([state, reason], ['unscannable', 'tooLarge']);
    assert.equal((await service.call('GET', `/files/${handle.id}`)).status, 410);
  });

  it('is opened for those who may write, and for orders that are right', async () => {
    assert.equal((await service.call('POST', '/uploads/direct', { as: '', body: '{}' })).status, 401);
    const reader = { scopes: ['read' as const], body: '{"size": 1}' };
    assert.equal((await service.call('POST', '/uploads/direct', reader)).status, 403);
    assert.equal((await service.call('GET', '/uploads/direct')).status, 405);
    const wrong = [
      {},
      { size: -1 },
      { size: 1.5 },
      { size: 1, name: 'x' },
      { size: 1, sha256: 'abc' },
      { size: 1, origin: 'example.org' },
      { size: 1, origin: 'https://example.org/path' },
      { size: 1, contentType: 'no type' },
      { size: 1, fileName: 'x'.repeat(600) },
      { size: 1, fileName: 'x'.repeat(20_000) },
    ];
    for (const order of wrong) assert.equal((await post(order)).status, 400, JSON.stringify(order));
    assert.equal((await service.call('POST', '/uploads/direct', { body: '{' })).status, 400);
    for (const size of [5 * 2 ** 40 + 1, 1e17]) {
      const refused = await post({ size });
      assert.equal(refused.status, 413);
      assert.match(await refused.text(), /\/problems\/too-large"/);
    }
    await opened({ size: 1, origin: 'https://example.org' });
  });

  it('that could not be recorded is ended, and nobody is told of it', async () => {
    await service.resetOperations();
    await service.fault({
      operation: 'objects.insert',
      bucket: 'permanent',
      times: 1,
      effect: { kind: 'error', status: 403 },
    });
    assert.equal((await post({ size: 10 })).status, 500);
    await service.clearFaults();
    assert.equal((await service.operations()).operations['resumable.cancel']?.calls, 1);
  });
});
