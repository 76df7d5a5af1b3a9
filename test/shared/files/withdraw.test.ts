import assert from 'node:assert/strict';
import { toDeleted } from '../../../shared/files/ends.ts';
import { newFileId } from '../../../shared/files/file-id.ts';
import { fileMetadata, fromMetadata } from '../../../shared/files/metadata.ts';
import type { Content, FileRecord, ScanResult, Sha256 } from '../../../shared/files/record.ts';
import type { Principal } from '../../../shared/identity/principal.ts';
import type { Generation } from '../../../shared/storage/object.ts';
import { viewersNamed } from '../../support/records.ts';

const owner = 'org:889640782' as Principal;
const at = new Date('2026-11-24T04:00:00.000Z');
const later = new Date('2026-11-24T05:00:00.000Z');
const content: Content = { size: 1, sha256: 'a'.repeat(64) as Sha256, crc32c: 'AAAAAA==' };
const scan: ScanResult = { generation: '1' as Generation, scannedAt: at };
const stored = {
  id: newFileId(owner),
  owner,
  viewers: viewersNamed('org:1'),
  createdAt: at,
  contentType: 'text/plain',
  unreferencedSince: at,
  content,
};

describe('a file that is deleted', () => {
  for (const record of [
    { ...stored, state: 'pending', lease: { holder: 'x', until: at }, redriven: { times: 1, at } },
    { ...stored, state: 'clean', scan },
    { ...stored, state: 'infected', scan, signature: 'Eicar' },
    { ...stored, state: 'unscannable', scan, reason: 'tooLarge', detail: 'why', accepted: true },
    { ...stored, state: 'failed', failure: 'gaveUp', failedAt: at, announced: true },
    { ...stored, state: 'expired' },
    { ...stored, state: 'deleted', deletedAt: at, announced: true },
  ] as const satisfies FileRecord[]) {
    it(`while it is ${record.state} keeps its content and who could see it, not its name nor what was announced`, () => {
      const deleted = toDeleted({ ...record, fileName: 'a.txt' }, later);
      assert.deepEqual(deleted, { ...stored, state: 'deleted', deletedAt: later });
      assert.deepEqual(fromMetadata(record.id, fileMetadata(deleted)), deleted);
    });
  }
});
