import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { crc32c } from '@node-rs/crc32';
import { BUCKET, EmulatorFixture, objectPath } from './emulator-fixture.ts';

const MEBIBYTES_16 = 16 * 1024 * 1024;
const CRLF = '\r\n';
const UPLOAD = `/upload/storage/v1/b/${BUCKET}/o`;

function multipart(
  newline: string,
  resource: object,
  media: Buffer,
  mediaHeaders: string[],
): Buffer<ArrayBuffer> {
  const head = ['--frontier', 'Content-Type: application/json', '', JSON.stringify(resource), '--frontier'];
  return Buffer.concat([
    Buffer.from([...head, ...mediaHeaders, '', ''].join(newline)),
    media,
    Buffer.from(`${newline}--frontier--${newline}`),
  ]);
}

const base64Crc = (bytes: Buffer): string => {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(crc32c(bytes));
  return out.toString('base64');
};

describe('storage emulator: uploads in one request', () => {
  const fixture = new EmulatorFixture();
  const upload = (body: Buffer<ArrayBuffer>, query = 'uploadType=multipart', headers = {}) =>
    fixture.call('POST', `${UPLOAD}?${query}`, {
      body,
      headers: { 'content-type': 'multipart/related; boundary=frontier', ...headers },
    });

  it('keeps a simple upload with its checksums, type and links', async () => {
    const bytes = randomBytes(3_000_000);
    const resource = await fixture.put('a/b c.bin', bytes);
    assert.equal(resource.kind, 'storage#object');
    assert.equal(resource['id'], `${BUCKET}/a/b c.bin/${resource.generation}`);
    assert.equal(resource.size, '3000000');
    assert.equal(resource.metageneration, '1');
    assert.equal(resource['md5Hash'], createHash('md5').update(bytes).digest('base64'));
    assert.equal(resource['crc32c'], base64Crc(bytes));
    assert.equal(resource['storageClass'], 'STANDARD');
    const media = await fixture.call('GET', String(resource['mediaLink']));
    assert.deepEqual(media.bytes, bytes);
    assert.deepEqual((await fixture.call('GET', String(resource['selfLink']))).ok(), resource);
  });

  it('gives every write a greater generation', async () => {
    const first = await fixture.put('again', 'one');
    const second = await fixture.put('again', 'two');
    assert.ok(BigInt(second.generation) > BigInt(first.generation));
  });

  it('gives an empty object a size, links and checksums', async () => {
    const resource = await fixture.put('empty', '');
    assert.equal(resource.size, '0');
    assert.equal(resource['crc32c'], 'AAAAAA==');
    assert.equal(resource['md5Hash'], '1B2M2Y8AsgTpgAmY7PhCfg==');
    assert.equal((await fixture.call('GET', String(resource['mediaLink']))).bytes.length, 0);
  });

  it('keeps every byte of a multipart upload with CRLF lines', async () => {
    // The delimiter without its newline, and with another boundary, is content.
    const media = Buffer.concat([randomBytes(700_000), Buffer.from(`--frontier${CRLF}--frontie${CRLF}`)]);
    const body = multipart(CRLF, { name: 'crlf', metadata: { a: 'b' } }, media, ['Content-Type: image/png']);
    const resource = (await upload(body)).ok();
    assert.equal(resource['contentType'], 'image/png');
    assert.deepEqual(resource['metadata'], { a: 'b' });
    assert.deepEqual((await fixture.call('GET', `${objectPath('crlf')}?alt=media`)).bytes, media);
  });

  it('keeps a final carriage return of a multipart upload with bare LF lines, as gcloud sends', async () => {
    const media = Buffer.from('a line\r');
    const resource = (
      await upload(multipart('\n', { name: 'lf' }, media, ['Content-Type: text/plain']))
    ).ok();
    assert.equal(resource.size, String(media.length));
    assert.deepEqual((await fixture.call('GET', `${objectPath('lf')}?alt=media`)).bytes, media);
  });

  it('takes a media part without headers, as rclone sends', async () => {
    const resource = (await upload(multipart(CRLF, { name: 'bare' }, Buffer.from('x'), []))).ok();
    assert.equal(resource.size, '1');
    const media = await fixture.call('GET', `${objectPath('bare')}?alt=media`);
    assert.equal(media.headers.get('content-type'), 'application/octet-stream');
  });

  it('refuses a multipart upload whose parts name two content types', async () => {
    const resource = { name: 'two-types', contentType: 'application/x-empty' };
    const parts = (type: string) => multipart(CRLF, resource, Buffer.from('x'), [`Content-Type: ${type}`]);
    const reply = await upload(parts('application/octet-stream'));
    assert.equal(reply.refusal, '400 invalid');
    assert.match(
      reply.text,
      /Content-Type specified in the upload \(application\/octet-stream\) does not match Content-Type specified in metadata \(application\/x-empty\)\./,
    );
    assert.equal((await fixture.call('GET', objectPath('two-types'))).status, 404);
    assert.equal((await upload(parts('application/x-empty'))).ok()['contentType'], 'application/x-empty');
    const bare = multipart(CRLF, resource, Buffer.from('x'), []);
    assert.equal((await upload(bare)).ok()['contentType'], 'application/x-empty');
  });

  it('finds the delimiter wherever the network splits the body', async () => {
    const body = multipart(CRLF, { name: 'split' }, Buffer.from('0123456789'), ['Content-Type: text/plain']);
    for (let step = 1; step < 40; step += 3) {
      const stream = new ReadableStream({
        start(controller) {
          for (let at = 0; at < body.length; at += step) controller.enqueue(body.subarray(at, at + step));
          controller.close();
        },
      });
      const headers = { 'content-type': 'multipart/related; boundary="frontier"' };
      const reply = await fixture.call('POST', `${UPLOAD}?uploadType=multipart`, { body: stream, headers });
      assert.equal(reply.ok().size, '10');
    }
  });

  it('refuses a multipart body that ends early, and keeps nothing', async () => {
    const body = multipart(CRLF, { name: 'early' }, Buffer.from('x'), []);
    assert.equal((await upload(body.subarray(0, -6))).status, 400);
    assert.equal((await fixture.call('GET', objectPath('early'))).status, 404);
  });

  it('reads what it refused to its end, so that the connection goes on with the next request', async () => {
    await fixture.put('taken', 'x');
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const send = async (method: string, path: string, body?: Buffer): Promise<number | undefined> => {
      const headers = { 'content-type': 'multipart/related; boundary=frontier' };
      const request = httpRequest(fixture.url + path, { method, agent, headers });
      request.end(body);
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      await once(response.resume(), 'end');
      return response.statusCode;
    };
    try {
      const large = multipart(CRLF, { name: 'taken' }, Buffer.alloc(900_000), []);
      const path = `${UPLOAD}?uploadType=multipart&ifGenerationMatch=0`;
      assert.equal(await send('POST', path, large), 412);
      assert.equal(await send('GET', objectPath('taken')), 200);
    } finally {
      agent.destroy();
    }
  });

  it('refuses wrong checksums with 400, in the resource or the header, and keeps nothing', async () => {
    const media = Buffer.from('content');
    const wrong = base64Crc(Buffer.from('other'));
    const inResource = multipart(CRLF, { name: 'hash', crc32c: wrong }, media, []);
    assert.equal((await upload(inResource)).status, 400);
    const md5 = multipart(CRLF, { name: 'hash', md5Hash: '1B2M2Y8AsgTpgAmY7PhCfg==' }, media, []);
    assert.equal((await upload(md5)).status, 400);
    const plain = multipart(CRLF, { name: 'hash' }, media, []);
    const inHeader = await upload(plain, 'uploadType=multipart', { 'x-goog-hash': `crc32c=${wrong}` });
    assert.equal(inHeader.status, 400);
    assert.equal((await fixture.call('GET', objectPath('hash'))).status, 404);
    const right = multipart(CRLF, { name: 'hash', crc32c: base64Crc(media) }, media, []);
    assert.equal((await upload(right)).status, 200);
  });

  it('answers a refusal although megabytes of the upload were never read', async () => {
    await fixture.put('taken', 'x');
    const path = `${UPLOAD}?uploadType=media&name=taken&ifGenerationMatch=0`;
    const reply = await fixture.call('POST', path, { body: Buffer.alloc(20_000_000) });
    assert.equal(reply.refusal, '412 conditionNotMet');
  });

  it('refuses names that Cloud Storage refuses', async () => {
    for (const name of ['', 'x'.repeat(1025), 'a\nb', '.', '..', '.well-known/acme-challenge/x']) {
      const path = `${UPLOAD}?uploadType=media&name=${encodeURIComponent(name)}`;
      assert.equal((await fixture.call('POST', path, { body: 'x' })).status, 400, name);
    }
    const unicode = `${'å/日本🎉 %25?#'.repeat(10)}`;
    await fixture.put(unicode, 'x');
    assert.equal((await fixture.call('GET', objectPath(unicode))).ok().name, unicode);
  });

  it('lets a later overwrite free the bytes, but not under a reader', async () => {
    await fixture.put('reader', Buffer.alloc(MEBIBYTES_16, 1));
    const response = await fetch(`${fixture.url}${objectPath('reader')}?alt=media`);
    await fixture.put('reader', 'short');
    const bytes = Buffer.from(await response.arrayBuffer());
    assert.equal(bytes.length, MEBIBYTES_16);
    assert.ok(bytes.equals(Buffer.alloc(MEBIBYTES_16, 1)));
  });

  it('refuses an upload to a bucket that is not there', async () => {
    const reply = await fixture.call('POST', '/upload/storage/v1/b/nowhere/o?uploadType=media&name=x', {
      body: 'x',
    });
    assert.equal(reply.refusal, '404 notFound');
  });
});

describe('storage emulator without MD5', () => {
  const fixture = new EmulatorFixture({ md5: false });

  it('has objects with a CRC32C alone, and refuses an MD5 that it cannot verify', async () => {
    const bytes = randomBytes(100);
    const resource = await fixture.put('x', bytes);
    assert.equal(resource['md5Hash'], undefined);
    assert.equal(resource['crc32c'], base64Crc(bytes));
    const md5 = createHash('md5').update(bytes).digest('base64');
    const headers = { 'x-goog-hash': `md5=${md5}` };
    const path = `${UPLOAD}?uploadType=media&name=y`;
    assert.equal((await fixture.call('POST', path, { body: bytes, headers })).status, 400);
  });
});
