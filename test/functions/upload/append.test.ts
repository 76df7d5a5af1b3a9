import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { type AppendDeps, append, type Progress } from '../../../functions/upload/append.ts';
import type { Operation } from '../../../infra/emulators/storage/src/operation.ts';
import type { FileId } from '../../../shared/files/file-id.ts';
import {
  assemble,
  isWhole,
  lengthName,
  NO_PARTS,
  partName,
  readChain,
  removeChain,
} from '../../../shared/files/parts.ts';
import type { FileRecord } from '../../../shared/files/record.ts';
import { Problem } from '../../../shared/http/problems.ts';
import { DEFAULT_RETRY } from '../../../shared/storage/retry.ts';
import { FAST_RETRY } from '../../shared/storage/streams.ts';
import { viewersNamed } from '../../support/records.ts';
import { random, UploadFixture } from './fixture.ts';

const HOUR = 3_600_000;
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const problem = (type: string) => (error: unknown) => error instanceof Problem && error.type === type;

describe('the bytes of a tus request', () => {
  const fixture = new UploadFixture();
  const { storage } = fixture;

  /** The file as it is once it is complete, and nothing else. */
  async function isStored(progress: Progress, bytes: Buffer, appender?: AppendDeps): Promise<void> {
    const { id } = progress.record;
    assert.ok(isWhole(progress.record.upload, progress.chain));
    const object = await fixture.finish(progress, appender);
    assert.equal(object.metadata['sha256'], sha256(bytes));
    assert.equal(sha256(await fixture.stored(id)), sha256(bytes));
    assert.deepEqual(await fixture.parts(id), []);
  }

  /** Inserts a part past all checks. */
  async function plant(id: FileId, name: string, bytes: Buffer, metadata = {}): Promise<void> {
    async function* source() {
      yield bytes;
    }
    const options = { contentType: 'text/plain', metadata };
    await (await fixture.appender.unscanned.stage(name.replace('ID', id), source(), options)).commit();
  }

  /** A request that stops before its last byte until `meanwhile` is over. */
  async function interrupted(
    progress: Progress,
    bytes: Buffer,
    meanwhile: () => Promise<unknown>,
    lateMs = 0,
  ): Promise<Progress> {
    let ms = 0;
    const appender = { ...fixture.appender, now: () => new Date(ms) };
    async function* body() {
      yield bytes.subarray(0, -1);
      await meanwhile();
      ms += lateMs;
      yield bytes.subarray(-1);
    }
    return append(appender, { ...progress, seenAt: new Date(0) }, { bytes: body() });
  }

  async function write(id: FileId, change: (record: FileRecord) => FileRecord): Promise<void> {
    const read = await fixture.read(id);
    assert.ok(await fixture.appender.records.replace(read, change(read.record)));
  }
  const ENDS = {
    'its owner ended it': ({ upload: _, content: __, ...stored }: Progress['record']): FileRecord => ({
      ...stored,
      state: 'expired',
    }),
    'its owner took the file back': ({
      upload: _,
      content: __,
      ...stored
    }: Progress['record']): FileRecord => ({
      ...stored,
      state: 'deleted',
      deletedAt: new Date(),
    }),
  };

  it('of any size make the same file, with its digest', async () => {
    const bytes = random(1_500_001);
    for (const size of [100_000, 262_144, 400_000, 400_001, 1_500_001]) {
      let progress = await fixture.create(bytes.length);
      for (let offset = 0; offset < bytes.length; offset += size)
        progress = await fixture.send(progress, bytes.subarray(offset, offset + size));
      await isStored(progress, bytes);
    }
  });

  it('are parts by the name of their offset, which change nothing of the record', async () => {
    const { record, ...created } = await fixture.create(1000);
    const before = await fixture.read(record.id);
    const first = await fixture.send({ record, ...created }, random(300));
    await fixture.send(first, random(700));
    assert.deepEqual(await fixture.parts(record.id), ['0000000000000', '0000000000300']);
    assert.deepEqual(await fixture.read(record.id), before);
  });

  it('make a file however many requests they come in, also where a process stops on the way', async () => {
    const bytes = random(1_100);
    let progress = await fixture.create(bytes.length);
    for (let offset = 0; offset < bytes.length; offset += 1)
      progress = await fixture.send(progress, bytes.subarray(offset, offset + 1));
    const impatient = fixture.appenderOf({ ...FAST_RETRY, attempts: 1 });
    for (const nth of [20, 30, 36, 38]) {
      storage.emulator.faults.add({
        operation: 'objects.compose',
        nth,
        effect: { kind: 'reset', when: 'after' },
      });
      await assert.rejects(fixture.finish(progress, impatient), String(nth));
      storage.emulator.faults.clear();
    }
    // An object that was composed on the way is no part.
    const { id } = progress.record;
    assert.ok((await fixture.parts(id)).some((name) => name === '0000000000000-0000000000032'));
    assert.equal((await readChain(fixture.appender.unscanned, id)).end, bytes.length);
    await isStored(await fixture.live(id), bytes);
  });

  it('count as far as they arrived where the connection breaks', async () => {
    const bytes = random(1_000_000);
    const created = await fixture.create(bytes.length);
    await assert.rejects(fixture.send(created, bytes.subarray(0, 900_000), { cut: true }), /went away/);
    const half = await fixture.live(created.record.id);
    assert.equal(half.chain.end, 900_000);
    await isStored(await fixture.send(half, bytes.subarray(900_000), { cut: true }), bytes);
  });

  it('do not count where their checksum is another, or where they are cut before it is known', async () => {
    const bytes = random(1_000_000);
    const created = await fixture.create(bytes.length);
    const { id } = created.record;
    const checksum = { algorithm: 'sha256', digest: createHash('sha256').update(bytes).digest() } as const;
    const wrong = { ...checksum, digest: Buffer.alloc(32) };
    await assert.rejects(fixture.send(created, bytes, { checksum: wrong }), problem('upload-checksum'));
    await assert.rejects(fixture.send(created, Buffer.alloc(0), { checksum }), problem('upload-checksum'));
    await assert.rejects(fixture.send(created, bytes.subarray(1), { checksum, cut: true }), /went away/);
    assert.deepEqual(await fixture.parts(id), []);
    const last = await fixture.send(created, bytes, { checksum });
    assert.equal((await fixture.parts(id)).length, 1);
    await isStored(last, bytes);
  });

  it('are refused beyond the length, and none of that part counts', async () => {
    const created = await fixture.create(1000);
    await assert.rejects(fixture.send(created, random(1001)), problem('upload-too-long'));
    assert.deepEqual(await fixture.parts(created.record.id), []);
  });

  it('of a request that is behind change nothing, though it comes to its end later', async () => {
    const behind = await fixture.create(2000);
    const bytes = random(2000);
    const first = await fixture.send(behind, bytes.subarray(0, 500));
    for (const size of [2000, 500, 1]) {
      await assert.rejects(fixture.send(behind, random(size)), problem('upload-offset'));
    }
    await isStored(await fixture.send(first, bytes.subarray(500)), bytes);
  });

  it('of two requests at one offset count for one, whatever their sizes', async () => {
    for (const sizes of [
      [10, 10],
      [10, 700_000],
      [700_000, 700_001],
    ]) {
      const created = await fixture.create();
      const contents = sizes.map(random);
      const answers = await Promise.allSettled(contents.map((bytes) => fixture.send(created, bytes)));
      const won = answers.flatMap((answer, at) => (answer.status === 'fulfilled' ? [contents[at]] : []));
      const lost = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason] : []));
      assert.equal(won.length, 1);
      assert.ok(lost.every(problem('upload-offset')), String(lost));
      const { chain } = await fixture.live(created.record.id);
      assert.equal(chain.end, won[0]?.length);
    }
  });

  it('go on in another instance, which reads nothing of what came before and leaves the digest to the scanner', async () => {
    const bytes = random(900_000);
    const { record } = await fixture.create(bytes.length);
    const before = storage.emulator.operations.of('objects.getMedia').calls;
    for (let offset = 0; offset < bytes.length; offset += 300_000) {
      const appender = fixture.appenderOf(FAST_RETRY);
      await fixture.send(await fixture.live(record.id), bytes.subarray(offset, offset + 300_000), {
        appender,
      });
    }
    assert.equal(storage.emulator.operations.of('objects.getMedia').calls, before);
    const object = await fixture.finish(await fixture.live(record.id));
    assert.deepEqual(object.metadata, {});
    assert.deepEqual(await fixture.stored(record.id), bytes);
  });

  it('go on in the instance that wrote them and forgot it, with their digest', async () => {
    const bytes = random(900);
    const created = await fixture.create(bytes.length);
    await fixture.send(await fixture.send(created, bytes.subarray(0, 300)), bytes.subarray(300, 600));
    const last = await fixture.send(await fixture.live(created.record.id), bytes.subarray(600));
    await isStored(last, bytes);
  });

  it('have no digest, and not a wrong one, where another instance wrote some of them in between', async () => {
    const bytes = random(900);
    const created = await fixture.create(bytes.length);
    const appender = fixture.appenderOf(FAST_RETRY);
    await fixture.send(created, bytes.subarray(0, 300));
    await fixture.send(await fixture.live(created.record.id), bytes.subarray(300, 600), { appender });
    const last = await fixture.send(await fixture.live(created.record.id), bytes.subarray(600));
    assert.deepEqual((await fixture.finish(last)).metadata, {});
    assert.deepEqual(await fixture.stored(created.record.id), bytes);
  });

  it('that are announced are the same however many come', async () => {
    const bytes = random(1_200_000);
    for (const size of [1_200_000, 1_200_001, 2_000_000]) {
      const created = await fixture.create(bytes.length);
      const appender = { ...fixture.appender, partBytes: 1_200_000 };
      await isStored(await fixture.send(created, bytes, { size, appender }), bytes);
    }
  });

  it('count where the record was changed meanwhile, but not the upload', async () => {
    const bytes = random(2000);
    const created = await fixture.create(bytes.length);
    const grant = () => write(created.record.id, (record) => ({ ...record, viewers: viewersNamed('org:1') }));
    await isStored(await interrupted(created, bytes, grant), bytes);
    assert.deepEqual((await fixture.read(created.record.id)).record.viewers, viewersNamed('org:1'));
  });

  for (const [why, end] of Object.entries(ENDS)) {
    it(`do not count where ${why} before them`, async () => {
      const created = await fixture.create(2000);
      await write(created.record.id, (record) => end(record as Progress['record']));
      await assert.rejects(fixture.send(created, random(1000)), problem('upload-offset'));
      await assert.rejects(fixture.send(created, Buffer.alloc(0)), problem('upload-offset'));
      assert.deepEqual(await fixture.parts(created.record.id), []);
    });

    it(`do not count an hour later, where ${why} meanwhile`, async () => {
      const created = await fixture.create(2000);
      const meanwhile = () => write(created.record.id, (record) => end(record as Progress['record']));
      await assert.rejects(interrupted(created, random(1000), meanwhile, HOUR), problem('upload-offset'));
      assert.deepEqual(await fixture.parts(created.record.id), []);
    });
  }

  it('do not count an hour later, where the file was completed without them and its parts are gone', async () => {
    const bytes = random(2000);
    for (const at of [0, 1000]) {
      const created = await fixture.create(bytes.length);
      const from = at === 0 ? created : await fixture.send(created, bytes.subarray(0, at));
      const meanwhile = async () => isStored(await fixture.send(from, bytes.subarray(at)), bytes);
      await assert.rejects(interrupted(from, random(500), meanwhile, HOUR), problem('upload-offset'));
      assert.deepEqual(await fixture.parts(created.record.id), []);
    }
  });

  it('do not count where the record cannot be read', async () => {
    const created = await fixture.create(2000);
    const effect = { kind: 'error', status: 403 } as const;
    storage.emulator.faults.add({ operation: 'objects.get', effect });
    await assert.rejects(fixture.send(created, random(1000)), /403/);
    storage.emulator.faults.clear();
    assert.deepEqual(await fixture.parts(created.record.id), []);
  });

  for (const size of [1000, 700_000]) {
    it(`count once where the answer to them was lost: ${size} bytes`, async () => {
      const bytes = random(size);
      const created = await fixture.create(size);
      const operation = size > 262_144 ? 'resumable.chunk' : 'objects.insert';
      const nth = size > 262_144 ? 2 : 1;
      const appender = { ...fixture.appender, partBytes: 1_000_000 };
      const struck = storage.emulator.faults.add({
        operation,
        nth,
        effect: { kind: 'reset', when: 'after' },
      });
      const last = await fixture.send(created, bytes, { appender });
      assert.ok(struck() >= nth);
      await isStored(last, bytes);
    });
  }

  it('make one object where the answer to composing them was lost, or several compose at once', async () => {
    const bytes = random(2000);
    const half = await fixture.send(await fixture.create(bytes.length), bytes.subarray(0, 1000));
    const last = await fixture.send(half, bytes.subarray(1000));
    const effect = { kind: 'reset', when: 'after' } as const;
    const struck = storage.emulator.faults.add({ operation: 'objects.compose', nth: 1, effect });
    const again = fixture.appenderOf(FAST_RETRY);
    const [one, other] = await Promise.all([fixture.finish(last), fixture.finish(last, again)]);
    assert.ok(struck() >= 2);
    assert.equal(one.generation, other.generation);
    // Parts that are gone are no loss as long as the object is there, and are told where it is not.
    const { id } = last.record;
    assert.equal((await fixture.finish(last)).generation, one.generation);
    await fixture.appender.unscanned.delete(id, one);
    assert.equal(await assemble(fixture.appender.unscanned, id, last.chain), undefined);
  });

  it('behind a gap do not count, and are composed to nothing', async () => {
    const bytes = random(30);
    const created = await fixture.create(30);
    const { id } = created.record;
    await fixture.send(created, bytes.subarray(0, 10));
    await plant(id, partName(id, 12), bytes.subarray(0, 18));
    const live = await fixture.live(id);
    assert.deepEqual([live.chain.end, live.chain.parts.length], [10, 1]);
    assert.ok(!isWhole(live.record.upload, live.chain));
    await isStored(await fixture.send(live, bytes.subarray(10)), bytes).catch(() => undefined);
    assert.deepEqual(await fixture.stored(id), bytes);
  });

  it('are no upload of a length that is no number, and none that names other objects', async () => {
    const { record } = await fixture.create();
    await plant(record.id, lengthName(record.id), Buffer.alloc(0), { length: 'ten' });
    await plant(record.id, `parts/ID/0000000000000-0000000000010`, Buffer.alloc(10));
    const { chain } = await fixture.live(record.id);
    assert.deepEqual(chain, NO_PARTS);
  });

  it('are written as fast as they come: no name is written twice', async () => {
    let progress = await fixture.create(3);
    storage.emulator.operations.reset();
    const appender = fixture.appenderOf(DEFAULT_RETRY);
    for (const byte of ['a', 'b', 'c'])
      progress = await fixture.send(progress, Buffer.from(byte), { appender });
    const { id } = progress.record;
    assert.equal((await assemble(appender.unscanned, id, progress.chain))?.size, 3);
    assert.equal(storage.emulator.operations.report().mutationsRefused, 0);
    // A part that was written a moment ago cannot be removed yet.
    await removeChain(appender.unscanned, id, progress.chain);
    assert.deepEqual(await fixture.parts(id), []);
  });

  const OPERATIONS: readonly Operation[] = [
    'objects.insert',
    'objects.get',
    'objects.getMedia',
    'objects.list',
    'resumable.start',
    'resumable.chunk',
  ];
  const request = fc.record({
    size: fc.oneof(fc.integer({ min: 0, max: 10 }), fc.integer({ min: 0, max: 900_000 })),
    kind: fc.constantFrom('whole', 'whole', 'cut', 'crash', 'crash', 'twice', 'behind', 'mismatch'),
    elsewhere: fc.boolean(),
    operation: fc.constantFrom(...OPERATIONS),
    when: fc.constantFrom('before' as const, 'after' as const),
    nth: fc.integer({ min: 1, max: 3 }),
  });

  it('are what was acknowledged, after any sequence of requests, mistakes and crashes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(request, { maxLength: 12 }), async (requests) => {
        const { record } = await fixture.create();
        const { id } = record;
        const impatient = fixture.appenderOf({ ...FAST_RETRY, attempts: 1 });
        const other = fixture.appenderOf(FAST_RETRY);
        let content = Buffer.alloc(0);
        let before = await fixture.live(id);
        let isDigested = true;
        for (const { size, kind, elsewhere, operation, when, nth } of requests) {
          const read = await fixture.live(id);
          const [bytes, others] = [random(size), random(size)];
          if (kind === 'crash') {
            storage.emulator.faults.add({ operation, nth, effect: { kind: 'reset', when } });
          }
          const from = kind === 'behind' ? before : read;
          const checksum = { algorithm: 'sha1', digest: Buffer.alloc(20) } as const;
          const how = { cut: kind === 'cut', ...(kind === 'mismatch' && { checksum }) };
          const healthy = elsewhere ? other : fixture.appender;
          const appender = kind === 'crash' ? impatient : healthy;
          const sent = [bytes, ...(kind === 'twice' ? [others] : [])];
          const answers = await Promise.allSettled(
            sent.map((each) => fixture.send(from, each, { ...how, appender })),
          );
          storage.emulator.faults.clear();
          before = read;
          const { chain } = await fixture.live(id);
          const acknowledged = answers.findIndex(({ status }) => status === 'fulfilled');
          const added = chain.end - content.length;
          const stored = await partsFrom(id, content.length);
          assert.equal(stored.length, added);
          const counted = sent.find((each) => each.subarray(0, added).equals(stored));
          assert.ok(counted, 'other bytes were stored than were sent');
          isDigested &&= added === 0 || appender === fixture.appender;
          content = Buffer.concat([content, stored]);
          if (acknowledged >= 0 && kind !== 'behind') assert.equal(added, size);
          if (kind === 'mismatch') assert.equal(added, 0);
        }
        const rest = random(1000);
        const live = await fixture.live(id);
        const length = content.length + rest.length;
        await fixture.appender.unscanned.insertEmpty(lengthName(id), {
          contentType: 'text/plain',
          metadata: { length: String(length) },
        });
        const last = await fixture.send(
          { ...live, chain: await readChain(fixture.appender.unscanned, id) },
          rest,
        );
        content = Buffer.concat([content, rest]);
        const object = await fixture.finish(last);
        assert.equal(object.metadata['sha256'], isDigested ? sha256(content) : undefined);
        assert.equal(sha256(await fixture.stored(id)), sha256(content));
        assert.deepEqual(await fixture.parts(id), []);
      }),
      { numRuns: 25 },
    );
  });

  async function partsFrom(id: FileId, offset: number): Promise<Buffer> {
    const { unscanned } = fixture.appender;
    const { parts } = await readChain(unscanned, id);
    const pieces: Uint8Array[] = [];
    for (const part of parts.filter((each) => each.offset >= offset)) {
      const object = (await unscanned.stat(part.name)) ?? assert.fail();
      const range = { start: 0, end: object.size - 1 };
      for await (const piece of (await unscanned.read(part.name, { ...part, range })) ?? assert.fail())
        pieces.push(Uint8Array.from(piece));
    }
    return Buffer.concat(pieces);
  }
});
