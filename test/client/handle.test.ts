import assert from 'node:assert/strict';
import { type Handle, type HandleIn, isAvailable, isUnderWay, type State } from '../../client/src/index.ts';
import { newFileId } from '../../shared/files/file-id.ts';
import { toHandle } from '../../shared/files/handle.ts';
import { type FileRecord, parseSha256 } from '../../shared/files/record.ts';
import { parsePrincipal } from '../../shared/identity/principal.ts';
import type { Generation } from '../../shared/storage/object.ts';

type Required<S extends State> = {
  [Member in keyof HandleIn<S>]-?: undefined extends HandleIn<S>[Member] ? never : Member;
}[keyof HandleIn<S>];

/** The members that a handle of each state has for certain. TypeScript refuses one that is missing here, or too many. */
const CERTAIN: { readonly [S in State]: Readonly<Record<Required<S>, true>> } = (() => {
  const every = {
    id: true,
    state: true,
    owner: true,
    contentType: true,
    createdAt: true,
    links: true,
  } as const;
  const content = { size: true, sha256: true } as const;
  return {
    uploading: { ...every, upload: true },
    pending: every,
    clean: { ...every, ...content, scannedAt: true },
    infected: { ...every, ...content, scannedAt: true, signature: true },
    unscannable: { ...every, scannedAt: true, reason: true, accepted: true },
    failed: { ...every, reason: true },
    expired: every,
    deleted: { ...every, deletedAt: true },
  };
})();

/** A handle as a client gets it. */
const wire = (handle: object) => JSON.parse(JSON.stringify(handle)) as Handle;

describe('client: a handle', () => {
  const owner = parsePrincipal('org:889640782');
  const sha256 = parseSha256('ab'.repeat(32));
  assert.ok(owner && sha256);
  const at = new Date();
  const stored = { id: newFileId(owner, at), owner, viewers: [], createdAt: at, contentType: 'text/plain' };
  const content = { size: 1, sha256, crc32c: 'AAAAAA==' };
  const scan = { generation: '1' as Generation, scannedAt: at };
  const records: readonly FileRecord[] = [
    { ...stored, state: 'uploading', upload: { kind: 'tus', expiresAt: at } },
    { ...stored, state: 'pending' },
    { ...stored, state: 'clean', content, scan },
    { ...stored, state: 'infected', content, scan, signature: 'Eicar' },
    { ...stored, state: 'unscannable', scan, reason: 'encrypted', accepted: false },
    { ...stored, state: 'failed', failure: 'gaveUp', failedAt: at },
    { ...stored, state: 'expired' },
    { ...stored, state: 'deleted', deletedAt: at },
  ];

  for (const record of records) {
    it(`has in the state ${record.state} what its type promises`, () => {
      const handle = toHandle(record, undefined);
      assert.deepEqual(Object.keys(handle).sort(), Object.keys(CERTAIN[record.state]).sort());
    });
  }

  it('tells when a file that had been clean was recalled', () => {
    const found = { ...stored, content, scan, state: 'infected', signature: 'Late' } as const;
    const recalled = wire(toHandle({ ...found, recalled: { at } }, undefined));
    assert.equal(recalled.recalledAt, at.toISOString());
    assert.equal(recalled.state === 'infected' && recalled.recalledAt, at.toISOString());
  });

  it('is of a state that every record can have', () => {
    assert.deepEqual(records.map(({ state }) => state).sort(), Object.keys(CERTAIN).sort());
  });

  it('tells by its state whether it is decided, and whether it is handed out', () => {
    const all = records.map((record) => wire(toHandle(record, undefined)));
    assert.deepEqual(
      all.filter(isUnderWay).map(({ state }) => state),
      ['uploading', 'pending'],
    );
    const sizes = all.filter(isAvailable).map((handle) => (handle.state === 'clean' ? handle.size : 0));
    assert.deepEqual(sizes, [1]);
    const kept = { ...all[4], accepted: true } as Handle;
    assert.equal(isAvailable(kept), true);
  });
});
