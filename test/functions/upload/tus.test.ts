import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { FaultRule } from '../../../infra/emulators/storage/src/faults/faults.ts';
import { type FileId, parseFileId } from '../../../shared/files/file-id.ts';
import { lengthName, partName, readChain, removeParts } from '../../../shared/files/parts.ts';
import type { FileRecord, Sha256 } from '../../../shared/files/record.ts';
import type { Principal } from '../../../shared/identity/principal.ts';
import type { Generation } from '../../../shared/storage/object.ts';
import { until } from '../../infra/emulators/storage/emulator-fixture.ts';
import { FAST_RETRY } from '../../shared/storage/streams.ts';
import { writeRecord } from '../../support/records.ts';
import { random, UploadFixture } from './fixture.ts';
import { HOUR, type Instance, patch, type Reply, TusInstances, told } from './tus-fixture.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('tus in several instances', () => {
  const fixture = new UploadFixture();
  const instances = new TusInstances(fixture);
  let one: Instance;
  let two: Instance;
  beforeEach(async () => {
    [one, two] = [await instances.start(), await instances.start()];
  });

  const create = async (length?: number, at = one): Promise<{ path: string; id: FileId }> => {
    const said = length === undefined ? { 'upload-defer-length': '1' } : { 'upload-length': String(length) };
    const { status, location } = await at.send('POST', '/uploads', said as Record<string, string>);
    assert.equal(status, 201);
    const id = parseFileId(location?.replace('/uploads/', '') ?? '') ?? assert.fail();
    return { path: `/uploads/${id}`, id };
  };
  const bytesOf = (size: number) => random(size) as Buffer<ArrayBuffer>;
  const fault = (rule: FaultRule) => fixture.storage.emulator.faults.add(rule);
  const heal = () => fixture.storage.emulator.faults.clear();

  async function write(id: FileId, change: (record: FileRecord) => FileRecord): Promise<void> {
    const read = await fixture.read(id);
    assert.ok(await writeRecord(fixture.appender.records, read, change(read.record)));
  }
  const storedOf = (record: FileRecord) => {
    const { upload: _, content: __, ...stored } = record as Extract<FileRecord, { state: 'uploading' }>;
    return stored;
  };
  const expired = (record: FileRecord): FileRecord => ({ ...storedOf(record), state: 'expired' });
  const deleted = (record: FileRecord): FileRecord => ({
    ...storedOf(record),
    state: 'deleted',
    deletedAt: new Date(),
  });

  /** State as the scanner leaves it. */
  async function decide(id: FileId): Promise<void> {
    const { unscanned } = fixture.appender;
    const object = (await unscanned.stat(id)) ?? assert.fail();
    const { size, crc32c } = object;
    const content = { size, crc32c, sha256: sha256(await fixture.stored(id)) as Sha256 };
    const scan = { generation: '1' as Generation, scannedAt: new Date() };
    await write(id, (record) => ({ ...storedOf(record), state: 'clean', content, scan }));
    await unscanned.delete(id, object);
  }

  async function isStored(id: FileId, bytes: Buffer): Promise<void> {
    assert.equal(sha256(await fixture.stored(id)), sha256(bytes));
    while ((await fixture.parts(id)).length > 0) await delay(5);
  }

  /** A body whose last byte waits. */
  function slow(bytes: Buffer): { body: ReadableStream; arrive: () => void } {
    let arrive: () => void = () => undefined;
    const waits = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    const pieces = [bytes.subarray(0, -1), bytes.subarray(-1)];
    const body = new ReadableStream({
      async pull(controller) {
        if (pieces.length === 1) await waits;
        const piece = pieces.shift();
        if (piece) controller.enqueue(piece);
        else controller.close();
      },
    });
    return { body, arrive };
  }
  /** A request to an instance that knows the upload, once its body is asked for. */
  async function begun(send: () => Promise<Reply>): Promise<{ answer: Promise<Reply> }> {
    const { calls } = fixture.storage.emulator.operations.of('objects.get');
    const answer = send();
    // The record is read beside the body.
    await until(() => fixture.storage.emulator.operations.of('objects.get').calls > calls);
    return { answer };
  }

  it('costs a record, a part for each request and one object, and no listing, in one instance', async () => {
    const { operations } = fixture.storage.emulator;
    for (const requests of [1, 5, 32]) {
      operations.reset();
      const { path, id } = await create(requests * 10);
      const bytes = bytesOf(requests * 10);
      for (let at = 0; at < requests; at++)
        assert.equal((await patch(one, path, at * 10, bytes.subarray(at * 10, at * 10 + 10))).status, 204);
      const { classes, operations: asked } = operations.report();
      assert.equal(classes.A, 1 + requests + 1);
      assert.deepEqual([asked['objects.insert']?.calls, asked['objects.compose']?.calls], [1 + requests, 1]);
      // The record is read with each part and once at the end.
      assert.equal(classes.B, requests + 1);
      assert.deepEqual([asked['objects.list'], asked['objects.patch']], [undefined, undefined]);
      await isStored(id, bytes);
      assert.equal((await fixture.appender.unscanned.stat(id))?.metadata['sha256'], sha256(bytes));
    }
  });

  const half = 500;
  const STEPS: readonly (readonly [string, Omit<FaultRule, 'effect'>])[] = [
    ['writing the first part', { operation: 'objects.insert', namePrefix: 'parts/', nth: 1 }],
    ['reading the record beside it', { operation: 'objects.get', nth: 1 }],
    ['writing the length', { operation: 'objects.insert', namePrefix: 'parts/', nth: 2 }],
    ['writing the last part', { operation: 'objects.insert', namePrefix: 'parts/', nth: 3 }],
    ['composing', { operation: 'objects.compose', nth: 1 }],
    ['reading the record of the object', { operation: 'objects.get', nth: 3 }],
    ['removing the parts', { operation: 'objects.delete', nth: 1 }],
  ];
  for (const [step, rule] of STEPS) {
    for (const when of ['before', 'after'] as const) {
      it(`goes on in another instance where one died at ${step}, ${when} it took effect`, async () => {
        const bytes = bytesOf(1000);
        const mortal = await instances.start({ attempts: 1 });
        const { path, id } = await create(undefined, mortal);
        const struck = fault({ ...rule, effect: { kind: 'reset', when } });
        const first = await patch(mortal, path, 0, bytes.subarray(0, half));
        const length = { 'upload-length': '1000' };
        const last =
          first.status === 204 ? await patch(mortal, path, half, bytes.subarray(half), length) : first;
        if (rule.operation === 'objects.delete') assert.equal(last.status, 204);
        else assert.ok(last.status >= 500, `${last.status}`);
        await until(() => struck() >= (rule.nth ?? 1));
        heal();
        const { status, offset } = await two.send('HEAD', path);
        assert.equal(status, 200);
        const from = Number(offset);
        if (first.status === 204) assert.ok(from >= half);
        if (from < 1000) {
          const sent = await patch(two, path, from, bytes.subarray(from), length);
          assert.deepEqual(told(sent), [204, '1000']);
        }
        // Where all of it went by in one instance, which made the object before it died; else it is the scanner's to find.
        const digest = (await fixture.appender.unscanned.stat(id))?.metadata['sha256'];
        assert.ok(digest === undefined || digest === sha256(bytes), String(digest));
        assert.equal(sha256(await fixture.stored(id)), sha256(bytes));
        assert.deepEqual(told(await one.send('HEAD', path)), [200, '1000']);
      });
    }
  }

  it('tells the truth by HEAD, whatever the instance knew before', async () => {
    const bytes = bytesOf(1000);
    const { path, id } = await create(1000);
    await patch(one, path, 0, bytes.subarray(0, 300));
    await patch(two, path, 300, bytes.subarray(300, 600));
    assert.deepEqual(told(await one.send('HEAD', path)), [200, '600']);
    assert.deepEqual(told(await patch(one, path, 300, bytes.subarray(300))), [409, 'upload-offset']);
    assert.deepEqual(told(await patch(one, path, 600, bytes.subarray(600))), [204, '1000']);
    await isStored(id, bytes);
    // It remembers an upload that stands there, and what it is sent would make another file, or the same.
    assert.deepEqual(told(await patch(two, path, 600, bytesOf(400))), [409, 'upload-complete']);
    assert.deepEqual(told(await patch(two, path, 600, bytes.subarray(600))), [409, 'upload-complete']);
    assert.deepEqual(told(await two.send('HEAD', path)), [200, '1000']);
    // Its parts belong to nothing any more; the sweeper removes them.
    await removeParts(fixture.appender.unscanned, id);
    await decide(id);
    assert.deepEqual(told(await one.send('HEAD', path)), [200, '1000']);
    assert.deepEqual(told(await patch(one, path, 1000, bytesOf(0))), [204, '1000']);
    assert.equal((await one.send('DELETE', path)).status, 204);
    assert.deepEqual(told(await two.send('HEAD', path)), [410, null]);
    assert.deepEqual(told(await patch(two, path, 1000, bytesOf(0))), [410, 'file-deleted']);
  });

  for (const [how, meanwhile, answer] of [
    ['complete', async () => undefined, [409, 'upload-complete']],
    ['complete and scanned', (id: FileId) => decide(id), [409, 'upload-complete']],
    ['deleted', (id: FileId) => write(id, deleted), [410, 'file-deleted']],
    ['expired', (id: FileId) => write(id, expired), [410, 'file-expired']],
  ] as const) {
    it(`tells a request that comes to its end an hour late that the file is ${how}, and adds nothing`, async () => {
      for (const from of [0, 500]) {
        const bytes = bytesOf(1000);
        const { path, id } = await create(1000);
        if (from > 0) await patch(one, path, 0, bytes.subarray(0, from));
        const { body, arrive } = slow(random(400));
        const late = await begun(() => patch(one, path, from, body));
        await patch(two, path, from, bytes.subarray(from));
        await isStored(id, bytes);
        await meanwhile(id);
        instances.lateMs += HOUR;
        arrive();
        assert.deepEqual(told(await late.answer), answer);
        assert.deepEqual(await fixture.parts(id), []);
      }
    });
  }

  it('tells one of two that complete a file differently at the same time, and no other', async () => {
    for (const isScanned of [false, true]) {
      const bytes = bytesOf(1000);
      const { path, id } = await create(1000);
      const { body, arrive } = slow(random(1000));
      const other = await begun(() => patch(one, path, 0, body));
      assert.deepEqual(told(await patch(two, path, 0, bytes)), [204, '1000']);
      await isStored(id, bytes);
      if (isScanned) await decide(id);
      arrive();
      // Its part is added, because the name is free again; but the file is another.
      assert.deepEqual(told(await other.answer), [409, 'upload-complete']);
      const object = await fixture.appender.unscanned.stat(id);
      // An object that is made after the verdict is dropped for that.
      assert.equal(object?.metadata['sha256'] === sha256(bytes), !isScanned);
      assert.deepEqual(told(await one.send('HEAD', path)), [200, '1000']);
    }
  });

  for (const [how, change, answer] of [
    ['deleted', deleted, [410, 'file-deleted']],
    ['expired', expired, [410, 'file-expired']],
  ] as const) {
    it(`does not call a file complete that is ${how} while its object is made`, async () => {
      const { path, id } = await create(10);
      const struck = fault({ operation: 'objects.compose', effect: { kind: 'delay', ms: 300 } });
      const sending = patch(one, path, 0, bytesOf(10));
      await until(() => struck() > 0);
      await write(id, change);
      assert.deepEqual(told(await sending), answer);
    });
  }

  /** All of its bytes are there, and their process died before it could make the object. */
  async function whole(bytes: Buffer<ArrayBuffer>): Promise<{ path: string; id: FileId }> {
    const created = await create(bytes.length);
    fault({ operation: 'objects.compose', effect: { kind: 'error', status: 403 } });
    const { path } = created;
    await patch(one, path, 0, bytes.subarray(0, 400));
    assert.equal((await patch(one, path, 400, bytes.subarray(400))).status, 500);
    heal();
    return created;
  }

  for (const [method, answer] of [
    ['HEAD', [200, '1000']],
    ['PATCH', [204, '1000']],
    ['DELETE', [204, null]],
  ] as const) {
    it(`finishes what another instance began, by ${method}`, async () => {
      const bytes = bytesOf(1000);
      const { path, id } = await whole(bytes);
      const sent = method === 'PATCH' ? patch(two, path, 1000, bytesOf(0)) : two.send(method, path);
      assert.deepEqual(told(await sent), answer);
      await isStored(id, bytes);
      assert.deepEqual((await fixture.appender.unscanned.stat(id))?.metadata, {});
    });
  }

  it('finds the object where its parts are removed while they are composed', async () => {
    const bytes = bytesOf(1000);
    const { path, id } = await whole(bytes);
    const struck = fault({ operation: 'objects.compose', nth: 1, effect: { kind: 'delay', ms: 500 } });
    const slower = one.send('HEAD', path);
    await until(() => struck() > 0);
    assert.deepEqual(told(await two.send('HEAD', path)), [200, '1000']);
    await isStored(id, bytes);
    assert.deepEqual(told(await slower), [200, '1000']);
  });

  it('calls nothing complete whose parts and object are lost', async () => {
    const { path, id } = await whole(bytesOf(1000));
    const struck = fault({ operation: 'objects.compose', nth: 1, effect: { kind: 'delay', ms: 500 } });
    const answer = one.send('HEAD', path);
    await until(() => struck() > 0);
    await removeParts(fixture.appender.unscanned, id);
    assert.equal((await answer).status, 500);
    assert.equal(await fixture.appender.unscanned.stat(id), undefined);
  });

  it('is complete where its object is there, whatever is left of its parts or was added to them', async () => {
    const bytes = bytesOf(1000);
    const { unscanned } = fixture.appender;
    for (const left of [500, 0]) {
      const { path, id } = await create(1000);
      await patch(one, path, 0, bytes);
      await isStored(id, bytes);
      await unscanned.insertEmpty(partName(id, left), { contentType: 'text/plain' });
      assert.deepEqual(told(await two.send('HEAD', path)), [200, '1000']);
      assert.deepEqual(told(await patch(two, path, 0, bytes)), [409, 'upload-complete']);
    }
  });

  it('adds nothing to what is over in a process that knows only parts that are left of it', async () => {
    const bytes = bytesOf(1000);
    const { unscanned } = fixture.appender;
    const { path, id } = await create(1000);
    await patch(one, path, 0, bytes);
    await isStored(id, bytes);
    const source = Readable.from([bytes.subarray(0, half)]);
    const left = await unscanned.stage(partName(id, 0), source, { contentType: 'text/plain' });
    await left.commit();
    assert.deepEqual(told(await patch(two, path, half, bytes.subarray(half))), [409, 'upload-complete']);
    assert.deepEqual(await fixture.parts(id), ['0'.repeat(13)]);
    await decide(id);
    assert.deepEqual(told(await patch(two, path, half, bytes.subarray(half))), [409, 'upload-complete']);
  });

  it('costs two listings a request where instances take turns, and one of the two before its bytes', async () => {
    const { operations } = fixture.storage.emulator;
    const bytes = bytesOf(1000);
    const { path, id } = await create(1000);
    assert.equal((await patch(one, path, 0, bytes.subarray(0, 300))).status, 204);
    operations.reset();
    assert.equal((await patch(two, path, 300, bytes.subarray(300, half))).status, 204);
    const { classes, operations: asked } = operations.report();
    assert.deepEqual([asked['objects.list']?.calls, asked['objects.insert']?.calls], [2, 1]);
    // The record, and again beside the bytes.
    assert.deepEqual(classes, { A: 3, B: 2, free: 0 });
    assert.equal((await patch(one, path, half, bytes.subarray(half))).status, 204);
    assert.deepEqual((await fixture.appender.unscanned.stat(id))?.metadata, {});
  });

  it('tells where it stands where Cloud Storage refuses a part for too long, because others write its name', async () => {
    const bytes = bytesOf(1000);
    const { path } = await create(1000);
    const { body, arrive } = slow(bytes);
    const { answer } = await begun(() => patch(two, path, 0, body));
    assert.equal((await patch(one, path, 0, bytes.subarray(0, half))).status, 204);
    const refused = fault({
      operation: 'objects.insert',
      namePrefix: 'parts/',
      effect: { kind: 'error', status: 429, reason: 'rateLimitExceeded' },
    });
    arrive();
    assert.deepEqual(told(await answer), [409, 'upload-offset']);
    assert.equal(refused(), FAST_RETRY.attempts);
  });

  it('is complete where its parts may not be deleted', async () => {
    const bytes = bytesOf(1000);
    const { unscanned } = fixture.appender;
    const { path, id } = await create(1000);
    assert.equal((await patch(one, path, 0, bytes.subarray(0, half))).status, 204);
    const part = `/storage/v1/b/${unscanned.name}/o/${encodeURIComponent(partName(id, 0))}`;
    (await fixture.storage.call('PATCH', part, { json: { temporaryHold: true } })).ok();
    assert.deepEqual(told(await patch(two, path, half, bytes.subarray(half))), [204, '1000']);
    assert.deepEqual(told(await one.send('HEAD', path)), [200, '1000']);
    assert.equal(sha256(await fixture.stored(id)), sha256(bytes));
    assert.ok((await fixture.parts(id)).includes('0'.repeat(13)));
  });

  it('takes a deferred length once, from whichever instance, and again where it is the same', async () => {
    const bytes = bytesOf(1000);
    const { path, id } = await create();
    await patch(one, path, 0, bytes.subarray(0, 100), { 'upload-length': '1000' });
    await patch(two, path, 100, bytes.subarray(100, 200), { 'upload-length': '1000' });
    const other = { 'upload-length': '999' };
    for (const at of [one, two])
      assert.equal((await patch(at, path, 200, bytes.subarray(200), other)).status, 400);
    // One that knew nothing of it when the request began.
    const { path: another, id: anotherId } = await create();
    await fixture.appender.unscanned.insertEmpty(lengthName(anotherId), {
      contentType: 'text/plain',
      metadata: { length: '1000' },
    });
    assert.equal((await patch(one, another, 0, bytes, other)).status, 400);
    assert.equal((await patch(one, another, 0, bytesOf(10), { 'upload-length': '1000' })).status, 204);
    assert.deepEqual(told(await patch(one, path, 200, bytes.subarray(200))), [204, '1000']);
    await isStored(id, bytes);
  });

  it('is never complete where a length was declared that is less than what another sent meanwhile', async () => {
    const { path, id } = await create();
    await patch(one, path, 0, bytesOf(10));
    await fixture.appender.unscanned.insertEmpty(lengthName(id), {
      contentType: 'text/plain',
      metadata: { length: '5' },
    });
    for (const size of [0, 1])
      assert.deepEqual(told(await patch(two, path, 10, bytesOf(size))), [413, 'upload-too-long']);
    assert.deepEqual(told(await two.send('HEAD', path)), [200, '10']);
    assert.equal(await fixture.appender.unscanned.stat(id), undefined);
  });

  it('stands before a gap, and what is sent there goes on from there', async () => {
    const bytes = bytesOf(1000);
    const { path, id } = await create(1000);
    await patch(one, path, 0, bytes.subarray(0, 10));
    await fixture.appender.unscanned.insertEmpty(partName(id, 20), { contentType: 'text/plain' });
    assert.deepEqual(told(await two.send('HEAD', path)), [200, '10']);
    assert.deepEqual(told(await patch(two, path, 10, bytes.subarray(10))), [204, '1000']);
    assert.equal(sha256(await fixture.stored(id)), sha256(bytes));
  });

  it('begins nothing after it expired, ends what began before, and knows what is complete', async () => {
    const bytes = bytesOf(1000);
    const { path, id } = await create(1000);
    const { path: unfinished } = await create(1000);
    await patch(one, unfinished, 0, bytesOf(10));
    instances.lateMs = 24 * HOUR - 1_000;
    const { body, arrive } = slow(bytes);
    const sending = await begun(() => patch(one, path, 0, body));
    const { path: half } = await create(1000);
    const first = slow(bytes.subarray(0, 500));
    const sendingHalf = await begun(() => patch(one, half, 0, first.body));
    instances.lateMs = 24 * HOUR + HOUR / 2;
    for (const at of [one, two]) {
      assert.deepEqual(told(await patch(at, unfinished, 10, bytesOf(10))), [410, 'file-expired']);
      assert.equal((await at.send('HEAD', unfinished)).status, 410);
      assert.deepEqual(told(await at.send('DELETE', unfinished)), [410, 'file-expired']);
    }
    arrive();
    assert.deepEqual(told(await sending.answer), [204, '1000']);
    first.arrive();
    instances.lateMs += 24 * HOUR;
    assert.deepEqual(told(await sendingHalf.answer), [204, '500']);
    await isStored(id, bytes);
    assert.deepEqual(told(await two.send('HEAD', path)), [200, '1000']);
  });

  /** A body that has these bytes, and then nothing more; `more` sends on, until the body was given up; `end` ends it. */
  function stuck(bytes: Buffer): { body: ReadableStream; more: (bytes: Buffer) => void; end: () => void } {
    let controller: ReadableStreamDefaultController | undefined;
    const body = new ReadableStream({
      start(opened) {
        controller = opened;
        opened.enqueue(bytes);
      },
      cancel() {
        controller = undefined;
      },
    });
    return { body, more: (next) => controller?.enqueue(next), end: () => controller?.close() };
  }
  const partsOf = async (id: FileId) => (await fixture.parts(id)).length;

  it('gives way to HEAD in the same instance where its line is silent, and what arrived counts', async () => {
    const bytes = bytesOf(600_000);
    const { path, id } = await create(bytes.length);
    const { body } = stuck(bytes.subarray(0, 100_000));
    const { answer } = await begun(() => patch(one, path, 0, body));
    assert.deepEqual(told(await one.send('HEAD', path)), [200, '100000']);
    // A client that is there after all learns where the upload stands.
    assert.deepEqual(told(await answer), [409, 'upload-offset']);
    assert.deepEqual(told(await patch(one, path, 100_000, bytes.subarray(100_000))), [204, '600000']);
    await isStored(id, bytes);
    // All of it went by in this instance.
    assert.equal((await fixture.appender.unscanned.stat(id))?.metadata['sha256'], sha256(bytes));
  });

  it('gives way to HEAD, which waits until what arrived is stored however long that takes', async () => {
    const bytes = bytesOf(1000);
    const { path, id } = await create(bytes.length);
    const { body } = stuck(bytes.subarray(0, 100));
    // Longer than a request that is alive is waited for.
    fault({ operation: 'objects.insert', namePrefix: 'parts/', effect: { kind: 'delay', ms: 1_500 } });
    const { answer } = await begun(() => patch(one, path, 0, body));
    assert.deepEqual(told(await one.send('HEAD', path)), [200, '100']);
    assert.deepEqual(told(await answer), [409, 'upload-offset']);
    fixture.storage.emulator.faults.clear();
    assert.deepEqual(told(await patch(one, path, 100, bytes.subarray(100))), [204, '1000']);
    await isStored(id, bytes);
  });

  it('finds its object without a byte by listing, and inserts it no second time', async () => {
    const { path, id } = await create(0);
    const effect = { kind: 'error', status: 403 } as const;
    for (const operation of ['objects.get', 'objects.insert'] as const)
      fault({ operation, bucket: 'unscanned', namePrefix: id, effect });
    assert.deepEqual(told(await one.send('HEAD', path)), [200, '0']);
  });

  it('is not ended by HEAD while bytes arrive', async () => {
    const bytes = bytesOf(1000);
    // However late a timer is, some byte arrives within this.
    const patient = await instances.start({ silence: { storeMs: 60_000, lookMs: 60_000, endMs: 60_000 } });
    const { path, id } = await create(bytes.length);
    const { body, more, end } = stuck(bytes.subarray(0, 1));
    const { answer } = await begun(() => patch(patient, path, 0, body));
    let sent = 1;
    const line = setInterval(() => {
      more(bytes.subarray(sent, sent + 1));
      sent++;
    }, 10);
    try {
      assert.deepEqual(told(await patient.send('HEAD', path)), [200, '0']);
    } finally {
      clearInterval(line);
    }
    more(bytes.subarray(sent));
    end();
    assert.deepEqual(told(await answer), [204, '1000']);
    await isStored(id, bytes);
  });

  it('is ended by the next PATCH in the same instance, by its owner alone, also while bytes arrive', async () => {
    const bytes = bytesOf(1000);
    const { path, id } = await create(bytes.length);
    const { body, more } = stuck(bytes.subarray(0, 100));
    const { answer } = await begun(() => patch(one, path, 0, body));
    const theirs = await instances.start({ owner: 'org:999999999' as Principal, like: one.tus });
    assert.deepEqual(told(await patch(theirs, path, 0, bytes)), [404, 'not-found']);
    assert.deepEqual(told(await theirs.send('HEAD', path)), [404, null]);
    let sent = 100;
    const line = setInterval(() => {
      more(bytes.subarray(sent, sent + 1));
      sent++;
    }, 10);
    try {
      const refused = await patch(one, path, 0, bytes);
      assert.deepEqual([refused.status, refused.type], [409, 'upload-offset']);
      const offset = Number(refused.offset);
      assert.ok(offset >= 100 && offset <= sent, String(offset));
      assert.deepEqual(told(await patch(one, path, offset, bytes.subarray(offset))), [204, '1000']);
    } finally {
      clearInterval(line);
    }
    assert.ok((await answer).status >= 400);
    await isStored(id, bytes);
  });

  it('stores what arrived where its line is silent, so that a successor in another instance sends only the rest', async () => {
    const bytes = bytesOf(1000);
    const silence = { storeMs: 20, lookMs: 20, endMs: 10 };
    const slowly = await instances.start({ silence });
    const { path, id } = await create(bytes.length);
    const { body, more } = stuck(bytes.subarray(0, 100));
    const { answer } = await begun(() => patch(slowly, path, 0, body));
    while ((await partsOf(id)) < 1) await delay(5);
    assert.deepEqual(told(await two.send('HEAD', path)), [200, '100']);
    // The line lives after all: it goes on from there.
    more(bytes.subarray(100, 200));
    while ((await partsOf(id)) < 2) await delay(5);
    assert.deepEqual(told(await patch(two, path, 200, bytes.subarray(200))), [204, '1000']);
    await isStored(id, bytes);
    // Nothing more arrives, ever: it looks after a while, and is over.
    instances.lateMs = HOUR;
    assert.deepEqual(told(await answer), [409, 'upload-complete']);
    assert.equal(await partsOf(id), 0);
  });

  it('keeps nothing of a silent request with a checksum, and ends it for its successor', async () => {
    const bytes = bytesOf(1000);
    const { path, id } = await create(bytes.length);
    const { body } = stuck(bytes.subarray(0, 100));
    const checksum = { 'upload-checksum': `sha1 ${createHash('sha1').update(bytes).digest('base64')}` };
    const { answer } = await begun(() => patch(one, path, 0, body, checksum));
    assert.deepEqual(told(await patch(one, path, 0, bytes, checksum)), [204, '1000']);
    assert.ok((await answer).status >= 400);
    await isStored(id, bytes);
  });

  it('is ended by DELETE with all that is there of it, also where requests are under way', async () => {
    const { path, id } = await create();
    await patch(one, path, 0, bytesOf(10), { 'upload-length': '1000' });
    const { body, arrive } = slow(random(990));
    const sending = await begun(() => patch(one, path, 10, body));
    assert.equal((await two.send('DELETE', path)).status, 204);
    assert.equal((await fixture.read(id)).record.state, 'expired');
    assert.deepEqual(await fixture.parts(id), []);
    arrive();
    // It would have been the last: an object that was made of it is dropped by the scanner.
    const answer = await sending.answer;
    assert.ok(answer.status >= 400, `${answer.status}`);
    assert.equal((await readChain(fixture.appender.unscanned, id)).end, 0);
  });
});
