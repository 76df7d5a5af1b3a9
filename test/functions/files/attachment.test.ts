import assert from 'node:assert/strict';
import { toAttachment } from '../../../functions/files/attachment.ts';
import { newFileId } from '../../../shared/files/file-id.ts';
import { parseSha256 } from '../../../shared/files/record.ts';
import { parsePrincipal } from '../../../shared/identity/principal.ts';

describe('a FHIR Attachment', () => {
  const owner = parsePrincipal('org:1') ?? assert.fail();
  const sha256 = parseSha256('ab'.repeat(32)) ?? assert.fail();
  const file = {
    id: newFileId(owner),
    contentType: 'video/mp4',
    createdAt: new Date('2026-11-24T10:00:00Z'),
  };
  const attachment = (size: number) =>
    toAttachment({ ...file, content: { size, sha256, crc32c: '' } }, 'https://share.example/api');

  it('says the size as far as an unsignedInt of R4 can', () => {
    assert.equal(attachment(0).size, 0);
    assert.equal(attachment(2_147_483_647).size, 2_147_483_647);
    assert.ok(!('size' in attachment(2_147_483_648)));
  });

  it('has the SHA-256 as an extension, and never as hash, which is SHA-1', () => {
    const { extension } = attachment(1);
    assert.equal(Buffer.from(extension[0].valueBase64Binary, 'base64').toString('hex'), sha256);
    assert.ok(!('hash' in attachment(1)));
  });

  it('has an absolute URL, and no title where there is no name', () => {
    assert.equal(attachment(1).url, `https://share.example/api/files/${file.id}`);
    assert.deepEqual(Object.keys(attachment(1)), ['extension', 'contentType', 'url', 'size', 'creation']);
  });
});
