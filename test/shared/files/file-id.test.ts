import assert from 'node:assert/strict';
import { newFileId, ownerTag, parseFileId } from '../../../shared/files/file-id.ts';
import type { Principal } from '../../../shared/identity/principal.ts';

const owner = 'org:889640782' as Principal;

describe('file ids', () => {
  it('parse back, and nothing else does', () => {
    const id = newFileId(owner);
    assert.equal(parseFileId(id), id);
    for (const text of [
      '',
      'x',
      `${id}a`,
      id.slice(1),
      id.toUpperCase(),
      `../${id.slice(3)}`,
      `${id.slice(1)}z`,
    ]) {
      assert.equal(parseFileId(text), undefined, text);
    }
  });

  it('of one owner sort newest first, in the byte order of a listing', () => {
    const times = [0, 1, 999, 1_700_000_000_000, 1_700_000_000_001, 33_000_000_000_000];
    const ids = times.map((at) => newFileId(owner, new Date(at)));
    assert.deepEqual([...ids].sort(), ids.toReversed());
  });

  it('begin with the tag of their owner', () => {
    assert.ok(newFileId(owner).startsWith(ownerTag(owner)));
    assert.notEqual(ownerTag(owner), ownerTag('org:889640783' as Principal));
  });

  it('end in 130 random bits', () => {
    const at = new Date();
    const randoms = Array.from({ length: 1_000 }, () => newFileId(owner, at).slice(17));
    assert.equal(new Set(randoms).size, 1_000);
    assert.equal(randoms[0]?.length, 26);
    const digits = new Set(randoms.join(''));
    assert.equal(digits.size, 32, 'every digit occurs');
  });
});
