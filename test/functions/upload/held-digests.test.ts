import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { HeldDigests } from '../../../functions/upload/held-digests.ts';
import { newFileId } from '../../../shared/files/file-id.ts';
import { type Chain, NO_PARTS } from '../../../shared/files/parts.ts';
import type { Principal } from '../../../shared/identity/principal.ts';
import type { Generation } from '../../../shared/storage/object.ts';

const newId = () => newFileId('org:1' as Principal, new Date());
const chain = (generation: string): Chain => ({
  parts: [{ name: 'p', generation: generation as Generation, updated: new Date(0), offset: 0 }],
  end: 1,
  crc32c: 0,
});
const hashOf = (text: string) => createHash('sha256').update(text);

describe('the digests that a process holds of tus uploads', () => {
  it('begin with that of nothing', () => {
    const sha256 = new HeldDigests().resume(newId(), NO_PARTS);
    assert.equal(sha256?.digest('hex'), hashOf('').digest('hex'));
  });

  it('are of the very last part alone, and may be continued twice', () => {
    const digests = new HeldDigests();
    const id = newId();
    digests.hold(id, chain('1'), hashOf('a'));
    for (const rest of ['b', 'c']) {
      const sha256 = digests.resume(id, chain('1'))?.update(rest);
      assert.equal(sha256?.digest('hex'), hashOf(`a${rest}`).digest('hex'));
    }
    assert.equal(digests.resume(id, chain('2')), undefined);
    assert.equal(digests.resume(newId(), chain('1')), undefined);
  });

  it('are a thousand, of which the one that was held longest ago goes first', () => {
    const digests = new HeldDigests();
    const ids = Array.from({ length: 1_001 }, newId);
    for (const id of ids.slice(0, 1_000)) digests.hold(id, chain('1'), hashOf('a'));
    const [first, second, last] = [ids[0], ids[1], ids[1_000]];
    assert.ok(first && second && last);
    digests.hold(first, chain('2'), hashOf('b'));
    digests.hold(last, chain('1'), hashOf('a'));
    assert.ok(digests.resume(first, chain('2')));
    assert.equal(digests.resume(second, chain('1')), undefined);
    assert.ok(digests.resume(last, chain('1')));
  });
});
