import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Bucket } from '../../../shared/storage/bucket.ts';
import { connectStorage } from '../../../shared/storage/connect.ts';
import { StorageError } from '../../../shared/storage/error.ts';
import type { Generation, Metageneration, StoredObject } from '../../../shared/storage/object.ts';
import { BUCKET, EmulatorFixture } from '../../infra/local/storage/emulator-fixture.ts';
import { CHUNK, collect, FAST_RETRY, piecesOf } from './streams.ts';

describe('a bucket over HTTP', () => {
  const fixture = new EmulatorFixture({ buckets: [BUCKET, 'other'] });
  let bucket: Bucket;
  let other: Bucket;
  before(() => {
    const storage = connectStorage(fixture.url);
    const options = { retry: FAST_RETRY, timeoutMs: 2_000, chunkBytes: CHUNK };
    bucket = new Bucket(storage, BUCKET, options);
    other = new Bucket(storage, 'other', options);
  });
  afterEach(() => fixture.emulator.faults.clear());

  let serial = 0;
  const fresh = () => `object-${serial++}`;
  async function put(bytes: Buffer, name = fresh()): Promise<StoredObject> {
    const staged = await bucket.stage(name, piecesOf(bytes), { contentType: 'text/plain' });
    return staged.commit();
  }
  const read = (object: StoredObject, start = 0, end = object.size - 1) =>
    bucket.read(object.name, { generation: object.generation, range: { start, end } });
  const bytesOf = async (object: StoredObject, start?: number, end?: number) => {
    const body = await read(object, start, end);
    assert.ok(body);
    return collect(body);
  };

  describe('insert', () => {
    for (const size of [0, 1, 1000, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 77]) {
      it(`stores ${size} bytes as they are, from pieces of any size`, async () => {
        const bytes = randomBytes(size);
        const object = await put(bytes);
        assert.equal(object.size, size);
        assert.equal(object.metageneration, '1');
        assert.ok((await bytesOf(object)).equals(bytes));
      });
    }

    it('is no object before its commit, and none after a discard', async () => {
      for (const size of [10, 3 * CHUNK]) {
        const name = fresh();
        const staged = await bucket.stage(name, piecesOf(randomBytes(size)), { contentType: 'text/plain' });
        assert.equal(await bucket.stat(name), undefined);
        await staged.discard();
        assert.equal(await bucket.stat(name), undefined);
      }
    });

    it('leaves nothing, not even a session, of a source that throws', async () => {
      const name = fresh();
      async function* broken() {
        yield randomBytes(3 * CHUNK);
        throw new Error('cut');
      }
      await assert.rejects(bucket.stage(name, broken(), { contentType: 'text/plain' }), /cut/);
      assert.equal(await bucket.stat(name), undefined);
      assert.ok((fixture.emulator.operations.of('resumable.cancel').calls ?? 0) > 0);
    });

    it('does not overwrite', async () => {
      const object = await put(Buffer.from('first'));
      await assert.rejects(
        put(Buffer.from('second'), object.name),
        (error: StorageError) => error instanceof StorageError && error.status === 412,
      );
      assert.equal((await bytesOf(object)).toString(), 'first');
      assert.equal(await bucket.insertEmpty(object.name, { contentType: 'text/plain' }), undefined);
    });

    it('keeps any name apart and whole', async () => {
      for (const name of ['a/b c?d=e&f#g', '%2e%2e/..', 'røntgen/日本', 'a+b', `${'x'.repeat(900)}`]) {
        const object = await put(Buffer.from(name), name);
        assert.equal(object.name, name);
        assert.equal((await bytesOf(object)).toString(), name);
      }
    });
  });

  describe('read', () => {
    it('gives exactly a range', async () => {
      const bytes = randomBytes(5000);
      const object = await put(bytes);
      assert.ok((await bytesOf(object, 10, 19)).equals(bytes.subarray(10, 20)));
      assert.ok((await bytesOf(object, 4999, 4999)).equals(bytes.subarray(4999)));
      assert.equal((await bytesOf(object, 0, -1)).length, 0);
    });

    it('says that a generation is gone, though another has its name', async () => {
      const object = await put(Buffer.from('old'));
      await bucket.delete(object.name, object);
      assert.equal(await read(object), undefined);
      await put(Buffer.from('new'), object.name);
      assert.equal(await read(object), undefined);
    });

    it('stops on abort', async () => {
      const object = await put(randomBytes(3 * CHUNK));
      fixture.emulator.faults.add({ operation: 'objects.getMedia', effect: { kind: 'stall' } });
      const stop = new AbortController();
      const options = { generation: object.generation, range: { start: 0, end: 10 }, signal: stop.signal };
      const reading = bucket.read(object.name, options);
      setImmediate(() => stop.abort());
      await assert.rejects(reading);
    });
  });

  describe('metadata', () => {
    it('is inserted once, patched by compare-and-swap, and read back', async () => {
      const name = fresh();
      const metadata = { state: 'pending', Ünï: 'çødé €' };
      const inserted = await bucket.insertEmpty(name, { contentType: 'text/plain', metadata });
      assert.ok(inserted);
      assert.deepEqual(inserted.metadata, metadata);
      const patched = await bucket.patch(name, inserted, { state: 'clean', Ünï: null });
      assert.deepEqual(patched?.metadata, { state: 'clean' });
      assert.equal(await bucket.patch(name, inserted, { state: 'infected' }), undefined);
      assert.deepEqual((await bucket.stat(name))?.metadata, { state: 'clean' });
    });

    it('has one winner among many writers', async () => {
      const name = fresh();
      const inserted = await bucket.insertEmpty(name, { contentType: 'text/plain' });
      assert.ok(inserted);
      const writers = Array.from({ length: 20 }, (_, i) => bucket.patch(name, inserted, { by: String(i) }));
      const won = (await Promise.all(writers)).filter((result) => result !== undefined);
      assert.equal(won.length, 1);
      assert.deepEqual((await bucket.stat(name))?.metadata, won[0]?.metadata);
    });

    it('of what does not exist is nothing', async () => {
      assert.equal(await bucket.stat('none'), undefined);
      const version = { generation: '1' as Generation, metageneration: '1' as Metageneration };
      assert.equal(await bucket.patch('none', version, { a: 'b' }), undefined);
    });
  });

  describe('rewrite', () => {
    it('copies one generation to another bucket, with metadata of its own', async () => {
      const bytes = randomBytes(5000);
      const source = await put(bytes);
      const target = { bucket: other, name: fresh(), contentType: 'application/x', metadata: { k: 'v' } };
      const copy = await bucket.rewrite(source, target);
      assert.ok(typeof copy === 'object');
      assert.deepEqual([copy.crc32c, copy.size, copy.contentType], [source.crc32c, 5000, 'application/x']);
      assert.deepEqual(copy.metadata, { k: 'v' });
      assert.equal(await bucket.rewrite(source, target), 'targetExists');
    });

    it('says that the source is gone', async () => {
      const source = await put(Buffer.from('x'));
      await bucket.delete(source.name, source);
      const target = { bucket: other, name: fresh(), contentType: 'text/plain' };
      assert.equal(await bucket.rewrite(source, target), 'sourceGone');
    });
  });

  describe('delete', () => {
    it('takes one generation, and is content where it is gone', async () => {
      const object = await put(Buffer.from('x'));
      assert.equal(await bucket.delete(object.name, object), true);
      assert.equal(await bucket.delete(object.name, object), true);
      assert.equal(await bucket.stat(object.name), undefined);
    });

    it('leaves what was patched meanwhile', async () => {
      const object = await put(Buffer.from('x'));
      await bucket.patch(object.name, object, { used: 'again' });
      assert.equal(await bucket.delete(object.name, object), false);
      assert.ok(await bucket.stat(object.name));
    });
  });

  it('lists in pages, in order, by prefix', async () => {
    const names = Array.from({ length: 25 }, (_, i) => `list/${String(i).padStart(3, '0')}`);
    await Promise.all(names.map((name) => bucket.insertEmpty(name, { contentType: 'text/plain' })));
    const found: string[] = [];
    let pageToken: string | undefined;
    let pages = 0;
    do {
      const page = await bucket.list({ prefix: 'list/', maxResults: 10, pageToken });
      found.push(...page.objects.map((object) => object.name));
      pageToken = page.nextPageToken;
      pages++;
    } while (pageToken);
    assert.deepEqual(found, names);
    assert.equal(pages, 3);
  });
});
