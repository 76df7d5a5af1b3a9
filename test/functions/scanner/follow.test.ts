import assert from 'node:assert/strict';
import { followed } from '../../../functions/scanner/follow.ts';
import { newFileId } from '../../../shared/files/fileId.ts';
import type { PendingRecord } from '../../../shared/files/record.ts';
import type { Principal } from '../../../shared/identity/principal.ts';
import { RecordsFixture } from '../files/fixture.ts';

describe('a record that somebody wrote while its file was scanned', () => {
  const fixture = new RecordsFixture();
  const owner = 'org:889640782' as Principal;

  for (const [what, waits, change] of [
    ['by its owner', true, { viewers: ['org:1' as Principal] }],
    ['by who redrove it, after it had failed', false, { redriven: { times: 1, at: new Date(2_000) } }],
  ] as const) {
    it(`${what}: ${waits ? 'waits for this scan' : 'waits for another'}`, async () => {
      const { records } = fixture.instance();
      const read = await records.insert<PendingRecord>({
        id: newFileId(owner),
        owner,
        viewers: [],
        createdAt: new Date(0),
        contentType: 'text/plain',
        state: 'pending',
        claims: { size: 1 },
        redriven: { times: 1, at: new Date(1_000) },
      });
      await records.replace(read, { ...read.record, ...change });
      assert.equal((await followed(records, read)) !== undefined, waits);
    });
  }
});
