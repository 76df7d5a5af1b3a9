import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { BlobMismatch } from '../../../shared/files/blob.ts';
import { blobKey, blobName, type DeduplicationScope } from '../../../shared/files/blob-name.ts';
import { acceptedName, Blobs } from '../../../shared/files/blobs.ts';
import { newFileId } from '../../../shared/files/file-id.ts';
import { type Content, parseSha256 } from '../../../shared/files/record.ts';
import type { Principal } from '../../../shared/identity/principal.ts';
import type { Bucket } from '../../../shared/storage/bucket.ts';
import { connectStorage } from '../../../shared/storage/connect.ts';
import type { Generation } from '../../../shared/storage/object.ts';
import { Tally } from '../../../shared/storage/tally.ts';
import { type Hook, HookedBucket, straight } from '../../functions/sweeper/hooked-bucket.ts';
import { EmulatorFixture } from '../../infra/emulators/storage/emulator-fixture.ts';
import { collect, FAST_RETRY, WRITE_CLOCK } from '../storage/streams.ts';

const OWNER = 'org:889640782' as Principal;
const OTHER = 'org:123456789' as Principal;
const ENGINE = { engine: '1.4.6', database: 27_000, databaseDate: '2026-11-24T04:00:00.000Z' };
const HOUR = 3_600_000;
const MINUTE = 60_000;
const T0 = Date.parse('2026-11-24T04:00:00.000Z');
const never = new AbortController().signal;

describe('Blobs', () => {
  const fixture = new EmulatorFixture({ buckets: ['unscanned', 'permanent'] });
  let hook: Hook;
  let now: number;
  let bytes: Buffer;
  let content: Content;
  beforeEach(() => {
    hook = straight;
    now = T0;
    bytes = randomBytes(1000);
    content = contentOf(bytes);
    fixture.emulator.operations.reset();
  });
  afterEach(() => fixture.emulator.faults.clear());

  function contentOf(of: Buffer): Content {
    const tally = new Tally();
    tally.update(of);
    const { size, crc32c, sha256 } = tally.digests();
    return { size, crc32c, sha256: parseSha256(sha256) ?? assert.fail() };
  }
  const bucket = (name: string): Bucket =>
    new HookedBucket((...operation) => hook(...operation), connectStorage(fixture.url), name, {
      retry: FAST_RETRY,
      paced: true,
    });
  const blobs = (deduplicate?: DeduplicationScope) =>
    new Blobs(bucket('permanent'), { now: () => new Date(now), ...(deduplicate && { deduplicate }) });
  const nameIn = (scope: DeduplicationScope, owner = OWNER) =>
    blobName(blobKey(scope, { owner, sha256: content.sha256 }));
  const stat = (name = nameIn('global')) => bucket('permanent').stat(name);
  const stored = async (name = nameIn('global')) => (await stat(name)) ?? assert.fail(`no ${name}`);

  async function put(to: string, name: string, what: Buffer, metadata?: Readonly<Record<string, string>>) {
    async function* source() {
      yield what;
    }
    const options = { contentType: 'text/plain', ...(metadata && { metadata }) };
    return (await bucket(to).stage(name, source(), options)).commit();
  }
  async function source(what = bytes) {
    return { bucket: bucket('unscanned'), object: await put('unscanned', newFileId(OWNER), what) };
  }
  /** The word of a scan on the bytes; `ago` in milliseconds. */
  const scan = (ago = 0, coverage?: 'windows') => ({
    scannedAt: new Date(now - ago),
    engine: ENGINE,
    ...(coverage && { coverage }),
  });
  const file = (owner = OWNER) => ({ owner, content });
  const promote = async (said = scan(), to = blobs(), owner = OWNER) =>
    to.promote(await source(), file(owner), said);

  /** Once, before an operation on a blob, something else comes in between. */
  function interrupt(at: 'stat' | 'patch', meanwhile: () => Promise<unknown>): void {
    let struck = false;
    hook = async (operation, name, run) => {
      if (operation === at && name.startsWith('blobs/') && !struck) {
        struck = true;
        await meanwhile();
      }
      return run();
    };
  }
  /** Numbers of copying, looking, marking and reading calls. */
  const calls = () =>
    (['objects.rewrite', 'objects.get', 'objects.patch', 'objects.getMedia'] as const).map(
      (operation) => fixture.emulator.operations.of(operation).calls,
    );
  const remove = async (name = nameIn('global')) => bucket('permanent').delete(name, await stored(name));

  describe('promote', () => {
    it('copies inside Cloud Storage, and notes the scan and the time of use', async () => {
      const object = await source();
      fixture.emulator.operations.reset();
      assert.equal(await blobs().promote(object, file(), scan(5000, 'windows')), 'promoted');
      assert.deepEqual(calls(), [1, 0, 0, 0]);
      const { contentType, size, crc32c, metadata } = await stored();
      assert.deepEqual([contentType, size, crc32c], ['application/octet-stream', 1000, content.crc32c]);
      assert.deepEqual(metadata, {
        scannedAt: new Date(T0 - 5000).toISOString(),
        cleanSince: new Date(T0 - 5000).toISOString(),
        ...{ engine: '1.4.6', database: '27000', databaseDate: ENGINE.databaseDate, coverage: 'windows' },
        usedAt: new Date(T0).toISOString(),
      });
    });

    it('writes the name once, however many promote the same content at the same time or right after', async () => {
      const to = blobs();
      const sources = await Promise.all([1, 2, 3].map(() => source()));
      fixture.emulator.operations.reset();
      const [last, ...first] = sources.map((from) => () => to.promote(from, file(), scan()));
      assert.deepEqual(await Promise.all(first.map((one) => one())), ['promoted', 'promoted']);
      assert.equal(await last?.(), 'promoted');
      assert.deepEqual(calls(), [1, 2, 0, 0]);
      await remove();
      assert.equal(
        await to.promote(await source(), file(), scan()),
        'promoted',
        'it was collected right after',
      );
      assert.ok(await stat());
    });

    it('is tried by the next one where it fails', async () => {
      const to = blobs();
      const [first, second] = [await source(), await source()];
      const effect = { kind: 'error', status: 403 } as const;
      fixture.emulator.faults.add({ operation: 'objects.rewrite', times: 1, effect });
      const [failed, promoted] = await Promise.allSettled(
        [first, second].map((from) => to.promote(from, file(), scan())),
      );
      assert.deepEqual(
        [failed?.status, promoted?.status === 'fulfilled' && promoted.value],
        ['rejected', 'promoted'],
      );
    });

    it('shares a blob between all owners, and goes by the clock, by default', async () => {
      const from = Date.now();
      const plain = new Blobs(bucket('permanent'));
      assert.equal(await plain.promote(await source(), file(), scan()), 'promoted');
      const used = Date.parse((await stored()).metadata['usedAt'] ?? '');
      assert.ok(used >= from && used <= Date.now());
    });

    it('keeps a blob for each owner with deduplication by owner', async () => {
      assert.equal(await promote(scan(), blobs('owner')), 'promoted');
      assert.ok(await stat(nameIn('owner')));
      assert.equal(await stat(nameIn('global')), undefined);
    });

    it('copies no generation but the one that was scanned', async () => {
      const { bucket: from, object } = await source();
      const other = { ...object, generation: `${BigInt(object.generation) + 1n}` as Generation };
      const result = await blobs().promote({ bucket: from, object: other }, file(), scan());
      assert.deepEqual([result, await stat()], ['sourceGone', undefined]);
    });

    for (const [what, twist] of [
      ['another size', { size: 999 }],
      ['another checksum', { crc32c: 'AAAAAA==' }],
    ] as const) {
      it(`throws if the copy has ${what}`, async () => {
        const expected = { owner: OWNER, content: { ...content, ...twist } };
        const mismatch = {
          name: 'BlobMismatch',
          message: `blob ${content.sha256} is not the content that was scanned`,
        };
        await assert.rejects(blobs().promote(await source(), expected, scan()), mismatch);
        // And where it is there by then.
        await assert.rejects(blobs().promote(await source(), expected, scan()), mismatch);
      });
    }

    it('throws if no scan put the existing blob there', async () => {
      await put('permanent', nameIn('global'), bytes);
      await assert.rejects(promote(), BlobMismatch);
    });

    it('returns an existing blob that is marked as infected, and leaves it as it is', async () => {
      await put('permanent', nameIn('global'), bytes, { signature: 'Eicar' });
      const result = await promote();
      assert.ok(typeof result === 'object' && result.signature === 'Eicar');
      assert.deepEqual((await stored()).metadata, { signature: 'Eicar' });
    });

    it('copies again if the blob is collected meanwhile', async () => {
      await promote();
      interrupt('stat', remove);
      assert.equal(await promote(), 'promoted');
      assert.ok(await stat());
    });

    it('tries again if the blob changes meanwhile', async () => {
      await promote();
      now += 2 * HOUR;
      interrupt('patch', async () => bucket('permanent').patch(nameIn('global'), await stored(), { x: 'y' }));
      assert.equal(await promote(), 'promoted');
      assert.equal((await stored()).metadata['usedAt'], new Date(now).toISOString());
    });

    it('gives up after five tries on a blob that keeps changing', async () => {
      await promote();
      now += 2 * HOUR;
      const object = await source();
      WRITE_CLOCK.tick();
      fixture.emulator.operations.reset();
      fixture.emulator.faults.add({ operation: 'objects.patch', effect: { kind: 'error', status: 412 } });
      const message = `blob ${content.sha256} keeps changing`;
      await assert.rejects(blobs().promote(object, file(), scan()), { message });
      assert.equal(fixture.emulator.operations.of('objects.rewrite').calls, 5);
    });
  });

  describe('promote of a blob that exists', () => {
    const said = async () => {
      const { scannedAt, usedAt, coverage } = (await stored()).metadata;
      return [Date.parse(scannedAt ?? '') - T0, Date.parse(usedAt ?? '') - T0, coverage];
    };

    for (const [what, first, later, second, expected] of [
      ['writes nothing for a scan at most a minute newer', says(), MINUTE, says(), [0, 0, undefined]],
      [
        'notes a scan that is more than a minute newer',
        says(),
        MINUTE + 1,
        says(),
        [MINUTE + 1, MINUTE + 1, undefined],
      ],
      ['writes nothing for an older scan', says(), MINUTE, says(2 * HOUR), [0, 0, undefined]],
      [
        'keeps the scan of the whole where the newer one is of windows',
        says(),
        2 * MINUTE,
        says(0, 'windows'),
        [0, 0, undefined],
      ],
      ['replaces a scan of windows by one of the whole', says(0, 'windows'), 1, says(), [1, 1, undefined]],
      [
        'replaces a scan of windows by a newer one of windows',
        says(0, 'windows'),
        2 * MINUTE,
        says(0, 'windows'),
        [2 * MINUTE, 2 * MINUTE, 'windows'],
      ],
    ] as const) {
      it(`${what}`, async () => {
        await promote(scan(...first));
        now += later;
        assert.equal(await promote(scan(...second)), 'promoted');
        assert.deepEqual(await said(), expected);
      });
    }
    function says(...parameters: Parameters<typeof scan>) {
      return parameters;
    }

    it('marks it as used an hour after the last mark, though the scan is older', async () => {
      await promote();
      now += HOUR - 1;
      assert.equal(await promote(scan(HOUR)), 'promoted');
      assert.deepEqual(await said(), [0, 0, undefined]);
      now += 1;
      assert.equal(await promote(scan(HOUR)), 'promoted');
      assert.deepEqual(await said(), [0, HOUR, undefined]);
    });
  });

  describe('use', () => {
    async function shared() {
      const blob = await blobs().findShared(file());
      assert.ok(blob && 'scannedAt' in blob);
      return blob;
    }

    it('writes a mark only if the last one is an hour old', async () => {
      await promote();
      const blob = await shared();
      now += HOUR - 1;
      assert.equal(await blobs().use(blob), true);
      assert.equal((await stored()).metadata['usedAt'], new Date(T0).toISOString());
      now += 1;
      assert.equal(await blobs().use(blob), true);
      assert.equal((await stored()).metadata['usedAt'], new Date(now).toISOString());
    });

    it('returns false if the blob changed or is gone', async () => {
      await promote();
      const blob = await shared();
      now += HOUR;
      assert.ok(await bucket('permanent').patch(blob.object.name, blob.object, { x: 'y' }));
      assert.equal(await blobs().use(blob), false);
      await remove();
      assert.equal(await blobs().use(blob), false);
    });
  });

  describe('find, findShared and has', () => {
    it('find a blob by its content alone', async () => {
      await promote(scan(7, 'windows'));
      const object = await stored();
      const expected = { object, ...scan(7, 'windows') };
      assert.deepEqual(await blobs().find(file(OTHER)), expected);
      assert.deepEqual(await blobs().findShared(file(OTHER)), expected);
      assert.equal(await blobs().has(file(OTHER)), true);
      const others = { owner: OWNER, content: contentOf(randomBytes(5)) };
      assert.equal(await blobs().find(others), undefined);
      assert.equal(await blobs().findShared(others), undefined);
      assert.equal(await blobs().has(others), false);
    });

    for (const [of, since] of [
      ['global', 'owner'],
      ['owner', 'global'],
    ] as const) {
      it(`find a blob of scope ${of} after a change to ${since}, but do not share it`, async () => {
        await promote(scan(), blobs(of));
        assert.equal((await blobs(since).find(file()))?.object.name, nameIn(of));
        assert.equal(await blobs(since).has(file()), true);
        assert.equal(await blobs(since).findShared(file()), undefined);
        await promote(scan(), blobs(since));
        assert.equal((await blobs(since).find(file()))?.object.name, nameIn(since));
      });
    }

    it('find nothing of another owner with deduplication by owner', async () => {
      await promote(scan(), blobs('owner'));
      assert.equal(await blobs('owner').find(file(OTHER)), undefined);
      assert.equal(await blobs('owner').has(file(OTHER)), false);
    });

    it('return an infected blob as such, and throw if no scan put a blob there', async () => {
      await put('permanent', nameIn('global'), bytes, { signature: 'Eicar' });
      const object = await stored();
      assert.deepEqual(await blobs().find(file()), { object, signature: 'Eicar' });
      assert.deepEqual(await blobs().findShared(file()), { object, signature: 'Eicar' });
      await remove();
      await put('permanent', nameIn('global'), bytes);
      await assert.rejects(blobs().find(file()), BlobMismatch);
      await assert.rejects(blobs().findShared(file()), BlobMismatch);
    });
  });

  describe('read and readAhead', () => {
    const range = { start: 3, end: 12 };

    it('read only the generation that was found', async () => {
      await promote();
      const object = await stored();
      const read = async () => {
        const found = await blobs().read(object, range, never);
        return found && (await collect(found));
      };
      assert.deepEqual(await read(), bytes.subarray(3, 13));
      await remove();
      await promote();
      assert.equal(await read(), undefined);
    });

    it('read ahead whichever generation there is, and tell its name and generation', async () => {
      assert.equal(await blobs().readAhead(file(), range, never), undefined);
      await promote();
      const ahead = (await blobs().readAhead(file(), range, never)) ?? assert.fail();
      const { name, generation } = await stored();
      assert.deepEqual([ahead.name, ahead.generation], [name, generation]);
      assert.deepEqual(await collect(ahead.bytes), bytes.subarray(3, 13));
    });

    it('stop when their signal aborts', async () => {
      await promote();
      const gone = new AbortController();
      const object = await stored();
      const whole = { start: 0, end: 999 };
      const [read, ahead] = [
        await blobs().read(object, whole, gone.signal),
        await blobs().readAhead(file(), whole, gone.signal),
      ];
      gone.abort(new Error('the reader left'));
      await assert.rejects(collect(read ?? assert.fail()));
      await assert.rejects(collect(ahead?.bytes ?? assert.fail()));
    });
  });

  describe('accept', () => {
    it('keeps the bytes for one file alone, apart from clean blobs, and may be repeated', async () => {
      const id = newFileId(OWNER);
      const from = await source();
      assert.equal(await blobs().findAccepted(id, never), undefined);
      assert.equal(await blobs().hasAccepted(), false);
      fixture.emulator.operations.reset();
      assert.equal(await blobs().accept(from, id, content), 'accepted');
      assert.deepEqual(calls(), [1, 0, 0, 0]);
      assert.equal(await blobs().accept(from, id, content), 'accepted');
      const object = await stored(acceptedName(id));
      assert.deepEqual([object.name, object.contentType], [`accepted/${id}`, 'application/octet-stream']);
      assert.deepEqual(await blobs().findAccepted(id, never), object);
      assert.equal(await blobs().find(file()), undefined);
      assert.equal(await blobs().has(file()), false);
      assert.equal(await blobs().hasAccepted(), true);
      assert.equal(await blobs().findAccepted(newFileId(OWNER), never), undefined);
    });

    it('reports that the source is gone', async () => {
      const from = await source();
      await from.bucket.delete(from.object.name, from.object);
      assert.equal(await blobs().accept(from, newFileId(OWNER), content), 'sourceGone');
    });

    for (const [what, twist] of [
      ['another size', { size: 999 }],
      ['another checksum', { crc32c: 'AAAAAA==' }],
    ] as const) {
      it(`throws if the copy has ${what}, whether new or from an earlier try`, async () => {
        const id = newFileId(OWNER);
        const from = await source();
        const mismatch = {
          name: 'BlobMismatch',
          message: `accepted/${id} is not the content that was accepted`,
        };
        await assert.rejects(blobs().accept(from, id, { ...content, ...twist }), mismatch);
        await assert.rejects(blobs().accept(from, id, { ...content, ...twist }), mismatch);
      });
    }

    it('throws if the copy of an earlier try goes away', async () => {
      const id = newFileId(OWNER);
      const from = await source();
      await blobs().accept(from, id, content);
      fixture.emulator.faults.add({ operation: 'objects.get', effect: { kind: 'error', status: 404 } });
      await assert.rejects(blobs().accept(from, id, content), BlobMismatch);
    });
  });
});
