import assert from 'node:assert/strict';
import { attendRecord } from '../../../functions/sweeper/abandoned.ts';
import { append } from '../../../functions/upload/append.ts';
import { openDirect } from '../../../functions/upload/direct.ts';
import { type FileId, newFileId } from '../../../shared/files/fileId.ts';
import { partName } from '../../../shared/files/parts.ts';
import type { Versioned } from '../../../shared/files/records.ts';
import { type DirectRecord, isTus, type TusRecord } from '../../../shared/files/uploading.ts';
import { NOTHING_TALLIED, RunningTallies } from '../../../shared/storage/runningTally.ts';
import { DAY, MINUTE, OWNER, SweeperFixture } from './fixture.ts';

const HOUR = 60 * MINUTE;

describe('the sweeper and uploads that are not complete', () => {
  const fixture = new SweeperFixture();
  const names = async () => {
    const { objects } = await fixture.sweeper.unscanned.list({ prefix: '', maxResults: 1000 });
    return objects.map(({ name }) => name);
  };

  /** An upload of ten bytes, good for two days, with so many of them there. */
  async function tus(there: number): Promise<Versioned<TusRecord>> {
    const read = await fixture.sweeper.records.insert<TusRecord>({
      id: newFileId(OWNER),
      owner: OWNER,
      viewers: [],
      createdAt: new Date(fixture.now),
      contentType: 'text/plain',
      state: 'uploading',
      upload: {
        kind: 'tus',
        length: 10,
        offset: 0,
        parts: [],
        running: NOTHING_TALLIED,
        expiresAt: new Date(fixture.now + 2 * DAY),
      },
    });
    return there === 0 ? read : appended(read, there);
  }
  async function appended(read: Versioned<TusRecord>, size: number): Promise<Versioned<TusRecord>> {
    async function* bytes() {
      yield Buffer.alloc(size);
    }
    const { record, object } = await append(
      {
        ...fixture.sweeper,
        tallies: new RunningTallies(),
        partBytes: 1000,
        terms: { maxBytes: 5 * 2 ** 40 },
      },
      read,
      {
        bytes: bytes(),
      },
    );
    return { record: record as TusRecord, object };
  }
  const direct = (size: number): Promise<DirectRecord> =>
    openDirect(
      { ...fixture.sweeper, expiresMs: 2 * DAY },
      { owner: OWNER, contentType: 'text/plain', size, sha256: undefined, origin: undefined },
    );
  const put = ({ upload }: DirectRecord, bytes: string) =>
    fetch(upload.session, { method: 'PUT', body: bytes });
  const state = async (id: FileId) => (await fixture.read(id)).record.state;

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
    fixture.now += 2 * DAY;
    assert.deepEqual((await fixture.run()).records, { expired: 2 });
    assert.deepEqual([await state(record.id), await state(opened.id)], ['expired', 'expired']);
    assert.deepEqual(await names(), []);
    assert.equal((await put(opened, 'x')).status, 410);
    assert.deepEqual((await fixture.run()).records, { settled: 2 });
  });

  it('lets a crash between the record and its parts be made up for by the next sweep', async () => {
    const read = await tus(4);
    const { upload: _, content: __, ...stored } = read.record;
    await fixture.sweeper.records.replace(read, { ...stored, state: 'expired' });
    fixture.now += HOUR;
    assert.deepEqual((await fixture.run()).unscanned, { dropped: 1 });
    assert.deepEqual(await names(), []);
  });

  it('removes parts that no record names, once no request can be about to name them', async () => {
    const { record } = await tus(4);
    const { unscanned } = fixture.sweeper;
    await unscanned.insertEmpty(partName(record.id, '4.aa'), { contentType: 'text/plain' });
    await unscanned.insertEmpty(partName(newFileId(OWNER), '0.bb'), { contentType: 'text/plain' });
    assert.deepEqual((await fixture.run()).unscanned, { part: 3 });
    fixture.now += HOUR;
    assert.deepEqual((await fixture.run()).unscanned, { part: 2, dropped: 1 });
    fixture.now += DAY;
    assert.deepEqual((await fixture.run()).unscanned, { part: 1, dropped: 1 });
    assert.deepEqual(
      await names(),
      record.upload.parts.map((part) => partName(record.id, part)),
    );
  });

  it('makes the object of a file that is complete, whose upload died before it could', async () => {
    const read = await appended(await tus(4), 6);
    assert.equal(await state(read.record.id), 'pending');
    fixture.now += HOUR;
    assert.equal((await fixture.run()).unscanned.assembled, 2);
    assert.deepEqual(await names(), [read.record.id]);
    const object = await fixture.sweeper.unscanned.stat(read.record.id);
    assert.equal(object?.size, 10);
  });

  it('does so too for a file whose upload took days, and fails it only where its bytes are gone', async () => {
    const first = await tus(4);
    fixture.now += DAY + HOUR;
    await appended(first, 6);
    // The parts seem young: it is the record that is found.
    const young = { stuckAfterMs: 10 * DAY };
    assert.deepEqual((await fixture.run(young)).records, { waiting: 1 });
    assert.deepEqual(await names(), [first.record.id]);

    const second = await appended(await tus(4), 6);
    for (const name of await names()) {
      const object = await fixture.sweeper.unscanned.stat(name);
      assert.ok(object);
      await fixture.sweeper.unscanned.delete(name, object);
    }
    fixture.now += 2 * DAY;
    assert.deepEqual((await fixture.run()).records, { sourceGone: 2 });
    assert.equal(await state(second.record.id), 'failed');
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

  it('loses to a client that went on since it looked', async () => {
    const read = await tus(4);
    await appended(read, 3);
    fixture.now += 2 * DAY;
    assert.equal(await attendRecord(fixture.sweeper, read.object), 'lostRace');
    assert.ok(isTus((await fixture.read(read.record.id)).record));
    assert.equal((await names()).length, 2);
  });
});
