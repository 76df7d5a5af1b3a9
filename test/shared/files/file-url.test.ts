import assert from 'node:assert/strict';
import { newFileId } from '../../../shared/files/file-id.ts';
import { fileUrl } from '../../../shared/files/file-url.ts';
import type { Principal } from '../../../shared/identity/principal.ts';

describe('the address of a file', () => {
  const id = newFileId('org:889640782' as Principal);

  it('is absolute where the files function has a separate host name', () => {
    assert.equal(fileUrl('https://files.example', id), `https://files.example/files/${id}`);
  });

  it('is a path where upload and files have one', () => {
    assert.equal(fileUrl(undefined, id), `/files/${id}`);
  });
});
