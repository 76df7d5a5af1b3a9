import assert from 'node:assert/strict';
import fc from 'fast-check';
import { asOf, hasExpired, isPossibleEnd, parseInstant, withEnd } from '../../../shared/files/ends.ts';
import { newFileId } from '../../../shared/files/file-id.ts';
import type { FileRecord, Sha256 } from '../../../shared/files/record.ts';
import type { Principal } from '../../../shared/identity/principal.ts';
import type { Generation } from '../../../shared/storage/object.ts';
import { viewersNamed } from '../../support/records.ts';

const owner = 'org:889640782' as Principal;
const createdAt = new Date('2026-11-24T04:00:00.000Z');
const end = new Date('2026-12-24T04:00:00.000Z');
const content = { size: 1, sha256: 'a'.repeat(64) as Sha256, crc32c: 'AAAAAA==' };
const scan = { generation: '1' as Generation, scannedAt: createdAt };
const stored = {
  id: newFileId(owner),
  owner,
  viewers: viewersNamed('org:1'),
  createdAt,
  contentType: 'text/plain',
  fileName: 'name.txt',
  expiresAt: end,
};
const upload = { kind: 'tus', expiresAt: createdAt } as const;

describe('a time that a client sends', () => {
  for (const [text, instant] of [
    ['2026-12-31T23:59:59Z', '2026-12-31T23:59:59.000Z'],
    ['2026-12-31t23:59:59.25z', '2026-12-31T23:59:59.250Z'],
    ['2027-01-01T01:59:59+02:00', '2026-12-31T23:59:59.000Z'],
    ['2028-02-29T00:00:00-11:30', '2028-02-29T11:30:00.000Z'],
  ] as const) {
    it(`is read from ${text}`, () => assert.equal(parseInstant(text)?.toISOString(), instant));
  }

  for (const text of [
    '',
    '2026-12-31',
    '2026-12-31T23:59:59',
    '2026-12-31 23:59:59Z',
    '2026-12-31T23:59Z',
    '2026-12-31T24:00:00Z',
    '2026-12-31T23:59:60Z',
    '2026-02-30T00:00:00Z',
    '2027-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-12-31T23:59:59+0100',
    '1796083200',
    'tomorrow',
    ' 2026-12-31T23:59:59Z',
  ]) {
    it(`is none where it is "${text}"`, () => assert.equal(parseInstant(text), undefined));
  }

  it('is read back as it was written', () => {
    const dates = fc.date({
      noInvalidDate: true,
      min: new Date(0),
      max: new Date('9999-12-31T23:59:59.999Z'),
    });
    fc.assert(fc.property(dates, (at) => assert.deepEqual(parseInstant(at.toISOString()), at)));
  });
});

describe('an end', () => {
  const ahead = (years: number, ms = 0) => new Date(Date.UTC(2026 + years, 10, 24, 4) + ms);

  it('is in the future, and within a hundred years', () => {
    for (const [at, isPossible] of [
      [createdAt, false],
      [new Date(createdAt.getTime() - 1), false],
      [new Date(createdAt.getTime() + 1), true],
      [ahead(100), true],
      [ahead(100, 1), false],
    ] as const)
      assert.equal(isPossibleEnd(at, createdAt), isPossible, at.toISOString());
  });

  for (const record of [
    { ...stored, state: 'uploading', upload },
    { ...stored, state: 'pending', content },
    { ...stored, state: 'clean', content, scan },
    { ...stored, state: 'infected', content, scan, signature: 'Win.Test' },
    { ...stored, state: 'unscannable', content, scan, reason: 'encrypted', accepted: true },
    { ...stored, state: 'failed', content, failure: 'gaveUp', failedAt: createdAt },
  ] as const satisfies FileRecord[]) {
    it(`makes a file that is ${record.state} a deleted one, from that millisecond on`, () => {
      assert.equal(asOf(record, new Date(end.getTime() - 1)), record);
      const over = asOf(record, end);
      assert.ok(over.state === 'deleted' && hasExpired(over));
      assert.deepEqual([over.deletedAt, over.fileName, over.viewers], [end, undefined, stored.viewers]);
      assert.deepEqual(asOf(over, new Date('2099-01-01T00:00:00Z')), over);
    });
  }

  it('changes nothing of a file that was deleted before, or whose upload was given up', () => {
    const deleted = { ...stored, state: 'deleted', deletedAt: createdAt } as const;
    assert.equal(asOf(deleted, end), deleted);
    assert.equal(hasExpired(deleted), false);
    const expired = { ...stored, state: 'expired' } as const;
    assert.equal(asOf(expired, end), expired);
  });

  it('that is another is announced anew', () => {
    const announced: FileRecord = { ...stored, state: 'pending', expiringAnnounced: true };
    assert.equal(withEnd(announced, new Date(end)), announced);
    for (const other of [new Date(0), undefined]) {
      const { expiresAt, expiringAnnounced } = withEnd(announced, other);
      assert.deepEqual([expiresAt, expiringAnnounced], [other, undefined]);
    }
  });
});
