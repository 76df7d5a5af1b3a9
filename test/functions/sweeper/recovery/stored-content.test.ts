import assert from 'node:assert/strict';
import { storedContent } from '../../../../functions/sweeper/recovery/stored-content.ts';
import { Blobs } from '../../../../shared/files/blobs.ts';
import { isReadable } from '../../../../shared/files/readable.ts';
import { CollectFixture } from '../collect-fixture.ts';
import { DAY } from '../fixture.ts';

describe('the stored content of a file', () => {
  const fixture = new CollectFixture();

  it('is given up after five conflicts with a blob that keeps changing, unless it is only read', async () => {
    const { record } = await fixture.read(await fixture.clean('content'));
    assert.ok(isReadable(record));
    fixture.now += DAY;
    const { permanent, now } = fixture.sweeper;
    const blobs = new Blobs(permanent, { deduplicate: fixture.deduplicate, now });
    const { operations, faults } = fixture.storage.emulator;
    operations.reset();
    faults.add({ operation: 'objects.patch', effect: { kind: 'error', status: 412 } });
    const message = `blob ${record.content.sha256} keeps changing`;
    await assert.rejects(storedContent(blobs, record, { use: true }), { message });
    assert.equal(operations.of('objects.patch').calls, 5);
    assert.equal((await storedContent(blobs, record, { use: false }))?.size, record.content.size);
    faults.clear();
    assert.ok(await storedContent(blobs, record, { use: true }));
  });
});
