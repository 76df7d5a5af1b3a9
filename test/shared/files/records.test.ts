import assert from 'node:assert/strict';
import { Records } from '../../../shared/files/records.ts';
import { Bucket } from '../../../shared/storage/bucket.ts';
import { connectStorage } from '../../../shared/storage/connect.ts';
import { RecordsFixture } from '../../functions/files/fixture.ts';
import { viewersNamed } from '../../support/records.ts';
import { FAST_RETRY } from '../storage/streams.ts';

describe('a record', () => {
  const fixture = new RecordsFixture();

  it("is not taken for written where somebody else's write has all that ours has, and a viewer beside", async () => {
    const id = await fixture.clean();
    const { records } = fixture.instance();
    const read = (await records.get(id)) ?? assert.fail();
    const viewers = viewersNamed('org:1');
    const pause = async () => void (await records.replace(read, { ...read.record, viewers }));
    const bucket = new Bucket(connectStorage(fixture.storage.url), 'permanent', {
      retry: { ...FAST_RETRY, pause },
    });
    const effect = { kind: 'error', status: 503 } as const;
    fixture.storage.emulator.faults.add({ operation: 'objects.patch', nth: 1, effect });
    // The very same record: nothing tells it from a write that took effect but what is there beside.
    assert.equal(await new Records(bucket).replace(read, read.record), undefined);
    assert.deepEqual((await records.get(id))?.record.viewers, viewers);
  });

  it('is none where there is a verdict and no file, for readers and in listings', async () => {
    const { records } = fixture.instance();
    const { objects: before } = await records.list({ prefix: 'files/', maxResults: 1000 });
    const others = before.map((entry) => records.parse(entry)?.record.id);
    const ids = [await fixture.clean(), await fixture.clean(), await fixture.clean()];
    const [lone = assert.fail()] = ids;
    const read = (await records.get(lone)) ?? assert.fail();
    await fixture.bucket().delete(read.object.name, read.object);
    assert.ok(read.verdict && (await fixture.bucket().stat(read.verdict.name)), 'its verdict is there');
    assert.equal(await records.get(lone), undefined);
    const { objects } = await records.list({ prefix: 'files/', maxResults: 1000 });
    const found = objects.map((entry) => records.parse(entry)?.record);
    assert.deepEqual(new Set(found.map((record) => record?.id)), new Set([...ids.slice(1), ...others]));
    assert.ok(found.every((record) => record?.state === 'clean'));
  });
});
