import assert from 'node:assert/strict';
import { newFileId } from '../../../shared/files/file-id.ts';
import type { PendingRecord } from '../../../shared/files/record.ts';
import { insertRecord } from '../../support/records.ts';
import { DAY, MINUTE, OWNER, SweeperFixture } from './fixture.ts';
import { HookedBucket } from './hooked-bucket.ts';

describe('records that wait', () => {
  const fixture = new SweeperFixture();

  /** State that a crash between the record and its object leaves. */
  async function withoutObject(fields: Partial<PendingRecord> = {}): Promise<PendingRecord> {
    const createdAt = new Date(fixture.now);
    const id = newFileId(OWNER, createdAt);
    const stored = { id, owner: OWNER, viewers: [], createdAt, contentType: 'text/plain' };
    const record: PendingRecord = { ...stored, state: 'pending', ...fields };
    await insertRecord(fixture.sweeper.records, record);
    return record;
  }
  const stateOf = async ({ id }: PendingRecord) => (await fixture.read(id)).record.state;

  it('for an object that never came have expired after a day, and not before', async () => {
    const record = await withoutObject();
    fixture.now += DAY - MINUTE;
    assert.deepEqual((await fixture.run()).records, { young: 1 });
    fixture.now += MINUTE;
    assert.deepEqual((await fixture.run()).records, { expired: 1 });
    assert.equal(await stateOf(record), 'expired');
    assert.deepEqual((await fixture.run()).records, { unchanged: 1 });
    assert.equal(fixture.published.length, 0);
  });

  it('have not expired where their object waits, however long', async () => {
    const { record } = await fixture.uploaded();
    fixture.now += 2 * DAY;
    assert.deepEqual((await fixture.run({ redrivesPerSweep: 0 })).records, { waiting: 1 });
    assert.equal(await stateOf(record), 'pending');
  });

  it('have failed where their object was there once and is gone, and that is published', async () => {
    const record = await withoutObject({ redriven: { times: 1, at: new Date(fixture.now) } });
    fixture.now += 2 * DAY;
    assert.deepEqual((await fixture.run()).records, { sourceGone: 1 });
    assert.equal(await stateOf(record), 'failed');
    assert.equal(fixture.published.length, 1);
    assert.deepEqual((await fixture.run()).records, { unchanged: 1 });
    assert.equal(fixture.published.length, 1);
  });

  it('do not expire where a scan ends between their listing and the look for their object', async () => {
    const file = await fixture.uploaded();
    fixture.now += 2 * DAY;
    const { name } = fixture.sweeper.unscanned;
    let scans = 0;
    const unscanned = new HookedBucket(
      async (operation, object, run) => {
        if (operation === 'stat' && object === file.record.id && scans++ === 0) {
          await fixture.decide(file);
          await fixture.sweeper.unscanned.delete(object, file.object);
        }
        return run();
      },
      fixture.connection,
      name,
    );
    assert.deepEqual((await fixture.run({ unscanned, redrivesPerSweep: 0 })).records, { conflict: 1 });
    assert.equal(await stateOf(file.record), 'clean');
  });

  it('have failed where a scan had begun that never ended, and their object is gone', async () => {
    const until = new Date(fixture.now + MINUTE);
    const record = await withoutObject({ lease: { holder: 'other', until } });
    fixture.now += 2 * DAY;
    assert.deepEqual((await fixture.run()).records, { sourceGone: 1 });
    assert.equal(await stateOf(record), 'failed');
    assert.equal(fixture.published.length, 1);
  });

  it('under a lease are left alone', async () => {
    const until = new Date(fixture.now + 3 * DAY);
    await withoutObject({ lease: { holder: 'other', until } });
    fixture.now += 2 * DAY;
    assert.deepEqual((await fixture.run()).records, { scanning: 1 });
  });

  it('are announced as failed where nobody could say so', async () => {
    const record = await withoutObject();
    const failed = { state: 'failed', failure: 'sourceGone', failedAt: new Date(fixture.now) } as const;
    await fixture.write({ ...record, ...failed });
    assert.deepEqual((await fixture.run()).records, { announced: 1 });
    assert.deepEqual((await fixture.run()).records, { unchanged: 1 });
    assert.equal(fixture.eventIds().length, 1);
  });

  it('expire once, with any concurrent sweep', async () => {
    for (let records = 0; records < 10; records++) await withoutObject();
    fixture.now += 2 * DAY;
    const reports = await Promise.all([fixture.run(), fixture.run(), fixture.run()]);
    assert.equal(
      reports.reduce((sum, { records }) => sum + (records.expired ?? 0), 0),
      10,
    );
    assert.ok(reports.every(({ records }) => records.error === undefined));
  });

  it('are gone through across sweeps that are stopped early: each once, then from the start again', async () => {
    for (let records = 0; records < 50; records++) await withoutObject();
    const seen: number[] = [];
    for (let complete = false; !complete; ) {
      let asked = 0;
      const report = await fixture.run({}, { stopping: () => ++asked > 20 });
      complete = report.complete.records;
      seen.push(report.records.young ?? 0);
    }
    assert.ok(seen.length > 2, `${seen}`);
    assert.equal(
      seen.reduce((sum, count) => sum + count, 0),
      50,
    );
    assert.deepEqual((await fixture.run()).records, { young: 50 });
  });

  it('and objects cost no write to look at, and no cursor', async () => {
    for (let files = 0; files < 3; files++) await fixture.uploaded();
    const { operations } = fixture.storage.emulator;
    operations.reset();
    await fixture.run();
    for (const write of ['objects.insert', 'objects.patch', 'objects.delete'] as const) {
      assert.equal(operations.of(write).calls, 0, write);
    }
  });
});
