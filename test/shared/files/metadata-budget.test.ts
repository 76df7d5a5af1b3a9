import assert from 'node:assert/strict';
import { newFileId } from '../../../shared/files/file-id.ts';
import { fileMetadata } from '../../../shared/files/metadata.ts';
import { fitsMetadata } from '../../../shared/files/metadata-budget.ts';
import type { Content, FileRecord, PendingRecord, ScanResult, Sha256 } from '../../../shared/files/record.ts';
import { fileAfter } from '../../../shared/files/records.ts';
import type { Principal } from '../../../shared/identity/principal.ts';
import { type Generation, parseObject } from '../../../shared/storage/object.ts';
import { viewersNamed } from '../../support/records.ts';

const owner = `user:${'x'.repeat(128)}` as Principal;
const at = new Date('2026-11-24T04:00:00.000Z');
const content: Content = { size: 5 * 2 ** 40, sha256: 'a'.repeat(64) as Sha256, crc32c: 'AAAAAA==' };
const engine = { engine: '1.99.99-rc.1+build', database: 9_999_999_999, databaseDate: at.toISOString() };
const scan: ScanResult = { generation: '9'.repeat(19) as Generation, scannedAt: at, engine };
// The longest that a reply of clamd may name, each character of three bytes.
const LONGEST = '\u20ac'.repeat(512);

/** A record whose viewers are as many as may be granted. */
function full(uploaded: Partial<PendingRecord>): PendingRecord {
  const stored = { id: newFileId(owner), owner, createdAt: at, contentType: `text/${'x'.repeat(250)}` };
  let record: PendingRecord = { ...stored, ...uploaded, state: 'pending', viewers: [] };
  for (let serial = 0; ; serial++) {
    const next = { ...record, viewers: [...record.viewers, ...viewersNamed(`org:${serial}`)] };
    if (!fitsMetadata(fileMetadata(next))) return record;
    record = next;
  }
}

/** Bytes of what its file says once it is written as `later`. */
function bytesOf(record: PendingRecord, later: FileRecord): number {
  const object = parseObject({
    ...{ bucket: 'permanent', name: `files/${record.id}`, size: '0', crc32c: 'AAAAAA==' },
    ...{ generation: '1', metageneration: '1', timeCreated: at.toISOString() },
    metadata: fileMetadata(record),
  });
  const read = { record: later.state === 'deleted' ? record : later, object };
  return Object.entries(fileAfter(read, later))
    .flat()
    .reduce((sum, text) => sum + Buffer.byteLength(text), 0);
}

describe('a record that is as full as grants can make it', () => {
  for (const [what, uploaded] of [
    ['with its digests', { content, fileName: '\u20ac'.repeat(170) }],
    ['without its digests', { fileName: '\u20ac'.repeat(170) }],
    ['without a name', {}],
  ] as const) {
    const record = full(uploaded);
    const { state: _, ...stored } = { ...record, content };
    const lease = { holder: '0'.repeat(36), until: at };
    const ends = { expiresAt: at, expiringAnnounced: true } as const;
    const noted = { referenced: true, unreferencedSince: at, ...ends } as const;
    for (const later of [
      { ...stored, ...noted, state: 'pending', lease, redriven: { times: 1e6, at } },
      { ...stored, ...noted, state: 'clean', scan },
      { ...stored, ...noted, state: 'infected', scan, signature: LONGEST },
      {
        ...stored,
        ...noted,
        state: 'unscannable',
        scan,
        reason: 'limitExceeded',
        detail: LONGEST,
        accepted: false,
      },
      { ...stored, ...noted, state: 'failed', failure: 'contentMismatch', failedAt: at, announced: true },
      { ...stored, ...noted, state: 'deleted', deletedAt: at, announced: true },
    ] as const satisfies FileRecord[]) {
      it(`${what} has room to become ${later.state}`, () => {
        assert.ok(record.viewers.length > 100, `only ${record.viewers.length} viewers`);
        const bytes = bytesOf(record, later);
        assert.ok(bytes <= 8192, `${bytes} bytes`);
      });
    }
  }
});
