import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import type { Operation } from '../../../infra/local/storage/operation.ts';
import { assemble } from '../../../shared/files/parts.ts';
import { isTus } from '../../../shared/files/uploading.ts';
import { Problem } from '../../../shared/http/problems.ts';
import type { Principal } from '../../../shared/identity/principal.ts';
import { DEFAULT_RETRY } from '../../../shared/storage/retry.ts';
import { FAST_RETRY } from '../../shared/storage/streams.ts';
import { offsetOf, pending, random, UploadFixture } from './fixture.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const problem = (type: string) => (error: unknown) => error instanceof Problem && error.type === type;

describe('the bytes of a tus request', function () {
  this.timeout(60_000);
  const fixture = new UploadFixture();

  it('of any size make the same file, with its digests', async () => {
    const bytes = random(1_500_001);
    for (const size of [100_000, 262_144, 400_000, 400_001, 1_500_001]) {
      const { record } = await fixture.create(bytes.length);
      let read = await fixture.live(record.id);
      for (let offset = 0; offset < bytes.length; offset += size) {
        const written = await fixture.send(read, bytes.subarray(offset, offset + size));
        if (isTus(written.record)) read = await fixture.live(record.id);
      }
      const last = pending((await fixture.read(record.id)).record);
      assert.equal(last.content?.sha256, sha256(bytes));
      assert.equal(await assemble(fixture.appender, last), 'made');
      assert.deepEqual(await fixture.stored(record.id), bytes);
      const object = await fixture.appender.unscanned.stat(record.id);
      assert.equal(object?.crc32c, last.content?.crc32c);
      assert.deepEqual(await fixture.parts(record.id), []);
    }
  });

  it('are few parts however many requests they come in', async () => {
    const bytes = random(700);
    const { record } = await fixture.create(bytes.length);
    for (let offset = 0; offset < bytes.length; offset += 10) {
      const read = await fixture.live(record.id);
      assert.ok(read.record.upload.parts.length <= 32);
      assert.deepEqual((await fixture.parts(record.id)).sort(), [...read.record.upload.parts].sort());
      await fixture.send(read, bytes.subarray(offset, offset + 10));
    }
    const last = pending((await fixture.read(record.id)).record);
    await assemble(fixture.appender, last);
    assert.deepEqual(await fixture.stored(record.id), bytes);
    assert.deepEqual(await fixture.parts(record.id), []);
  });

  it('count as far as they arrived where the connection breaks', async () => {
    const bytes = random(1_000_000);
    const { record } = await fixture.create(bytes.length);
    const first = await fixture.live(record.id);
    await assert.rejects(fixture.send(first, bytes.subarray(0, 900_000), { cut: true }), /went away/);
    const read = await fixture.live(record.id);
    assert.equal(read.record.upload.offset, 900_000);
    const { record: last } = await fixture.send(read, bytes.subarray(900_000), { cut: true });
    assert.equal(pending(last).content?.sha256, sha256(bytes));
  });

  it('do not count where their checksum is another, or where they are cut before it is known', async () => {
    const bytes = random(1_000_000);
    const { record } = await fixture.create(bytes.length);
    const read = await fixture.live(record.id);
    const checksum = { algorithm: 'sha256', digest: createHash('sha256').update(bytes).digest() } as const;
    const wrong = { ...checksum, digest: Buffer.alloc(32) };
    await assert.rejects(fixture.send(read, bytes, { checksum: wrong }), problem('upload-checksum'));
    await assert.rejects(fixture.send(read, bytes.subarray(1), { checksum, cut: true }), /went away/);
    assert.equal((await fixture.live(record.id)).record.upload.offset, 0);
    assert.deepEqual(await fixture.parts(record.id), []);
    const { record: last } = await fixture.send(read, bytes, { checksum });
    assert.equal(pending(last).content?.sha256, sha256(bytes));
    assert.equal((await fixture.parts(record.id)).length, 1);
  });

  it('are refused beyond the length, and none of that part counts', async () => {
    const { record } = await fixture.create(1000);
    const read = await fixture.live(record.id);
    await assert.rejects(fixture.send(read, random(1001)), problem('upload-too-long'));
    assert.equal((await fixture.live(record.id)).record.upload.offset, 0);
    assert.deepEqual(await fixture.parts(record.id), []);
  });

  it('of a request that is behind change nothing, though it comes to its end later', async () => {
    const { record } = await fixture.create(2000);
    const behind = await fixture.live(record.id);
    const bytes = random(2000);
    await fixture.send(behind, bytes.subarray(0, 500));
    await assert.rejects(fixture.send(behind, random(2000)), problem('upload-offset'));
    const { record: last } = await fixture.send(await fixture.live(record.id), bytes.subarray(500));
    assert.equal(pending(last).content?.sha256, sha256(bytes));
    assert.equal((await fixture.parts(record.id)).length, 2);
  });

  it('go on in another instance, which reads what came before once, and no other has to again', async () => {
    const bytes = random(900_000);
    const { record } = await fixture.create(bytes.length);
    const reads = () => fixture.storage.emulator.operations.of('objects.getMedia').calls;
    const before = reads();
    const read: number[] = [];
    for (let offset = 0; offset < bytes.length; offset += 300_000) {
      const appender = fixture.appenderOf(FAST_RETRY);
      await fixture.send(await fixture.live(record.id), bytes.subarray(offset, offset + 300_000), {
        appender,
      });
      read.push(reads() - before);
    }
    assert.deepEqual(read, [0, 1, 1]);
    assert.equal(pending((await fixture.read(record.id)).record).content?.sha256, sha256(bytes));
  });

  it('go on without a digest where what came before cannot be read again', async () => {
    const bytes = random(2000);
    const { record } = await fixture.create(bytes.length);
    await fixture.send(await fixture.live(record.id), bytes.subarray(0, 1000));
    const effect = { kind: 'error', status: 503 } as const;
    fixture.storage.emulator.faults.add({ operation: 'objects.getMedia', effect });
    const appender = fixture.appenderOf(FAST_RETRY);
    await fixture.send(await fixture.live(record.id), bytes.subarray(1000), { appender });
    const last = pending((await fixture.read(record.id)).record);
    assert.deepEqual([last.content, last.claims], [undefined, { size: 2000 }]);
    fixture.storage.emulator.faults.clear();
    await assemble(fixture.appender, last);
    assert.deepEqual(await fixture.stored(record.id), bytes);
  });

  it('that are announced are the same however many come', async () => {
    const bytes = random(1_200_000);
    for (const size of [1_200_000, 1_200_001, 2_000_000]) {
      const { record } = await fixture.create(bytes.length);
      const appender = { ...fixture.appender, partBytes: 1_200_000 };
      const { record: last } = await fixture.send(await fixture.live(record.id), bytes, { size, appender });
      assert.equal(pending(last).content?.sha256, sha256(bytes));
    }
  });

  it('go on without a digest where the library that saved it was another: the scanner finds one', async () => {
    const bytes = random(2000);
    const { record } = await fixture.create(bytes.length);
    const { record: half, object } = await fixture.send(
      await fixture.live(record.id),
      bytes.subarray(0, 1000),
    );
    assert.ok(isTus(half));
    const foreign = { ...half, upload: { ...half.upload, running: '0.AAAA' } };
    await fixture.appender.records.replace({ record: half, object }, foreign);
    const last = pending((await fixture.send(await fixture.live(record.id), bytes.subarray(1000))).record);
    assert.deepEqual([last.content, last.claims], [undefined, { size: 2000 }]);
  });

  it('count where the record was changed meanwhile, but not the upload', async () => {
    const bytes = random(2000);
    const { record } = await fixture.create();
    const { records } = fixture.appender;
    const stale = await fixture.live(record.id);
    await records.replace(stale, { ...stale.record, viewers: ['org:1' as Principal] });
    const declared = {
      ...stale,
      record: { ...stale.record, upload: { ...stale.record.upload, length: 2000 } },
    };
    const half = await fixture.send(declared, bytes.subarray(0, 1000));
    await records.replace(half, { ...half.record, viewers: ['org:2' as Principal] });
    assert.ok(isTus(half.record));
    const last = await fixture.send({ ...half, record: half.record }, bytes.subarray(1000));
    assert.deepEqual(pending(last.record).viewers, ['org:2']);
    assert.equal(pending((await fixture.read(record.id)).record).content?.sha256, sha256(bytes));
  });

  for (const [what, last] of [
    ['the record was changed', false],
    ['the upload went on', true],
  ] as const) {
    it(`are kept where their record was written, the answer was lost, and then ${what}`, async () => {
      const bytes = random(3000);
      const { record } = await fixture.create(last ? undefined : 1000);
      const { id } = record;
      const meanwhile = async () => {
        const read = await fixture.read(id);
        await fixture.appender.records.replace(read, { ...read.record, viewers: ['org:1' as Principal] });
        if (last) await fixture.send(await fixture.live(id), bytes.subarray(1000));
      };
      const appender = fixture.appenderOf({ ...FAST_RETRY, pause: meanwhile });
      const effect = { kind: 'reset', when: 'after' } as const;
      fixture.storage.emulator.faults.add({ operation: 'objects.patch', nth: 1, effect });
      const sending = fixture.send(await fixture.live(id), bytes.subarray(0, 1000), { appender });
      if (last) await assert.rejects(sending, problem('upload-offset'));
      else assert.equal((await sending).record.state, 'pending');
      if (last) {
        const read = await fixture.live(id);
        assert.equal(read.record.upload.offset, 3000);
        const length = { ...read.record, upload: { ...read.record.upload, length: 3000 } };
        await fixture.send({ ...read, record: length }, Buffer.alloc(0));
      }
      const complete = pending((await fixture.read(id)).record);
      assert.deepEqual(complete.viewers, ['org:1']);
      await assemble(fixture.appender, complete);
      assert.deepEqual(await fixture.stored(id), last ? bytes : bytes.subarray(0, 1000));
    });
  }

  it('are complete where only the length was said, the answer was lost, and then the record was changed', async () => {
    const bytes = random(1000);
    const { record } = await fixture.create();
    const { record: half, object } = await fixture.send(await fixture.live(record.id), bytes);
    assert.ok(isTus(half));
    const meanwhile = async () => {
      const read = await fixture.read(record.id);
      await fixture.appender.records.replace(read, { ...read.record, viewers: ['org:1' as Principal] });
    };
    const appender = fixture.appenderOf({ ...FAST_RETRY, pause: meanwhile });
    const effect = { kind: 'reset', when: 'after' } as const;
    fixture.storage.emulator.faults.add({ operation: 'objects.patch', nth: 1, effect });
    const declared = { object, record: { ...half, upload: { ...half.upload, length: 1000 } } };
    const written = await fixture.send(declared, Buffer.alloc(0), { appender });
    assert.deepEqual(pending(written.record).viewers, ['org:1']);
    await assemble(fixture.appender, pending(written.record));
    assert.deepEqual(await fixture.stored(record.id), bytes);
  });

  it('do not count where the length was declared otherwise meanwhile, or the record keeps changing', async () => {
    const { record } = await fixture.create();
    const stale = await fixture.live(record.id);
    const { upload } = stale.record;
    await fixture.appender.records.replace(stale, { ...stale.record, upload: { ...upload, length: 3000 } });
    const declared = { ...stale, record: { ...stale.record, upload: { ...upload, length: 2000 } } };
    await assert.rejects(fixture.send(declared, random(1000)), problem('upload-offset'));
    const appender = fixture.appenderOf(FAST_RETRY);
    Object.assign(appender.records, { replace: async () => undefined });
    const current = await fixture.live(record.id);
    await assert.rejects(fixture.send(current, random(1000), { appender }), problem('upload-offset'));
    assert.deepEqual(await fixture.parts(record.id), []);
  });

  it('can be written as often as Cloud Storage takes writes of a name', async () => {
    const { record } = await fixture.create(3);
    fixture.storage.emulator.mutationLimit.enabled = true;
    const appender = fixture.appenderOf(DEFAULT_RETRY);
    for (const byte of ['a', 'b', 'c']) {
      await fixture.send(await fixture.live(record.id), Buffer.from(byte), { appender });
    }
    assert.equal(pending((await fixture.read(record.id)).record).content?.size, 3);
  });

  const OPERATIONS: readonly Operation[] = [
    'objects.insert',
    'objects.patch',
    'objects.compose',
    'objects.list',
    'resumable.start',
    'resumable.chunk',
  ];
  const request = fc.record({
    size: fc.oneof(fc.integer({ min: 0, max: 10 }), fc.integer({ min: 0, max: 900_000 })),
    kind: fc.constantFrom('whole', 'whole', 'cut', 'crash', 'crash', 'twice', 'behind', 'mismatch'),
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
        let content = Buffer.alloc(0);
        let before = await fixture.live(id);
        for (const { size, kind, operation, when, nth } of requests) {
          const read = await fixture.live(id);
          const [bytes, others] = [random(size), random(size)];
          if (kind === 'crash') {
            fixture.storage.emulator.faults.add({ operation, nth, effect: { kind: 'reset', when } });
          }
          const from = kind === 'behind' ? before : read;
          const checksum = { algorithm: 'sha1', digest: Buffer.alloc(20) } as const;
          const how = { cut: kind === 'cut', ...(kind === 'mismatch' && { checksum }) };
          const appender = kind === 'crash' ? impatient : fixture.appender;
          const sent = [bytes, ...(kind === 'twice' ? [others] : [])];
          const answers = await Promise.allSettled(
            sent.map((each) => fixture.send(from, each, { ...how, appender })),
          );
          fixture.storage.emulator.faults.clear();
          before = read;
          const offset = offsetOf((await fixture.read(id)).record);
          const acknowledged = answers.findIndex(({ status }) => status === 'fulfilled');
          const counted = sent[Math.max(acknowledged, 0)]?.subarray(0, offset - content.length);
          assert.ok(counted);
          content = Buffer.concat([content, counted]);
          assert.equal(content.length, offset);
          if (acknowledged >= 0) assert.equal(counted.length, size);
          if (kind === 'mismatch') assert.equal(counted.length, 0);
        }
        const rest = random(1000);
        const read = await fixture.live(id);
        const whole = { ...read.record.upload, length: content.length + rest.length };
        const declared = { ...read, record: { ...read.record, upload: whole } };
        const last = pending((await fixture.send(declared, rest)).record);
        content = Buffer.concat([content, rest]);
        await Promise.all([assemble(fixture.appender, last), assemble(fixture.appender, last)]);
        assert.equal(last.content?.sha256, sha256(content));
        assert.equal(sha256(await fixture.stored(id)), sha256(content));
        assert.deepEqual(await fixture.parts(id), []);
      }),
      { numRuns: 25 },
    );
  });
});
