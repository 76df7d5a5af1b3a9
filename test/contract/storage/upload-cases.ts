import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';
import { crc32c } from '@node-rs/crc32';
import { encodeCrc32c } from '../../../shared/storage/crc32c.ts';
import type { Cases } from '../cases.ts';
import type { Reply } from './http.ts';
import type { StorageSubject } from './subject.ts';

const CRLF = '\r\n';
const MULTIPART = { 'content-type': 'multipart/related; boundary=frontier' };

export function multipart(
  newline: string,
  resource: object,
  media: Buffer,
  mediaHeaders: string[] = ['Content-Type: text/plain'],
): Buffer<ArrayBuffer> {
  const head = ['--frontier', 'Content-Type: application/json', '', JSON.stringify(resource), '--frontier'];
  return Buffer.concat([
    Buffer.from([...head, ...mediaHeaders, '', ''].join(newline)),
    media,
    Buffer.from(`${newline}--frontier--${newline}`),
  ]);
}

const upload = (
  subject: StorageSubject,
  body: Buffer<ArrayBuffer> | ReadableStream,
  query = '',
  headers: Record<string, string> = {},
): Promise<Reply> =>
  subject.call('POST', subject.uploadPath(`uploadType=multipart${query}`), {
    body,
    headers: { ...MULTIPART, ...headers },
  });

/** https://cloud.google.com/storage/docs/json_api/v1/objects/insert */
export function uploadsInOneRequest(cases: Cases<StorageSubject>): void {
  cases('upload: has the checksums, the size and the versions of what was sent', async (subject) => {
    const bytes = randomBytes(3_000_000);
    const resource = await subject.put('a/b c.bin', bytes);
    assert.equal(resource.kind, 'storage#object');
    assert.equal(resource.name, subject.name('a/b c.bin'));
    assert.equal(resource.bucket, subject.bucketName);
    assert.equal(resource.size, '3000000');
    assert.equal(resource.metageneration, '1');
    assert.match(resource.generation, /^[1-9]\d{0,18}$/);
    assert.equal(resource['md5Hash'], createHash('md5').update(bytes).digest('base64'));
    assert.equal(resource['crc32c'], encodeCrc32c(crc32c(bytes)));
    assert.ok(Date.parse(String(resource['timeCreated'])) > 0);
    const stored = (await subject.call('GET', subject.path('a/b c.bin'))).ok();
    assert.deepEqual(stored, resource);
  });

  cases('upload: has an id, a storage class and links', async (subject) => {
    const bytes = randomBytes(100);
    const resource = await subject.put('links', bytes);
    assert.equal(resource['id'], `${subject.bucketName}/${resource.name}/${resource.generation}`);
    assert.equal(resource['storageClass'], 'STANDARD');
    assert.deepEqual((await subject.call('GET', String(resource['mediaLink']))).bytes, bytes);
    assert.deepEqual((await subject.call('GET', String(resource['selfLink']))).ok(), resource);
  });

  cases('upload: keeps the Content-Type of a simple upload', async (subject) => {
    const path = subject.uploadPath(`uploadType=media&name=${encodeURIComponent(subject.name('typed'))}`);
    const reply = await subject.call('POST', path, { body: 'x', headers: { 'content-type': 'image/png' } });
    assert.equal(reply.ok()['contentType'], 'image/png');
  });

  cases('upload: gives every write a greater generation', async (subject) => {
    const first = await subject.put('again', 'one');
    const second = await subject.put('again', 'two');
    assert.ok(BigInt(second.generation) > BigInt(first.generation));
  });

  cases('upload: gives an empty object checksums, and no bytes', async (subject) => {
    const resource = await subject.put('empty', '');
    assert.equal(resource['crc32c'], 'AAAAAA==');
    assert.equal(resource['md5Hash'], '1B2M2Y8AsgTpgAmY7PhCfg==');
    const media = await subject.media('empty');
    assert.deepEqual([media.status, media.bytes.length], [200, 0]);
  });

  cases('upload: names the size of an empty object', async (subject) => {
    assert.equal((await subject.put('empty-size', '')).size, '0');
  });

  cases('upload: keeps every byte of a multipart upload with CRLF lines', async (subject) => {
    // The delimiter without its newline, and with another boundary, is content.
    const media = Buffer.concat([randomBytes(700_000), Buffer.from(`--frontier${CRLF}--frontie${CRLF}`)]);
    const resource = { name: subject.name('crlf'), metadata: { a: 'b' } };
    const stored = (
      await upload(subject, multipart(CRLF, resource, media, ['Content-Type: image/png']))
    ).ok();
    assert.equal(stored['contentType'], 'image/png');
    assert.equal((stored['metadata'] as Record<string, string>)['a'], 'b');
    assert.deepEqual((await subject.media('crlf')).bytes, media);
  });

  cases('upload: takes a multipart upload with bare LF lines, as gcloud sends', async (subject) => {
    const media = Buffer.from('a line\r');
    const stored = (await upload(subject, multipart('\n', { name: subject.name('lf') }, media))).ok();
    assert.equal(stored.size, String(media.length));
    assert.deepEqual((await subject.media('lf')).bytes, media);
  });

  cases('upload: takes a media part without headers, as rclone sends', async (subject) => {
    const body = multipart(CRLF, { name: subject.name('bare') }, Buffer.from('x'), []);
    assert.equal((await upload(subject, body)).ok().size, '1');
    const media = await subject.media('bare');
    assert.equal(media.headers.get('content-type'), 'application/octet-stream');
  });

  cases('upload: finds the delimiter wherever the network splits the body', async (subject) => {
    const body = multipart(CRLF, { name: subject.name('split') }, Buffer.from('0123456789'));
    for (let step = 1; step < 40; step += 7) {
      const stream = new ReadableStream({
        start(controller) {
          for (let at = 0; at < body.length; at += step) controller.enqueue(body.subarray(at, at + step));
          controller.close();
        },
      });
      assert.equal((await upload(subject, stream)).ok().size, '10');
    }
  });

  cases('upload: refuses parts whose content types differ, and keeps nothing', async (subject) => {
    const resource = { name: subject.name('differ'), contentType: 'application/pdf' };
    const reply = await upload(subject, multipart(CRLF, resource, Buffer.from('x')));
    assert.ok(reply.status >= 400 && reply.status < 500, `${reply.status}`);
    assert.equal((await subject.call('GET', subject.path('differ'))).status, 404);
  });

  cases('upload: refuses parts whose content types differ with 400', async (subject) => {
    const resource = { name: subject.name('differ-400'), contentType: 'application/pdf' };
    assert.equal((await upload(subject, multipart(CRLF, resource, Buffer.from('x')))).status, 400);
  });

  cases('upload: refuses a multipart body that ends early, and keeps nothing', async (subject) => {
    const body = multipart(CRLF, { name: subject.name('early') }, Buffer.from('x'));
    assert.equal((await upload(subject, body.subarray(0, -6))).status, 400);
    assert.equal((await subject.call('GET', subject.path('early'))).status, 404);
  });

  cases('upload: goes on with the next request of a connection after a refusal', async (subject) => {
    await subject.put('taken', 'x');
    const { Agent, request: open } = subject.url.startsWith('https:') ? https : http;
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const exchange = async (method: string, path: string, body?: Buffer): Promise<number | undefined> => {
      const headers = { ...MULTIPART, ...(await subject.authorization()) };
      const request = open(subject.url + path, { method, agent, headers });
      request.end(body);
      const [response] = (await once(request, 'response')) as [http.IncomingMessage];
      await once(response.resume(), 'end');
      return response.statusCode;
    };
    try {
      const large = multipart(CRLF, { name: subject.name('taken') }, Buffer.alloc(900_000));
      const path = subject.uploadPath('uploadType=multipart&ifGenerationMatch=0');
      assert.equal(await exchange('POST', path, large), 412);
      assert.equal(await exchange('GET', subject.path('taken')), 200);
    } finally {
      agent.destroy();
    }
  });

  const content = Buffer.from('content');
  const wrong = encodeCrc32c(crc32c(Buffer.from('other')));
  const wrongChecksums: Readonly<Record<string, (subject: StorageSubject) => Promise<Reply>>> = {
    'CRC32C in the resource': (subject) =>
      upload(subject, multipart(CRLF, { name: subject.name('hash'), crc32c: wrong }, content)),
    'MD5 in the resource': (subject) => {
      const resource = { name: subject.name('hash'), md5Hash: '1B2M2Y8AsgTpgAmY7PhCfg==' };
      return upload(subject, multipart(CRLF, resource, content));
    },
    'CRC32C in the header': (subject) =>
      upload(subject, multipart(CRLF, { name: subject.name('hash') }, content), '', {
        'x-goog-hash': `crc32c=${wrong}`,
      }),
  };
  for (const [where, send] of Object.entries(wrongChecksums)) {
    cases(`upload: refuses a wrong ${where}, and keeps nothing`, async (subject) => {
      const { status } = await send(subject);
      assert.ok(status === 400 || status === 412, `${status}`);
      assert.equal((await subject.call('GET', subject.path('hash'))).status, 404);
    });
  }

  cases('upload: refuses a wrong checksum with 400', async (subject) => {
    const resource = { name: subject.name('hash-400'), crc32c: wrong };
    assert.equal((await upload(subject, multipart(CRLF, resource, content))).status, 400);
  });

  cases('upload: takes the right checksum', async (subject) => {
    const resource = { name: subject.name('right'), crc32c: encodeCrc32c(crc32c(content)) };
    assert.equal((await upload(subject, multipart(CRLF, resource, content))).status, 200);
  });

  cases('upload: answers a refusal, although megabytes of the upload were never read', async (subject) => {
    await subject.put('taken-large', 'x');
    const name = encodeURIComponent(subject.name('taken-large'));
    const path = subject.uploadPath(`uploadType=media&name=${name}&ifGenerationMatch=0`);
    assert.equal((await subject.call('POST', path, { body: Buffer.alloc(20_000_000) })).status, 412);
  });

  cases('upload: refuses names that are not allowed', async (subject) => {
    for (const name of ['x'.repeat(1025), 'a\nb', '.', '..', '.well-known/acme-challenge/x']) {
      const path = subject.uploadPath(`uploadType=media&name=${encodeURIComponent(name)}`);
      assert.equal((await subject.call('POST', path, { body: 'x' })).status, 400, name);
    }
  });

  cases('upload: refuses an upload without a name', async (subject) => {
    assert.equal(
      (await subject.call('POST', subject.uploadPath('uploadType=media'), { body: 'x' })).status,
      400,
    );
  });

  cases('upload: keeps non-ASCII names', async (subject) => {
    const unicode = 'å/日本🎉 %25?#'.repeat(10);
    await subject.put(unicode, 'x');
    assert.equal((await subject.call('GET', subject.path(unicode))).ok().name, subject.name(unicode));
  });

  cases('upload: refuses an upload to a bucket that does not exist', async (subject) => {
    const path = `/upload/storage/v1/b/${subject.bucketName}-missing/o?uploadType=media&name=x`;
    assert.equal((await subject.call('POST', path, { body: 'x' })).status, 404);
  });
}
