import assert from 'node:assert/strict';
import { grant, revoke } from '../../../functions/files/share.ts';
import { Records } from '../../../shared/files/records.ts';
import { RecordWriter } from '../../../shared/files/recordWriter.ts';
import { versionTag } from '../../../shared/http/ifMatch.ts';
import type { Principal } from '../../../shared/identity/principal.ts';
import { Bucket } from '../../../shared/storage/bucket.ts';
import { connectStorage } from '../../../shared/storage/connect.ts';
import { FAST_RETRY } from '../../shared/storage/streams.ts';
import { RecordsFixture } from './fixture.ts';

describe('sharing on a version', () => {
  const fixture = new RecordsFixture();
  const [viewer, other] = ['org:1' as Principal, 'org:2' as Principal];

  it('is done where it was written, the answer was lost, and somebody else wrote before the next try', async () => {
    const id = await fixture.clean();
    const { records, writer } = fixture.instance();
    const pause = async () => void (await grant(writer, { id, viewer: other, ifMatch: undefined }));
    const retry = { ...FAST_RETRY, pause };
    const bucket = new Bucket(connectStorage(fixture.storage.url), 'permanent', { retry });
    const unlucky = new RecordWriter(new Records(bucket), FAST_RETRY);
    const effect = { kind: 'reset', when: 'after' } as const;
    for (const change of [grant, revoke]) {
      const read = (await records.get(id)) ?? assert.fail();
      fixture.storage.emulator.faults.add({ operation: 'objects.patch', nth: 1, effect });
      await change(unlucky, { id, viewer, ifMatch: [versionTag(read.object)] });
      fixture.storage.emulator.faults.clear();
      const sees = (await records.get(id))?.record.viewers.includes(viewer);
      assert.equal(sees, change === grant);
      await revoke(writer, { id, viewer: other, ifMatch: undefined });
    }
  });

  it('is refused where somebody else wrote before', async () => {
    const id = await fixture.clean();
    const { records, writer } = fixture.instance();
    const read = (await records.get(id)) ?? assert.fail();
    await grant(writer, { id, viewer: other, ifMatch: undefined });
    const stale = { id, viewer, ifMatch: [versionTag(read.object)] as [string] };
    await assert.rejects(grant(writer, stale), { type: 'precondition-failed' });
  });
});
