import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Bucket } from '../../../shared/storage/bucket.ts';
import { StorageError } from '../../../shared/storage/error.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';
import { CHUNK, collect, piecesOf } from '../../shared/storage/streams.ts';
import type { Cases } from '../cases.ts';
import type { StorageSubject } from './subject.ts';

const TEXT = { contentType: 'text/plain' };
const MEBIBYTE = 1024 * 1024;

export async function store(
  subject: StorageSubject,
  bytes: Buffer,
  name = subject.fresh(),
): Promise<StoredObject> {
  const staged = await subject.bucket.stage(name, piecesOf(bytes), TEXT);
  return staged.commit();
}

const read = (
  { bucket }: Pick<StorageSubject, 'bucket'>,
  object: StoredObject,
  start = 0,
  end = object.size - 1,
) => bucket.read(object.name, { generation: object.generation, range: { start, end } });

export async function bytesOf(
  subject: Pick<StorageSubject, 'bucket'>,
  object: StoredObject,
  start?: number,
  end?: number,
) {
  const body = await read(subject, object, start, end);
  assert.ok(body);
  return collect(body);
}

/** The service's client stores and reads: every method of `Bucket` that moves bytes. */
export function clientMovesBytes(cases: Cases<StorageSubject>): void {
  for (const size of [0, 1, 1000, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 77]) {
    cases(`client: stores ${size} bytes as they are, from pieces of any size`, async (subject) => {
      const bytes = randomBytes(size);
      const object = await store(subject, bytes);
      assert.equal(object.size, size);
      assert.equal(object.metageneration, '1');
      assert.ok((await bytesOf(subject, object)).equals(bytes));
    });
  }

  cases('client: stores bytes that are sent while they arrive', async (subject) => {
    const bytes = randomBytes(2 * MEBIBYTE + 3);
    const bucket = new Bucket(subject.transport, subject.bucketName, { chunkBytes: 4 * MEBIBYTE });
    const options = { ...TEXT, size: bytes.length };
    const staged = await bucket.stage(subject.fresh(), piecesOf(bytes), options);
    const object = await staged.commit();
    assert.equal(object.size, bytes.length);
    assert.ok((await bytesOf(subject, object)).equals(bytes));
  });

  cases('client: has no object before the commit, and none after a discard', async (subject) => {
    for (const size of [10, 3 * CHUNK]) {
      const name = subject.fresh();
      const staged = await subject.bucket.stage(name, piecesOf(randomBytes(size)), TEXT);
      assert.equal(await subject.bucket.stat(name), undefined);
      await staged.discard();
      assert.equal(await subject.bucket.stat(name), undefined);
    }
  });

  cases('client: leaves no object of a source that throws', async (subject) => {
    const name = subject.fresh();
    async function* broken() {
      yield randomBytes(3 * CHUNK);
      throw new Error('cut');
    }
    await assert.rejects(subject.bucket.stage(name, broken(), TEXT), /cut/);
    assert.equal(await subject.bucket.stat(name), undefined);
  });

  cases('client: does not overwrite, in one request or in chunks', async (subject) => {
    const object = await store(subject, Buffer.from('first'));
    for (const bytes of [Buffer.from('second'), randomBytes(2 * CHUNK)]) {
      await assert.rejects(
        store(subject, bytes, object.name),
        (error) => error instanceof StorageError && error.status === 412,
      );
    }
    assert.equal((await bytesOf(subject, object)).toString(), 'first');
    assert.equal(await subject.bucket.insertEmpty(object.name, TEXT), undefined);
  });

  cases('client: keeps names with reserved and non-ASCII characters apart', async (subject) => {
    for (const name of ['a/b c?d=e&f#g', '%2e%2e/..', 'røntgen/日本', 'a+b', 'x'.repeat(900)]) {
      const object = await store(subject, Buffer.from(name), subject.name(name));
      assert.equal(object.name, subject.name(name));
      assert.equal((await bytesOf(subject, object)).toString(), name);
    }
  });

  cases('client: opens a session for another sender, who needs no credentials', async (subject) => {
    const name = subject.fresh();
    const bytes = randomBytes(CHUNK + 5);
    const uri = await subject.bucket.openSession(name, { ...TEXT, size: bytes.length });
    const sent = await fetch(uri, { method: 'PUT', body: bytes });
    assert.equal(sent.status, 200);
    await sent.arrayBuffer();
    const object = await subject.bucket.stat(name);
    assert.ok(object);
    assert.ok((await bytesOf(subject, object)).equals(bytes));
    await subject.bucket.cancelSession(uri);
  });

  cases('client: cancels a session, also one that is gone', async (subject) => {
    const name = subject.fresh();
    const uri = await subject.bucket.openSession(name, { ...TEXT, size: 10 });
    await subject.bucket.cancelSession(uri);
    await subject.bucket.cancelSession(uri);
    const sent = await fetch(uri, { method: 'PUT', body: randomBytes(10) });
    await sent.arrayBuffer();
    assert.ok(sent.status >= 400, `${sent.status}`);
    assert.equal(await subject.bucket.stat(name), undefined);
  });

  cases('client: reads exactly a range', async (subject) => {
    const bytes = randomBytes(5000);
    const object = await store(subject, bytes);
    assert.ok((await bytesOf(subject, object, 10, 19)).equals(bytes.subarray(10, 20)));
    assert.ok((await bytesOf(subject, object, 4999, 4999)).equals(bytes.subarray(4999)));
    assert.equal((await bytesOf(subject, object, 0, -1)).length, 0);
  });

  cases('client: learns the generation of what it reads unpinned', async (subject) => {
    const object = await store(subject, Buffer.from('unpinned'));
    const reading = await subject.bucket.readWhatIsThere(object.name, { range: { start: 2, end: 4 } });
    assert.equal(reading?.generation, object.generation);
    assert.equal((await collect(reading.bytes)).toString(), 'pin');
    const missing = await subject.bucket.readWhatIsThere(subject.fresh(), { range: { start: 0, end: 0 } });
    assert.equal(missing, undefined);
  });

  cases('client: finds a generation gone, though another has its name', async (subject) => {
    const object = await store(subject, Buffer.from('old'));
    await subject.bucket.delete(object.name, object);
    assert.equal(await read(subject, object), undefined);
    await store(subject, Buffer.from('new'), object.name);
    assert.equal(await read(subject, object), undefined);
  });
}
