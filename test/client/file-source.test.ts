import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileSource } from '../../client/src/node.ts';

describe('a file on disk, to upload', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'file-source-'));
  });
  after(() => rm(folder, { recursive: true }));

  for (const [name, type] of [
    ['scan.DCM', 'application/dicom'],
    ['referral.docx', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'],
    ['photo.heic', 'image/heic'],
    ['mail.eml', 'message/rfc822'],
    ['letter.pdf', 'application/pdf'],
    ['archive.tar.gz', 'application/gzip'],
    ['message.hl7', undefined],
    ['README', undefined],
  ] as const) {
    it(`is of type ${type} where its name is ${name}`, async () => {
      const path = join(folder, name);
      await writeFile(path, '12345');
      const source = await fileSource(path);
      assert.deepEqual([source.name, source.type, source.size], [name, type, 5]);
    });
  }
});
