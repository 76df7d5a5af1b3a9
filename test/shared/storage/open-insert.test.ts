import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Effect } from '../../../infra/emulators/storage/src/faults/faults.ts';
import { Bucket } from '../../../shared/storage/bucket.ts';
import { connectStorage } from '../../../shared/storage/connect.ts';
import type { StorageError } from '../../../shared/storage/error.ts';
import { BUCKET, EmulatorFixture } from '../../infra/emulators/storage/emulator-fixture.ts';
import { collect, FAST_RETRY, piecesOf } from './streams.ts';
import { tamperingProxy } from './tampering-proxy.ts';

const CHUNK = 4 * 1024 * 1024;
const contentType = 'text/plain';
/** Silence after which a test gives a request up; a busy machine may be silent for as long. */
const SILENCE_MS = 2_000;

describe('an upload whose size is known, of a chunk at most', () => {
  const fixture = new EmulatorFixture({ buckets: [BUCKET] });
  let bucket: Bucket;
  let impatient: Bucket;
  before(() => {
    bucket = bucketAt(fixture.url);
    impatient = bucketAt(fixture.url, SILENCE_MS);
  });
  beforeEach(() => fixture.emulator.operations.reset());
  afterEach(() => fixture.emulator.faults.clear());

  let serial = 0;
  const fresh = () => `open-${serial++}`;
  const bytes = randomBytes(CHUNK - 5);

  const bucketAt = (url: string, timeoutMs = 30_000) =>
    new Bucket(connectStorage(url), BUCKET, {
      retry: FAST_RETRY,
      paced: true,
      timeoutMs,
      chunkBytes: CHUNK,
    });
  const stage = (
    name: string,
    size = bytes.length,
    source: AsyncIterable<Uint8Array> = piecesOf(bytes),
    by = bucket,
  ) => by.stage(name, source, { contentType, size });
  const calls = () => fixture.emulator.operations.of('objects.insert').calls ?? 0;

  async function stored(name: string): Promise<Buffer | undefined> {
    const object = await bucket.stat(name);
    if (!object) return undefined;
    const { generation, size } = object;
    const read = await bucket.read(name, { generation, range: { start: 0, end: size - 1 } });
    assert.ok(read);
    return collect(read);
  }

  for (const size of [CHUNK, CHUNK - 1, 1024 * 1024]) {
    it(`is one request, and what was sent: ${size} bytes`, async () => {
      const name = fresh();
      const content = randomBytes(size);
      const object = await (await stage(name, size, piecesOf(content))).commit();
      assert.deepEqual([object.size, object.contentType], [size, contentType]);
      assert.deepEqual(await stored(name), content);
      assert.equal(calls(), 1);
    });
  }

  it('is sent while it comes', async () => {
    const half = bytes.length / 2;
    const arrived = () => fixture.emulator.operations.of('objects.insert').bytesIn;
    async function* slow() {
      yield bytes.subarray(0, half);
      while (arrived() < Math.floor(half)) await delay(5);
      yield bytes.subarray(half);
    }
    const name = fresh();
    await (await stage(name, bytes.length, slow())).commit();
    assert.deepEqual(await stored(name), bytes);
  });

  it('is no object before its commit, however long that takes, and none after a discard', async () => {
    const name = fresh();
    const staged = await stage(name, bytes.length, piecesOf(bytes), impatient);
    await delay(SILENCE_MS + 200);
    assert.equal(await bucket.stat(name), undefined);
    await staged.discard();
    assert.equal(await bucket.stat(name), undefined);
    await (await stage(name)).commit();
    assert.deepEqual(await stored(name), bytes);
  });

  it('is what came where that is less, or more, than was announced', async () => {
    for (const size of [bytes.length - 1, bytes.length + 1, 1024 * 1024, CHUNK]) {
      const name = fresh();
      await (await stage(name, size)).commit();
      assert.deepEqual(await stored(name), bytes);
    }
  });

  it('is what came where that is many chunks more than was announced', async () => {
    const name = fresh();
    const much = randomBytes(3 * CHUNK + 1);
    await (await stage(name, 1024 * 1024, piecesOf(much))).commit();
    assert.deepEqual(await stored(name), much);
  });

  it('has its metadata', async () => {
    const name = fresh();
    const metadata = { a: 'b' };
    const options = { contentType, metadata, size: bytes.length };
    await (await bucket.stage(name, piecesOf(bytes), options)).commit();
    assert.deepEqual((await bucket.stat(name))?.metadata, metadata);
    assert.deepEqual(await stored(name), bytes);
  });

  it('leaves nothing of a source that throws', async () => {
    const name = fresh();
    async function* broken() {
      yield bytes.subarray(0, -1);
      throw new Error('cut');
    }
    await assert.rejects(stage(name, bytes.length, broken()), /cut/);
    assert.equal(await bucket.stat(name), undefined);
  });

  it('does not overwrite', async () => {
    const name = fresh();
    await (await stage(name)).commit();
    const again = await stage(name, bytes.length, piecesOf(randomBytes(bytes.length)));
    await assert.rejects(again.commit(), (error: StorageError) => error.status === 412);
    assert.deepEqual(await stored(name), bytes);
  });

  const TRANSIENT: readonly (readonly [string, Effect])[] = [
    ['a 503', { kind: 'error', status: 503 }],
    ['a 503 though it took effect', { kind: 'error', status: 503, when: 'after' }],
    ['a reset before it took effect', { kind: 'reset', when: 'before' }],
    ['a reset after it took effect', { kind: 'reset', when: 'after' }],
    ['a reset in the middle', { kind: 'truncate', bytes: 1_000_000 }],
    ['silence', { kind: 'stall' }],
    ['silence though it took effect', { kind: 'stall', when: 'after' }],
  ];
  for (const [title, effect] of TRANSIENT) {
    it(`is sent once more, as a whole, after ${title}`, async () => {
      const name = fresh();
      const struck = fixture.emulator.faults.add({ operation: 'objects.insert', nth: 1, effect });
      const by = effect.kind === 'stall' ? impatient : bucket;
      const object = await (await stage(name, bytes.length, piecesOf(bytes), by)).commit();
      assert.ok(struck() >= 2, 'it was not sent again');
      assert.equal(object.size, bytes.length);
      assert.deepEqual(await stored(name), bytes);
    });
  }

  it('fails where Cloud Storage refuses it for good', async () => {
    const name = fresh();
    const effect = { kind: 'error', status: 403 } as const;
    const struck = fixture.emulator.faults.add({ operation: 'objects.insert', effect });
    const staged = await stage(name);
    await assert.rejects(staged.commit(), (error: StorageError) => error.status === 403);
    assert.equal(struck(), 1);
    assert.equal(await bucket.stat(name), undefined);
  });

  it('is refused where it arrives changed, and leaves no object', async () => {
    const proxy = await tamperingProxy(fixture.url);
    try {
      const name = fresh();
      const options = { contentType, size: bytes.length };
      const staged = await bucketAt(proxy.url).stage(name, piecesOf(bytes), options);
      await assert.rejects(staged.commit(), (error: StorageError) => error.reason === 'checksumMismatch');
      assert.ok(proxy.tampered() > 0);
      assert.equal(await bucket.stat(name), undefined);
    } finally {
      await proxy.close();
    }
  });
});
