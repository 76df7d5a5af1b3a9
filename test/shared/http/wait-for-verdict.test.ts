import assert from 'node:assert/strict';
import { newFileId } from '../../../shared/files/file-id.ts';
import type { PendingRecord } from '../../../shared/files/record.ts';
import { Records } from '../../../shared/files/records.ts';
import { Problem } from '../../../shared/http/problems.ts';
import { waitForVerdict } from '../../../shared/http/wait-for-verdict.ts';
import type { Principal } from '../../../shared/identity/principal.ts';
import { Bucket } from '../../../shared/storage/bucket.ts';
import { connectStorage } from '../../../shared/storage/connect.ts';
import { EmulatorFixture } from '../../infra/emulators/storage/emulator-fixture.ts';

describe('waiting for a verdict', () => {
  const storage = new EmulatorFixture({ buckets: ['permanent'] });
  const { signal } = new AbortController();

  async function waiting(): Promise<{ bucket: Bucket; records: Records; record: PendingRecord }> {
    const bucket = new Bucket(connectStorage(storage.url), 'permanent');
    const records = new Records(bucket);
    const owner = 'org:889640782' as Principal;
    const common = { owner, viewers: [], createdAt: new Date(), contentType: 'text/plain' };
    const { record } = await records.insert<PendingRecord>({
      ...common,
      id: newFileId(owner),
      state: 'pending',
      claims: { size: 1 },
    });
    return { bucket, records, record };
  }

  it('ends with what the record says when the time is over', async () => {
    const { records, record } = await waiting();
    assert.equal((await waitForVerdict(records, record, 0.15, signal)).state, 'pending');
  });

  it('is told that there is no such file where the record is purged meanwhile', async () => {
    const { bucket, records, record } = await waiting();
    const waited = waitForVerdict(records, record, 30, signal);
    const object = (await records.get(record.id))?.object ?? assert.fail();
    await bucket.delete(object.name, object);
    await assert.rejects(waited, (error) => error instanceof Problem && error.type === 'not-found');
  });
});
