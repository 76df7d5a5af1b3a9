import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import type { SweeperDeps } from '../../../functions/sweeper/sweeper.ts';
import { parseFinalized } from '../../../shared/events/finalized.ts';
import { newFileId } from '../../../shared/files/file-id.ts';
import { Records } from '../../../shared/files/records.ts';
import { MINUTE, OWNER, pushOf, SweeperFixture } from './fixture.ts';

describe('waiting files in the unscanned bucket', () => {
  const fixture = new SweeperFixture();
  const later = (minutes: number) => {
    fixture.now += minutes * MINUTE;
  };

  it('is left to its event at first, and the oldest is told', async () => {
    await fixture.uploaded();
    later(14);
    const report = await fixture.run();
    assert.deepEqual(report.unscanned, { young: 1 });
    assert.ok(Math.abs(report.oldestPendingSeconds - 14 * 60) <= 60);
    assert.equal(fixture.redelivered.length, 0);
  });

  it('is sent to the scanner as the notification that Cloud Storage would have sent', async () => {
    const file = await fixture.uploaded();
    later(16);
    assert.deepEqual((await fixture.run()).unscanned, { redriven: 1 });
    const [message] = fixture.redelivered;
    assert.ok(message);
    const { redrivenAt: _, ...attributes } = message.attributes;
    assert.deepEqual(attributes, {
      eventType: 'OBJECT_FINALIZE',
      payloadFormat: 'JSON_API_V1',
      bucketId: file.object.bucket,
      objectId: file.record.id,
      objectGeneration: file.object.generation,
    });
    // No scan goes by it.
    const { md5: __, ...object } = file.object;
    assert.deepEqual(parseFinalized({}, pushOf(message)), { kind: 'finalized', object });
  });

  it('is not sent again at every sweep, but again after as long', async () => {
    await fixture.uploaded();
    later(16);
    await fixture.run();
    later(14);
    assert.deepEqual((await fixture.run()).unscanned, { redriveWaits: 1 });
    later(2);
    assert.deepEqual((await fixture.run()).unscanned, { redriven: 1 });
    assert.equal(fixture.redelivered.length, 2);
  });

  it('has failed after too many times in vain: said once, its bytes kept', async () => {
    const file = await fixture.uploaded();
    for (let sweeps = 0; sweeps < 3; sweeps++) {
      later(16);
      assert.deepEqual((await fixture.run()).unscanned, { redriven: 1 });
      await fixture.try(file);
    }
    later(16);
    assert.deepEqual((await fixture.run()).unscanned, { gaveUp: 1 });
    assert.deepEqual((await fixture.run()).unscanned, { failed: 1 });
    assert.equal(fixture.redelivered.length, 3);
    const record = await fixture.recordOf(file);
    assert.ok(record.state === 'failed' && record.failure === 'gaveUp');
    assert.ok(await fixture.isThere(file));
    assert.equal(fixture.published.length, 1);
    assert.equal(fixture.published[0]?.attributes['verdict'], 'failed');
    assert.equal((await fixture.run()).oldestPendingSeconds, 0);
  });

  it('never fails by redrives that led to no try: an outage and a queue are no fault of the file', async () => {
    const file = await fixture.uploaded();
    for (let sweeps = 0; sweeps < 200; sweeps++) {
      later(16);
      assert.deepEqual((await fixture.run()).unscanned, { redriven: 1 });
    }
    const record = await fixture.recordOf(file);
    assert.ok(record.state === 'pending' && record.redriven?.times === 1);
  });

  it('is reported as failed by a later sweep, where the first could not say so', async () => {
    const file = await fixture.uploaded();
    await fixture.write({ ...file.record, redriven: { times: 3, at: new Date(fixture.now), tried: true } });
    later(16);
    const down = { publish: () => Promise.reject(new Error('Pub/Sub is down')) };
    assert.deepEqual((await fixture.run(down)).unscanned, { error: 1 });
    assert.equal((await fixture.recordOf(file)).state, 'failed');
    await fixture.run();
    await fixture.run();
    assert.equal(fixture.published.length, 1);
  });

  it('is left to the one who scans it, for as long as the lease lasts', async () => {
    const file = await fixture.uploaded();
    later(16);
    const lease = { holder: 'other', until: new Date(fixture.now + MINUTE) };
    await fixture.write({ ...file.record, lease });
    assert.deepEqual((await fixture.run()).unscanned, { scanning: 1 });
    later(1);
    assert.deepEqual((await fixture.run()).unscanned, { redriven: 1 });
  });

  it('is finished where only the steps after the verdict are missing', async () => {
    const file = await fixture.uploaded();
    await fixture.decide(file);
    later(16);
    assert.deepEqual((await fixture.run()).unscanned, { concluded: 1 });
    assert.equal(await fixture.isThere(file), undefined);
    assert.deepEqual(fixture.eventIds(), [`${file.record.id}/${file.object.generation}`]);
  });

  it('stays until its event is out', async () => {
    const file = await fixture.uploaded();
    await fixture.decide(file);
    later(16);
    await fixture.run({ publish: () => Promise.reject(new Error('Pub/Sub is down')) });
    assert.ok(await fixture.isThere(file));
  });

  it('is deleted where the client was told that the upload failed', async () => {
    const file = await fixture.uploaded();
    await fixture.write({ ...file.record, state: 'expired' });
    later(16);
    assert.deepEqual((await fixture.run()).unscanned, { dropped: 1 });
    assert.equal(await fixture.isThere(file), undefined);
    assert.equal(fixture.published.length, 0);
  });

  it('is left alone where it is not ours', async () => {
    for (const name of ['stray', newFileId(OWNER)]) {
      const staged = await fixture.sweeper.unscanned.stage(name, Readable.from([]), {
        contentType: 'text/plain',
      });
      await staged.commit();
    }
    later(16);
    assert.deepEqual((await fixture.run()).unscanned, { foreign: 1, unrecorded: 1 });
  });

  it('is deleted where it has had no record for longer than any upload takes, and before that waits for one', async () => {
    const { record, object } = await fixture.uploaded();
    const { object: file } = await fixture.read(record.id);
    await fixture.sweeper.permanent.delete(file.name, file);
    later(60);
    assert.deepEqual((await fixture.run()).unscanned, { unrecorded: 1 });
    await fixture.sweeper.permanent.insertEmpty(file.name, { metadata: file.metadata });
    assert.deepEqual((await fixture.run()).unscanned, { redriven: 1 });
    const again = await fixture.read(record.id);
    await fixture.sweeper.permanent.delete(file.name, again.object);
    fixture.now += fixture.sweeper.abandonedAfterMs;
    assert.deepEqual((await fixture.run()).unscanned, { dropped: 1 });
    assert.equal(await fixture.sweeper.unscanned.stat(object.name), undefined);
  });

  it('does not keep the others waiting where its record is damaged', async () => {
    const damaged = await fixture.uploaded();
    await fixture.uploaded();
    const { object } = await fixture.read(damaged.record.id);
    await fixture.sweeper.permanent.patch(object.name, object, { owner: 'nobody' });
    later(16);
    const report = await fixture.run();
    assert.deepEqual(
      [report.unscanned, report.records],
      [
        { error: 1, redriven: 1 },
        { error: 1, young: 1 },
      ],
    );
  });

  it('is sent again where the message could not be sent, once it may be', async () => {
    await fixture.uploaded();
    later(16);
    const down = { redeliver: () => Promise.reject(new Error('Pub/Sub is down')) };
    assert.deepEqual((await fixture.run(down)).unscanned, { error: 1 });
    later(16);
    assert.deepEqual((await fixture.run()).unscanned, { redriven: 1 });
  });

  it('is sent to the scanner in portions, so that it is not refused there', async () => {
    for (let files = 0; files < 5; files++) await fixture.uploaded();
    later(16);
    const how = { redrivesPerSweep: 2 };
    assert.deepEqual((await fixture.run(how)).unscanned, { redriven: 2, redriveWaits: 3 });
    assert.deepEqual((await fixture.run(how)).unscanned, { redriven: 2, redriveWaits: 3 });
    assert.equal(new Set(fixture.redelivered.map(({ attributes }) => attributes['objectId'])).size, 4);
  });

  it('is sent once by ten sweeps at once, concluded by all of them as by one', async () => {
    for (let files = 0; files < 20; files++) {
      const file = await fixture.uploaded();
      if (files % 2 === 0) await fixture.decide(file);
    }
    later(16);
    const reports = await Promise.all(Array.from({ length: 10 }, () => fixture.run()));
    assert.equal(
      reports.reduce((sum, { unscanned }) => sum + (unscanned.redriven ?? 0), 0),
      10,
    );
    assert.equal(fixture.redelivered.length, 10);
    assert.equal(fixture.eventIds().length, 10);
    assert.deepEqual((await fixture.run()).unscanned, { redriveWaits: 10 });
  });

  it('keeps the verdict of a scan that ends while it is being swept', async () => {
    const file = await fixture.uploaded();
    const read = await fixture.read(file.record.id);
    await fixture.decide(file);
    class Outdated extends Records {
      override get = async () => read;
    }
    later(16);
    const records = new Outdated(fixture.sweeper.permanent);
    for (const redriven of [undefined, { times: 3, at: file.record.createdAt }] as const) {
      const how: Partial<SweeperDeps> = { records };
      Object.assign(read.record, redriven && { redriven });
      assert.deepEqual((await fixture.run(how)).unscanned, { conflict: 1 });
    }
    assert.equal((await fixture.recordOf(file)).state, 'clean');
    assert.deepEqual([fixture.published.length, fixture.redelivered.length], [0, 0]);
  });
});
