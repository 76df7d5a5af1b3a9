import assert from 'node:assert/strict';
import { Bucket } from '../../../shared/storage/bucket.ts';
import { connectStorage } from '../../../shared/storage/connect.ts';
import { deleteUnlessHeld, isKept } from '../../../shared/storage/delete-unless-held.ts';
import { StorageError } from '../../../shared/storage/error.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';
import { BUCKET, EmulatorFixture, objectPath } from '../../infra/emulators/storage/emulator-fixture.ts';
import { FAST_RETRY } from './streams.ts';

describe('the release of an object', () => {
  const fixture = new EmulatorFixture();
  let bucket: Bucket;
  before(() => {
    bucket = new Bucket(connectStorage(fixture.url), BUCKET, { retry: FAST_RETRY, paced: true });
  });
  afterEach(async () => {
    fixture.emulator.faults.clear();
    await patch(`/storage/v1/b/${BUCKET}`, { retentionPolicy: null });
  });

  async function patch(path: string, json: unknown): Promise<void> {
    (await fixture.call('PATCH', path, { json })).ok();
  }
  async function inserted(name: string): Promise<StoredObject> {
    const object = await bucket.insertEmpty(name, { contentType: 'text/plain' });
    assert.ok(object);
    return object;
  }

  it('deletes it as it was read, and is content where it is gone', async () => {
    const object = await inserted('gone');
    assert.equal(await deleteUnlessHeld(bucket, object), 'deleted');
    assert.equal(await deleteUnlessHeld(bucket, object), 'deleted');
    assert.equal(await bucket.stat('gone'), undefined);
  });

  it('leaves it where it is not what was read', async () => {
    const object = await inserted('changed');
    await bucket.patch('changed', object, { some: 'thing' });
    assert.equal(await deleteUnlessHeld(bucket, object), 'changed');
    assert.ok(await bucket.stat('changed'));
  });

  it('is refused by a retention policy, which can be seen of the object', async () => {
    await patch(`/storage/v1/b/${BUCKET}`, { retentionPolicy: { retentionPeriod: '1000' } });
    const object = await inserted('retained');
    assert.equal(await deleteUnlessHeld(bucket, object), 'kept');
    const expires = new Date(object.timeCreated.getTime() + 1_000_000);
    assert.deepEqual(object.retentionExpirationTime, expires);
    assert.ok(isKept(object, object.timeCreated));
    assert.ok(!isKept(object, expires));
  });

  for (const hold of ['temporaryHold', 'eventBasedHold']) {
    it(`is refused by a ${hold}, for as long as it lasts`, async () => {
      await inserted(hold);
      await patch(objectPath(hold), { [hold]: true });
      const held = await bucket.stat(hold);
      assert.ok(held);
      assert.ok(isKept(held, new Date()));
      assert.equal(await deleteUnlessHeld(bucket, held), 'kept');
      await patch(objectPath(hold), { [hold]: false });
      const free = await bucket.stat(hold);
      assert.ok(free && !isKept(free, new Date()));
      assert.equal(await deleteUnlessHeld(bucket, free), 'deleted');
    });
  }

  it('takes no other refusal for that', async () => {
    const object = await inserted('forbidden');
    const effect = { kind: 'error', status: 403, reason: 'forbidden' } as const;
    fixture.emulator.faults.add({ operation: 'objects.delete', effect });
    await assert.rejects(deleteUnlessHeld(bucket, object), StorageError);
  });

  it('may begin with a listing of a range of names', async () => {
    for (const name of ['r/1', 'r/2', 'r/3', 'r/4']) await inserted(name);
    const { objects } = await bucket.list({
      prefix: 'r/',
      startOffset: 'r/2',
      endOffset: 'r/4',
      maxResults: 10,
    });
    assert.deepEqual(
      objects.map(({ name }) => name),
      ['r/2', 'r/3'],
    );
  });
});
