import assert from 'node:assert/strict';
import fc from 'fast-check';
import { cursorOf, limitOf, nextLink, positionIn } from '../../../../functions/files/routes/paging.ts';
import { parseFileId } from '../../../../shared/files/file-id.ts';

describe('pages', () => {
  const id = '0'.repeat(43);
  it('are of 1 to 1000, and of 100 by default', () => {
    assert.equal(limitOf(new URLSearchParams('')), 100);
    for (const limit of [1, 1000]) assert.equal(limitOf(new URLSearchParams({ limit: `${limit}` })), limit);
    for (const limit of ['0', '1001', '-1', '1.5', '1e2', '', 'x']) {
      assert.throws(() => limitOf(new URLSearchParams({ limit })), { type: 'invalid-request' }, limit);
    }
  });

  it('go on from a cursor that came from here, and from no other', () => {
    assert.equal(positionIn(new URLSearchParams(''), parseFileId), undefined);
    assert.equal(positionIn(new URLSearchParams({ cursor: cursorOf(id) }), parseFileId), id);
    for (const cursor of ['', id, `${cursorOf(id)}=`, ` ${cursorOf(id)}`, cursorOf(`${id}0`)]) {
      const query = new URLSearchParams({ cursor });
      assert.throws(() => positionIn(query, parseFileId), { type: 'invalid-request' }, cursor);
    }
    fc.assert(
      fc.property(fc.string(), (cursor) => {
        const query = new URLSearchParams({ cursor });
        assert.throws(() => positionIn(query, parseFileId), { type: 'invalid-request' });
      }),
      { numRuns: 1000 },
    );
  });

  it('link to the next with what else was asked for', () => {
    const query = new URLSearchParams('state=clean,pending&limit=2&cursor=old');
    assert.deepEqual(nextLink('/files', query, 'new'), {
      link: '</files?state=clean%2Cpending&limit=2&cursor=new>; rel="next"',
    });
  });
});
