import assert from 'node:assert/strict';
import { CollectFixture, HOUR } from './collect-fixture.ts';
import { DAY } from './fixture.ts';
import type { Hook, Operation } from './hooked-bucket.ts';

const isBlob = (name: string) => name.startsWith('blobs/');

/** Once, before an operation on a blob, something else comes in between. */
function interrupted(
  at: Operation,
  meanwhile: () => Promise<unknown>,
): { hook: Hook; struck: () => boolean } {
  let struck = false;
  const hook: Hook = async (operation, name, run) => {
    if (operation === at && isBlob(name) && !struck) {
      struck = true;
      await meanwhile();
    }
    return run();
  };
  return { hook, struck: () => struck };
}

describe('an upload of a content that is being collected', () => {
  const fixture = new CollectFixture();
  const BYTES = 'the same content';

  /** A blob that no file uses any more, and that the next collection deletes. */
  beforeEach(async () => {
    await fixture.remove(await fixture.clean(BYTES));
    await fixture.collect();
    fixture.now += 2 * DAY;
  });

  /** Invariants at the end, in any order of the two; a file that becomes garbage is still collected. */
  async function isWhole(id: Parameters<CollectFixture['state']>[0]): Promise<void> {
    assert.equal(await fixture.state(id), 'clean');
    assert.deepEqual(await fixture.broken(), []);
    await fixture.collect();
    fixture.now += 2 * DAY;
    await fixture.collect();
    assert.ok(await fixture.blob(BYTES));
    await fixture.remove(id);
    await fixture.collect();
    await fixture.collect();
    assert.deepEqual(await fixture.blobs(), []);
    assert.deepEqual(await fixture.names('collect/'), []);
  }

  it('keeps the blob where the finder says first that it needs it', async () => {
    let found: Awaited<ReturnType<typeof fixture.upload>> | undefined;
    const { operations } = fixture.storage.emulator;
    const late = interrupted('delete', async () => {
      found = await fixture.upload(BYTES);
      operations.reset();
      await fixture.scan(found.object);
      assert.equal(operations.of('objects.rewrite').calls, 0, 'the blob was relied on');
      assert.equal(operations.of('objects.patch').calls, 1, 'the mark');
    });
    const { blobs } = await fixture.collect(fixture.actor(late.hook));
    assert.deepEqual([late.struck(), blobs], [true, { changed: 1 }]);
    assert.ok(found);
    await isWhole(found.record.id);
  });

  it('scans and promotes it anew where the collector deletes it before the finder has said so', async () => {
    let found: Awaited<ReturnType<typeof fixture.upload>> | undefined;
    const { operations } = fixture.storage.emulator;
    const deleted = Promise.withResolvers<void>();
    const marking = Promise.withResolvers<void>();
    let scanned: Promise<unknown> | undefined;
    const finder = interrupted('patch', async () => {
      marking.resolve();
      await deleted.promise;
    });
    const collector = interrupted('delete', async () => {
      found = await fixture.upload(BYTES);
      operations.reset();
      scanned = fixture.scan(found.object, fixture.actor(finder.hook));
      await marking.promise;
    });
    const { blobs } = await fixture.collect(fixture.actor(collector.hook));
    assert.deepEqual(blobs, { deleted: 1 });
    assert.equal(await fixture.blob(BYTES), undefined);
    deleted.resolve();
    await scanned;
    assert.ok(finder.struck() && found);
    assert.equal(operations.of('objects.getMedia').calls, 1, 'scanned');
    assert.equal(operations.of('objects.rewrite').calls, 1, 'promoted');
    await isWhole(found.record.id);
  });

  for (const at of ['stat', 'patch'] as const) {
    it(`promotes it anew where it is collected between the promotion and its ${at}`, async () => {
      let found: Awaited<ReturnType<typeof fixture.upload>> | undefined;
      const { operations } = fixture.storage.emulator;
      const deleted = Promise.withResolvers<void>();
      const promoting = Promise.withResolvers<void>();
      let scanned: Promise<unknown> | undefined;
      let rewritten = false;
      const hook: Hook = async (operation, name, run) => {
        if (operation === at && isBlob(name) && rewritten) {
          promoting.resolve();
          await deleted.promise;
        }
        const result = await run();
        if (operation === 'rewrite' && isBlob(name)) rewritten = true;
        return result;
      };
      const collector = interrupted('delete', async () => {
        found = await fixture.upload(BYTES);
        operations.reset();
        // No earlier verdict answers for it: it is scanned, and then promoted to where the blob is.
        scanned = fixture.scan(found.object, fixture.actor(hook), { verdictMaxAgeMs: -1 });
        await promoting.promise;
      });
      assert.deepEqual((await fixture.collect(fixture.actor(collector.hook))).blobs, { deleted: 1 });
      deleted.resolve();
      await scanned;
      assert.equal(operations.of('objects.rewrite').calls, 2);
      assert.ok(found);
      await isWhole(found.record.id);
    });
  }

  it('keeps the blob where a promotion finds it and says first that it needs it', async () => {
    let found: Awaited<ReturnType<typeof fixture.upload>> | undefined;
    const late = interrupted('delete', async () => {
      found = await fixture.upload(BYTES);
      await fixture.scan(found.object, fixture.actor(), { verdictMaxAgeMs: -1 });
    });
    assert.deepEqual((await fixture.collect(fixture.actor(late.hook))).blobs, { changed: 1 });
    assert.ok(found);
    await isWhole(found.record.id);
  });

  it('keeps it where the upload came before the collection asked, though its scan stands still for days', async () => {
    const found = await fixture.upload(BYTES);
    let blobs: unknown;
    // Its mark is young when it looks, and then everything comes to pass before it writes its verdict.
    const slow = fixture.actor(async (operation, name, run) => {
      if (operation === 'insert' && name.startsWith('verdicts/')) {
        fixture.now += 3 * DAY;
        ({ blobs } = await fixture.collect());
      }
      return run();
    });
    await fixture.scan(found.object, slow);
    assert.deepEqual(blobs, {});
    await isWhole(found.record.id);
  });

  it('needs no write to say so again within the hour', async () => {
    const first = await fixture.upload(BYTES);
    await fixture.scan(first.object);
    fixture.now += HOUR / 2;
    const second = await fixture.upload(BYTES);
    const { operations } = fixture.storage.emulator;
    operations.reset();
    await fixture.scan(second.object);
    const calls = (['objects.get', 'objects.patch', 'objects.rewrite'] as const).map(
      (operation) => operations.of(operation).calls,
    );
    assert.deepEqual(calls, [5, 0, 0], 'record, verdict, blob and findings are read, nothing is patched');
    await fixture.remove(first.record.id);
    await isWhole(second.record.id);
  });

  it('marks a blob of before there were marks by when it was made', async () => {
    const blob = await fixture.blob(BYTES);
    assert.ok(blob);
    await fixture.sweeper.permanent.patch(blob.name, blob, { usedAt: null });
    const found = await fixture.upload(BYTES);
    await fixture.scan(found.object);
    assert.equal((await fixture.blob(BYTES))?.metadata['usedAt'], new Date(fixture.now).toISOString());
    await isWhole(found.record.id);
  });
});
