import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { crc32c } from '@node-rs/crc32';
import { multipart } from '../../../../contract/storage/upload-cases.ts';
import { BUCKET, EmulatorFixture, objectPath } from '../emulator-fixture.ts';

const MEBIBYTES_16 = 16 * 1024 * 1024;
const CRLF = '\r\n';
const UPLOAD = `/upload/storage/v1/b/${BUCKET}/o`;

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

  it('lets a later overwrite free the bytes, but not under a reader', async () => {
    await fixture.put('reader', Buffer.alloc(MEBIBYTES_16, 1));
    const response = await fetch(`${fixture.url}${objectPath('reader')}?alt=media`);
    await fixture.put('reader', 'short');
    const bytes = Buffer.from(await response.arrayBuffer());
    assert.equal(bytes.length, MEBIBYTES_16);
    assert.ok(bytes.equals(Buffer.alloc(MEBIBYTES_16, 1)));
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
