import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import type { Effect } from '../../../infra/emulators/storage/src/faults/faults.ts';
import type { Operation } from '../../../infra/emulators/storage/src/operation.ts';
import { Bucket } from '../../../shared/storage/bucket.ts';
import { connectStorage } from '../../../shared/storage/connect.ts';
import { StorageError } from '../../../shared/storage/error.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';
import { DEFAULT_RETRY } from '../../../shared/storage/retry.ts';
import { BUCKET, EmulatorFixture } from '../../infra/emulators/storage/emulator-fixture.ts';
import { CHUNK, collect, FAST_RETRY, piecesOf } from './streams.ts';
import { tamperingProxy } from './tampering-proxy.ts';

const TRANSIENT: readonly (readonly [string, Effect])[] = [
  ...[408, 429, 500, 502, 503, 504].map((status) => [`${status}`, { kind: 'error', status }] as const),
  ['a 503 though it took effect', { kind: 'error', status: 503, when: 'after' }],
  ['a reset before it took effect', { kind: 'reset', when: 'before' }],
  ['a reset after it took effect', { kind: 'reset', when: 'after' }],
  ['silence', { kind: 'stall' }],
];

describe('Cloud Storage that fails for a while', () => {
  const fixture = new EmulatorFixture({ buckets: [BUCKET, 'other'] });
  let bucket: Bucket;
  let other: Bucket;
  const waiting = (timeoutMs: number) => {
    const storage = connectStorage(fixture.url);
    const options = { retry: FAST_RETRY, paced: true, timeoutMs, chunkBytes: CHUNK };
    bucket = new Bucket(storage, BUCKET, options);
    other = new Bucket(storage, 'other', options);
  };
  // A busy machine may be silent for longer than a test of silence waits.
  beforeEach(() => waiting(30_000));
  afterEach(() => fixture.emulator.faults.clear());

  let serial = 0;
  const fresh = () => `fault-${serial++}`;
  const options = { contentType: 'text/plain', metadata: { a: 'b' } };
  async function put(bytes: Buffer, name = fresh()): Promise<StoredObject> {
    return (await bucket.stage(name, piecesOf(bytes), options)).commit();
  }
  const strike = (operation: Operation, effect: Effect, nth = 1) =>
    fixture.emulator.faults.add({ operation, nth, times: 2, effect });

  /** Each call, what it needs first, and what holds once it came through. */
  const calls: Record<
    string,
    { operation: Operation; nth?: number; run: () => Promise<() => Promise<unknown>> }
  > = {
    stat: {
      operation: 'objects.get',
      run: async () => {
        const object = await put(Buffer.from('x'));
        return async () => assert.deepEqual(await bucket.stat(object.name), object);
      },
    },
    'insert of an empty object': {
      operation: 'objects.insert',
      run: async () => async () => {
        const name = fresh();
        const object = await bucket.insertEmpty(name, options);
        assert.ok(object, 'its own echo is no conflict');
        assert.deepEqual(await bucket.stat(name), object);
      },
    },
    'insert in one request': {
      operation: 'objects.insert',
      run: async () => async () => {
        const bytes = randomBytes(1000);
        assert.ok((await download(await put(bytes))).equals(bytes));
      },
    },
    'the start of a session': { operation: 'resumable.start', run: resumable },
    'the first chunk': { operation: 'resumable.chunk', run: resumable },
    'a chunk in the middle': { operation: 'resumable.chunk', nth: 2, run: resumable },
    'the last chunk': { operation: 'resumable.chunk', nth: 4, run: resumable },
    'a chunk and the question where it stands': {
      operation: 'resumable.query',
      run: async () => {
        fixture.emulator.faults.add({
          operation: 'resumable.chunk',
          nth: 2,
          effect: { kind: 'reset', when: 'after' },
        });
        return resumable();
      },
    },
    patch: {
      operation: 'objects.patch',
      run: async () => {
        const object = await put(Buffer.from('x'));
        return async () => {
          const patched = await bucket.patch(object.name, object, { state: 'clean', a: null });
          assert.deepEqual(patched?.metadata, { state: 'clean' }, 'its own echo is no conflict');
          assert.equal(patched?.metageneration, '2');
        };
      },
    },
    rewrite: {
      operation: 'objects.rewrite',
      run: async () => {
        const object = await put(Buffer.from('x'));
        return async () => {
          const name = fresh();
          const result = await bucket.rewrite(object, { bucket: other, name, ...options });
          assert.notEqual(result, 'sourceGone');
          assert.equal((await other.stat(name))?.crc32c, object.crc32c);
        };
      },
    },
    delete: {
      operation: 'objects.delete',
      run: async () => {
        const object = await put(Buffer.from('x'));
        return async () => {
          assert.equal(await bucket.delete(object.name, object), true);
          assert.equal(await bucket.stat(object.name), undefined);
        };
      },
    },
    list: {
      operation: 'objects.list',
      run: async () => {
        const object = await put(Buffer.from('x'));
        return async () => {
          const { objects } = await bucket.list({ prefix: object.name, maxResults: 10 });
          assert.deepEqual(
            objects.map(({ name }) => name),
            [object.name],
          );
        };
      },
    },
    read: {
      operation: 'objects.getMedia',
      run: async () => {
        const bytes = randomBytes(CHUNK * 2);
        const object = await put(bytes);
        return async () => assert.ok((await download(object)).equals(bytes));
      },
    },
  };

  async function resumable() {
    return async () => {
      const bytes = randomBytes(3 * CHUNK + 5);
      assert.ok((await download(await put(bytes))).equals(bytes));
    };
  }

  async function download(object: StoredObject): Promise<Buffer> {
    const range = { start: 0, end: object.size - 1 };
    const body = await bucket.read(object.name, { generation: object.generation, range });
    assert.ok(body);
    return collect(body);
  }

  for (const [call, { operation, nth = 1, run }] of Object.entries(calls)) {
    for (const [fault, effect] of TRANSIENT) {
      it(`${call} survives ${fault}, twice`, async () => {
        if (effect.kind === 'stall') waiting(500);
        const check = await run();
        const struck = strike(operation, effect, nth);
        await check();
        assert.ok(struck() >= nth, 'the fault was met');
      });
    }

    it(`${call} fails in the end, with the reason, on 503 that stays`, async () => {
      const check = await run();
      fixture.emulator.faults.add({ operation, effect: { kind: 'error', status: 503 } });
      await assert.rejects(
        check(),
        (error: unknown) => error instanceof StorageError && error.status === 503,
      );
    });

    it(`${call} does not repeat what was refused for good`, async () => {
      const check = await run();
      const struck = fixture.emulator.faults.add({
        operation,
        effect: { kind: 'error', status: 403, reason: 'forbidden' },
      });
      await assert.rejects(
        check(),
        (error: unknown) => error instanceof StorageError && error.status === 403,
      );
      assert.equal(struck(), 1);
    });
  }

  it('a download that is cut again and again is taken up where it broke', async () => {
    const bytes = randomBytes(CHUNK * 2);
    const object = await put(bytes);
    const effect = { kind: 'truncate', bytes: 100_000 } as const;
    const struck = fixture.emulator.faults.add({ operation: 'objects.getMedia', times: 8, effect });
    const received = await download(object);
    assert.equal(sha256(received), sha256(bytes));
    assert.ok(struck() >= 8);
  });

  it('a download that never gets further ends with an error, not short', async () => {
    const object = await put(randomBytes(CHUNK));
    fixture.emulator.faults.add({ operation: 'objects.getMedia', effect: { kind: 'truncate', bytes: 0 } });
    await assert.rejects(download(object), StorageError);
  });

  for (const [size, refusal] of [
    [1000, 400],
    [3 * CHUNK, 0],
  ] as const) {
    it(`an upload of ${size} bytes that arrive changed is refused, and leaves no object`, async () => {
      const proxy = await tamperingProxy(fixture.url);
      try {
        const name = fresh();
        const tampered = new Bucket(connectStorage(proxy.url), BUCKET, {
          retry: FAST_RETRY,
          paced: true,
          chunkBytes: CHUNK,
        });
        const staged = await tampered.stage(name, piecesOf(randomBytes(size)), options);
        await assert.rejects(staged.commit(), (error: StorageError) => error.status === refusal);
        assert.equal(await bucket.stat(name), undefined);
        assert.ok(proxy.tampered() > 0);
      } finally {
        await proxy.close();
      }
    });
  }

  it('Retry-After is honoured: no try comes before it', async () => {
    const pauses: number[] = [];
    const pause = async (ms: number) => void pauses.push(ms);
    const patient = new Bucket(connectStorage(fixture.url), BUCKET, {
      retry: { ...FAST_RETRY, pause },
      paced: true,
    });
    const object = await put(Buffer.from('x'));
    const effect = { kind: 'error', status: 503, retryAfter: 7 } as const;
    fixture.emulator.faults.add({ operation: 'objects.get', times: 2, effect });
    assert.deepEqual(await patient.stat(object.name), object);
    assert.deepEqual(pauses, [7000, 7000]);
  });

  it('the pauses outlast the second within which a name takes one write, however they are drawn', async () => {
    const object = await put(Buffer.from('x'));
    fixture.emulator.faults.add({ operation: 'objects.get', effect: { kind: 'error', status: 429 } });
    for (let round = 0; round < 20; round++) {
      const pauses: number[] = [];
      const pause = async (ms: number) => void pauses.push(ms);
      const retry = { ...DEFAULT_RETRY, pause };
      await assert.rejects(new Bucket(connectStorage(fixture.url), BUCKET, { retry }).stat(object.name));
      assert.ok(
        pauses.every((ms, tries) => ms >= 100 * 2 ** tries && ms <= 200 * 2 ** tries),
        `${pauses}`,
      );
      assert.equal(pauses.length, 5);
    }
  });

  it('a wait that would not fit the total is not begun', async () => {
    const object = await put(Buffer.from('x'));
    const effect = { kind: 'error', status: 503, retryAfter: 3600 } as const;
    const struck = fixture.emulator.faults.add({ operation: 'objects.get', effect });
    await assert.rejects(bucket.stat(object.name), StorageError);
    assert.equal(struck(), 1);
  });

  const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
});
