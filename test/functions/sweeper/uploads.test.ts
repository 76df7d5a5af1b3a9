import assert from 'node:assert/strict';
import { reconcileRecord } from '../../../functions/sweeper/abandoned.ts';
import { append, type Progress } from '../../../functions/upload/append.ts';
import { openDirect } from '../../../functions/upload/direct.ts';
import { HeldDigests } from '../../../functions/upload/held-digests.ts';
import { type FileId, newFileId } from '../../../shared/files/file-id.ts';
import { claimPartials, insertPartial } from '../../../shared/files/partial-uploads.ts';
import { assemble, lengthName, NO_PARTS, partName } from '../../../shared/files/parts.ts';
import type { Sha256 } from '../../../shared/files/record.ts';
import type { DirectRecord, TusRecord } from '../../../shared/files/uploading.ts';
import { DAY, MINUTE, OWNER, SweeperFixture } from './fixture.ts';

const HOUR = 60 * MINUTE;
const SHA256 = '84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882' as Sha256;

describe('the sweeper and uploads that are not complete', () => {
  const fixture = new SweeperFixture();
  const names = async () => {
    const { objects } = await fixture.sweeper.unscanned.list({ prefix: '', maxResults: 1000 });
    return objects.map(({ name }) => name);
  };

  /** An upload of ten bytes, good for two days, with so many of them there. */
  async function tus(there: number, upload: { length?: number } = { length: 10 }): Promise<Progress> {
    const expiresAt = new Date(fixture.now + 2 * DAY);
    const record = await fixture.uploading({ ...upload, expiresAt });
    const created = { record, chain: NO_PARTS, seenAt: new Date(fixture.now) };
    return there === 0 ? created : appended(created, there);
  }
  async function appended(progress: Progress, size: number): Promise<Progress> {
    async function* bytes() {
      yield Buffer.alloc(size);
    }
    const terms = { maxBytes: 5 * 2 ** 40 };
    const appender = { ...fixture.sweeper, digests: new HeldDigests(), partBytes: 1000, terms };
    return append(appender, progress, { bytes: bytes() });
  }
  const direct = (size: number): Promise<DirectRecord> =>
    openDirect(
      { ...fixture.sweeper, expiresMs: 2 * DAY },
      { owner: OWNER, contentType: 'text/plain', size, sha256: undefined, origin: undefined },
    );
  const put = ({ upload }: DirectRecord, bytes: string) =>
    fetch(upload.session, { method: 'PUT', body: bytes });
  const state = async (id: FileId) => (await fixture.read(id)).record.state;

  async function end({ record: { id } }: Progress): Promise<void> {
    const { record, ...read } = await fixture.read(id);
    assert.ok(record.state === 'uploading');
    const { upload: _, content: __, ...stored } = record;
    await fixture.sweeper.records.replace({ record, ...read }, { ...stored, state: 'expired' });
  }

  it('leaves what its client has time for', async () => {
    const { record } = await tus(4);
    await direct(10);
    fixture.now += DAY + HOUR;
    const { records, unscanned } = await fixture.run();
    assert.deepEqual([records, unscanned], [{ uploading: 2 }, { part: 1 }]);
    assert.equal(await state(record.id), 'uploading');
    assert.equal((await names()).length, 1);
  });

  it('expires what was abandoned, and leaves nothing of it', async () => {
    const { record } = await tus(4);
    const opened = await direct(600_000);
    const part = Buffer.alloc(262_144);
    const headers = { 'content-range': 'bytes 0-262143/600000' };
    const first = await fetch(opened.upload.session, { method: 'PUT', body: part, headers });
    assert.equal(first.status, 308);
    fixture.now += 3 * DAY;
    assert.deepEqual((await fixture.run()).records, { expired: 2 });
    assert.deepEqual([await state(record.id), await state(opened.id)], ['expired', 'expired']);
    assert.deepEqual(await names(), []);
    assert.equal((await put(opened, 'x')).status, 410);
    assert.deepEqual((await fixture.run()).records, { unchanged: 2 });
  });

  it('gives requests that began in time the time to end before it expires an upload', async () => {
    const half = await tus(4);
    fixture.now += 3 * DAY - 1;
    assert.deepEqual((await fixture.run()).records, { uploading: 1 });
    // An upload that was completed meanwhile is not expired, whether its object was made or not.
    await appended(half, 6);
    const other = await appended(await tus(4), 6);
    await assemble(fixture.sweeper.unscanned, other.record.id, other.chain);
    fixture.now += 3 * DAY;
    const never = { stuckAfterMs: 100 * DAY };
    assert.deepEqual((await fixture.run(never)).records, { waiting: 2 });
    assert.equal(await state(half.record.id), 'uploading');
    assert.ok((await names()).includes(half.record.id));
  });

  it('does not expire an upload whose scan ends between its listing and the look for its object', async () => {
    const { id, ...stored } = await direct(10);
    assert.equal((await put({ id, ...stored }, '0123456789')).status, 200);
    const object = await fixture.sweeper.unscanned.stat(id);
    assert.ok(object);
    const listed = await fixture.read(id);
    const { upload: _, ...file } = stored;
    const content = { size: 10, sha256: SHA256, crc32c: object.crc32c };
    const scan = {
      generation: object.generation,
      scannedAt: new Date(fixture.now),
      engine: { engine: '1.4.6' },
    };
    await fixture.write({ id, ...file, content, state: 'clean', scan });
    await fixture.sweeper.unscanned.delete(id, object);
    fixture.now += 3 * DAY;
    const objects = { name: listed.object.name, file: listed.object };
    assert.equal(await reconcileRecord(fixture.sweeper, objects), 'conflict');
    assert.equal(await state(id), 'clean');
  });

  /** A partial upload of ten bytes, good for two days, with so many of them there. */
  async function partial(there: number): Promise<Progress> {
    const { sweeper, now } = fixture;
    const record: TusRecord = {
      id: newFileId(OWNER),
      owner: OWNER,
      viewers: [],
      createdAt: new Date(now),
      contentType: 'text/plain',
      state: 'uploading',
      upload: { kind: 'tus', length: 10, concat: 'partial', expiresAt: new Date(now + 2 * DAY) },
    };
    await insertPartial(sweeper.unscanned, record);
    return appended({ record, chain: NO_PARTS, seenAt: new Date(now) }, there);
  }

  it('keeps a partial upload until it expires, and then removes all of it', async () => {
    await partial(4);
    fixture.now += 2 * DAY + HOUR;
    assert.deepEqual((await fixture.run()).unscanned, { part: 2 });
    fixture.now += DAY;
    const { unscanned, records } = await fixture.run();
    assert.ok((unscanned.dropped ?? 0) >= 1);
    assert.deepEqual([records, await names()], [{}, []]);
  });

  it('keeps a partial upload for a file that may yet be made, and removes it where it was ended, or the file is over', async () => {
    const { sweeper } = fixture;
    const claimed = await partial(10);
    const whole = await tus(0, {});
    await claimPartials(sweeper.unscanned, [claimed.record.id], whole.record.id);
    const unmade = await partial(10);
    await claimPartials(sweeper.unscanned, [unmade.record.id], newFileId(OWNER));
    const ended = await partial(10);
    await claimPartials(sweeper.unscanned, [ended.record.id], undefined);
    fixture.now += HOUR;
    await fixture.run();
    const of = async ({ record: { id } }: Progress) =>
      (await names()).filter((name) => name.startsWith(`parts/${id}/`)).length;
    assert.deepEqual([await of(claimed), await of(unmade), await of(ended)], [3, 3, 0]);
    await end(whole);
    await fixture.run();
    assert.deepEqual([await of(claimed), await of(unmade)], [0, 3]);
  });

  it('removes a partial upload whose file has its object', async () => {
    const { unscanned } = fixture.sweeper;
    const { record, chain } = await partial(10);
    const whole = await tus(0);
    await claimPartials(unscanned, [record.id], whole.record.id);
    await assemble(unscanned, whole.record.id, chain);
    fixture.now += HOUR;
    await fixture.run();
    assert.deepEqual(
      (await names()).filter((name) => name.startsWith('parts/')),
      [],
    );
  });

  it('finishes what was ended and not removed', async () => {
    const half = await tus(4);
    await end(half);
    fixture.now += HOUR;
    assert.deepEqual((await fixture.run()).unscanned, { dropped: 1 });
    assert.deepEqual(await names(), []);
  });

  it('removes the parts of a file that has a verdict, and those of none, once they had time', async () => {
    const half = await tus(4);
    const { unscanned } = fixture.sweeper;
    const empty = { contentType: 'text/plain', metadata: { length: '10' } };
    await unscanned.insertEmpty(lengthName(half.record.id), empty);
    await unscanned.insertEmpty(`${partName(half.record.id, 0)}-0000000000004`, empty);
    await unscanned.insertEmpty(partName(newFileId(OWNER), 7), empty);
    assert.deepEqual((await fixture.run()).unscanned, { part: 4 });
    fixture.now += HOUR;
    assert.deepEqual((await fixture.run()).unscanned, { part: 3, dropped: 1 });
    await end(half);
    assert.deepEqual((await fixture.run()).unscanned, { dropped: 3 });
    assert.deepEqual(await names(), []);
  });

  it('makes the object of a file that is complete, whose upload died before it could', async () => {
    const { record } = await appended(await tus(4), 6);
    fixture.now += HOUR;
    const { unscanned } = await fixture.run();
    assert.equal(unscanned.assembled, 1);
    assert.deepEqual(await names(), [record.id]);
    const object = await fixture.sweeper.unscanned.stat(record.id);
    assert.equal(object?.size, 10);
    // No event of it comes here, so it is sent to the scanner: which says that it is pending.
    fixture.now = object.timeCreated.getTime() + HOUR;
    assert.deepEqual((await fixture.run()).unscanned, { redriven: 1 });
    const read = await fixture.read(record.id);
    assert.ok(read.record.state === 'pending');
    assert.deepEqual(read.record.claims, { size: 10 });
  });

  it('continues an upload of a length that was declared later, also of nothing', async () => {
    const { unscanned } = fixture.sweeper;
    const saying = (length: number) => ({ contentType: 'text/plain', metadata: { length: String(length) } });
    const [ten, none] = [await tus(10, {}), await tus(0, {})];
    await unscanned.insertEmpty(lengthName(none.record.id), saying(0));
    fixture.now += HOUR;
    assert.deepEqual((await fixture.run()).unscanned, { part: 1, assembled: 1 });
    await unscanned.insertEmpty(lengthName(ten.record.id), saying(10));
    fixture.now += HOUR;
    await fixture.run();
    assert.deepEqual((await names()).sort(), [ten.record.id, none.record.id].sort());
  });

  it('removes what is left of parts whose object was made', async () => {
    const whole = await appended(await tus(4), 6);
    await assemble(fixture.sweeper.unscanned, whole.record.id, whole.chain);
    fixture.now += HOUR;
    // Its object may be sent to the scanner first, and its parts then are those of a file that is complete.
    const { assembled = 0, dropped = 0 } = (await fixture.run()).unscanned;
    assert.ok(assembled + dropped > 0);
    assert.deepEqual(await names(), [whole.record.id]);
  });

  it('does not compose past a gap', async () => {
    const { record } = await tus(4);
    const { unscanned } = fixture.sweeper;
    for (const offset of [3, 5, 10]) {
      await unscanned.insertEmpty(partName(record.id, offset), { contentType: 'text/plain' });
    }
    fixture.now += HOUR;
    assert.deepEqual((await fixture.run()).unscanned, { part: 4 });
  });

  it('takes the word of a direct session for nothing, also where its object had a digest', async () => {
    const opened = await direct(3);
    assert.equal((await put(opened, 'abc')).status, 200);
    const { unscanned } = fixture.sweeper;
    const object = (await unscanned.stat(opened.id)) ?? assert.fail();
    // None is there, because a session's metadata is ours to set; should that change one day, it counts for nothing.
    assert.deepEqual(object.metadata, {});
    await unscanned.patch(opened.id, object, { sha256: 'a'.repeat(64) });
    fixture.now += HOUR;
    assert.deepEqual((await fixture.run()).unscanned, { redriven: 1 });
    const { record } = await fixture.read(opened.id);
    assert.ok(record.state === 'pending');
    assert.deepEqual([record.content, record.claims], [undefined, { size: 3 }]);
  });

  it('sends a direct upload whose event got lost to the scanner, with what its client claimed', async () => {
    const opened = await direct(3);
    assert.equal((await put(opened, 'abc')).status, 200);
    fixture.now += HOUR;
    const { unscanned, records } = await fixture.run();
    assert.deepEqual([unscanned, records], [{ redriven: 1 }, { young: 1 }]);
    const { record } = await fixture.read(opened.id);
    assert.ok(record.state === 'pending');
    assert.deepEqual([record.claims, record.redriven?.times], [{ size: 3 }, 1]);
    assert.equal(fixture.redelivered.length, 1);
  });

  it('does not expire a direct upload that was completed in the last moment', async () => {
    const opened = await direct(3);
    await put(opened, 'abc');
    fixture.now += 3 * DAY;
    const never = { stuckAfterMs: 10 * DAY };
    assert.deepEqual((await fixture.run(never)).records, { waiting: 1 });
    assert.equal(await state(opened.id), 'uploading');
  });

  it('loses to whatever was written since it looked', async () => {
    const { record } = await tus(4);
    const read = await fixture.read(record.id);
    await fixture.sweeper.records.replace(read, { ...read.record, contentType: 'text/html' });
    fixture.now += 3 * DAY;
    assert.equal(
      await reconcileRecord(fixture.sweeper, { name: read.object.name, file: read.object }),
      'conflict',
    );
    assert.equal(await state(record.id), 'uploading');
    assert.equal((await names()).length, 1);
  });
});
