import assert from 'node:assert/strict';
import { deadLettered } from '../../../functions/sweeper/dead-letter.ts';
import { redriveAllFailed, redriveFile } from '../../../functions/sweeper/redrive.ts';
import type { EventMessage } from '../../../shared/events/cloud-event.ts';
import { notificationOf } from '../../../shared/events/finalized.ts';
import { newFileId } from '../../../shared/files/file-id.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';
import { MINUTE, OWNER, pushOf, SweeperFixture } from './fixture.ts';

/** Another writer is always first. */
const CHANGED = { operation: 'objects.patch', effect: { kind: 'error', status: 412 } } as const;

/** Event as Cloud Storage itself sends it. */
function original(object: StoredObject): EventMessage {
  const { data, attributes } = notificationOf(object, new Date(0));
  const { redrivenAt: _, ...own } = attributes;
  return { data, attributes: own };
}

describe('a dead letter', () => {
  const fixture = new SweeperFixture();
  const letter = (message: EventMessage) => deadLettered(fixture.sweeper, pushOf(message));

  it('of a file that was never redriven redrives it, once however often it comes', async () => {
    const file = await fixture.uploaded();
    assert.equal(await letter(original(file.object)), 'redriven');
    assert.equal(await letter(original(file.object)), 'outdated');
    const record = await fixture.recordOf(file);
    assert.ok(record.state === 'pending' && record.redriven?.times === 1);
    assert.deepEqual([fixture.redelivered.length, fixture.published.length], [1, 0]);
  });

  it('redrives for as long as no try of the file fails, be it for days', async () => {
    const file = await fixture.uploaded();
    let last = original(file.object);
    for (let times = 0; times < 200; times++) {
      fixture.now += 60 * MINUTE;
      assert.equal(await letter(last), 'redriven');
      last = fixture.redelivered.at(-1) ?? assert.fail();
    }
    assert.equal((await fixture.recordOf(file)).state, 'pending');
  });

  it('comes back where its file could not be sent to the scanner, and redrives it then', async () => {
    const file = await fixture.uploaded();
    const down = { ...fixture.sweeper, redeliver: () => Promise.reject(new Error('Pub/Sub is down')) };
    await assert.rejects(deadLettered(down, pushOf(original(file.object))));
    // The record says that it was redriven: the next sweep but a few sends it.
    assert.equal(await letter(original(file.object)), 'outdated');
    fixture.now += 16 * MINUTE;
    await fixture.run();
    assert.equal(fixture.redelivered.length, 1);
  });

  /** One that was tried after as many redrives as there may be, and the notification of the last. */
  async function triedEnough() {
    const file = await fixture.uploaded();
    let last = original(file.object);
    for (let times = 0; times < 3; times++) {
      fixture.now += MINUTE;
      assert.equal(await letter(last), 'redriven');
      last = fixture.redelivered.at(-1) ?? assert.fail();
      await fixture.try(file);
    }
    return { file, last };
  }

  it('makes a file that was tried too often failed, keeps the bytes, and says so once', async () => {
    const { file, last } = await triedEnough();
    for (let times = 0; times < 3; times++) assert.equal(await letter(last), 'failed');
    const record = await fixture.recordOf(file);
    assert.ok(record.state === 'failed' && record.failure === 'gaveUp');
    assert.ok(await fixture.isThere(file));
    assert.equal(fixture.published.length, 1);
  });

  it('says it when it comes again, where it could not the first time', async () => {
    const { last } = await triedEnough();
    const down = { ...fixture.sweeper, publish: () => Promise.reject(new Error('Pub/Sub is down')) };
    await assert.rejects(deadLettered(down, pushOf(last)));
    assert.equal(await letter(last), 'failed');
    assert.equal(fixture.published.length, 1);
  });

  it('of a file that was sent to the scanner again since changes nothing; the newer one decides', async () => {
    const file = await fixture.uploaded();
    fixture.now += 16 * MINUTE;
    await fixture.run();
    assert.equal(await letter(original(file.object)), 'outdated');
    assert.equal((await fixture.recordOf(file)).state, 'pending');
    const [newer] = fixture.redelivered;
    assert.ok(newer);
    assert.equal(await letter(newer), 'redriven');
  });

  it('of a file that is scanned now changes nothing', async () => {
    const file = await fixture.uploaded();
    const lease = { holder: 'other', until: new Date(fixture.now + MINUTE) };
    await fixture.write({ ...file.record, lease });
    assert.equal(await letter(original(file.object)), 'scanning');
    assert.equal((await fixture.recordOf(file)).state, 'pending');
  });

  it('of a file that was decided changes nothing', async () => {
    const file = await fixture.uploaded();
    await fixture.decide(file);
    assert.equal(await letter(original(file.object)), 'unchanged');
    assert.equal((await fixture.recordOf(file)).state, 'clean');
  });

  it('comes back after five conflicts with a record that keeps changing', async () => {
    const { object } = await fixture.uploaded();
    assert.equal(await letter(original(object)), 'redriven');
    const [last] = fixture.redelivered;
    assert.ok(last);
    const { operations, faults } = fixture.storage.emulator;
    operations.reset();
    faults.add(CHANGED);
    assert.equal(await letter(last), 'conflict');
    assert.equal(operations.of('objects.patch').calls, 5);
    assert.equal(fixture.redelivered.length, 1);
  });

  it('of anything else is acknowledged', async () => {
    const { object, record } = await fixture.uploaded();
    const unknown = { ...object, name: newFileId(OWNER) };
    for (const other of [{ ...object, bucket: 'other' }, { ...object, name: 'stray' }, unknown]) {
      assert.equal(await letter(original(other)), 'foreign');
    }
    for (const body of [undefined, null, 'x', [], {}, { message: { data: 'e30=' } }]) {
      assert.equal(await deadLettered(fixture.sweeper, body), 'foreign');
    }
    const read = await fixture.read(record.id);
    await fixture.sweeper.permanent.patch(read.object.name, read.object, { state: 'damaged' });
    assert.equal(await letter(original(object)), 'foreign');
  });
});

describe('a redrive', () => {
  const fixture = new SweeperFixture();

  async function failed() {
    const file = await fixture.uploaded();
    const redriven = { times: 3, at: new Date(fixture.now), tried: true } as const;
    await fixture.write({ ...file.record, redriven });
    await deadLettered(fixture.sweeper, pushOf(notificationOf(file.object, redriven.at)));
    return file;
  }

  it('gives up after five conflicts with a record that keeps changing, and sends nothing', async () => {
    const file = await failed();
    const { operations, faults } = fixture.storage.emulator;
    operations.reset();
    faults.add(CHANGED);
    assert.equal(await redriveFile(fixture.sweeper, file.record.id), 'conflict');
    assert.equal(operations.of('objects.patch').calls, 5);
    assert.equal((await fixture.recordOf(file)).state, 'failed');
    assert.equal(fixture.redelivered.length, 0);
  });

  it('makes a failed file pending and sends it to the scanner, once of ten at once', async () => {
    const file = await failed();
    const tries = Array.from({ length: 10 }, () => redriveFile(fixture.sweeper, file.record.id));
    const outcomes = await Promise.all(tries);
    assert.equal(outcomes.filter((outcome) => outcome === 'redriven').length, 1);
    assert.equal((await fixture.recordOf(file)).state, 'pending');
    assert.equal(fixture.redelivered.length, 1);
  });

  it('that is in vain is another failure, with another event', async () => {
    const file = await failed();
    fixture.now += 1;
    await redriveFile(fixture.sweeper, file.record.id);
    for (let times = 0; times < 3; times++) {
      await fixture.try(file);
      fixture.now += 1;
      const message = fixture.redelivered.at(-1);
      assert.ok(message);
      const outcome = await deadLettered(fixture.sweeper, pushOf(message));
      assert.equal(outcome, times < 2 ? 'redriven' : 'failed');
    }
    assert.equal(fixture.eventIds().length, 2);
  });

  it('gives the file as many tries as it had at first', async () => {
    const file = await fixture.uploaded();
    const sweepOften = async () => {
      for (let sweeps = 0; sweeps < 5; sweeps++) {
        fixture.now += 16 * MINUTE;
        await fixture.run();
        if ((await fixture.recordOf(file)).state === 'pending') await fixture.try(file);
      }
    };
    await sweepOften();
    assert.equal(fixture.redelivered.length, 3);
    assert.equal(await redriveFile(fixture.sweeper, file.record.id), 'redriven');
    await fixture.try(file);
    await sweepOften();
    assert.equal(fixture.redelivered.length, 6);
    assert.equal((await fixture.recordOf(file)).state, 'failed');
  });

  it('of what has not failed, has no bytes or is unknown changes nothing', async () => {
    const pending = await fixture.uploaded();
    assert.equal(await redriveFile(fixture.sweeper, pending.record.id), 'notFailed');
    const gone = await failed();
    await fixture.sweeper.unscanned.delete(gone.object.name, gone.object);
    assert.equal(await redriveFile(fixture.sweeper, gone.record.id), 'sourceGone');
    assert.equal(await redriveFile(fixture.sweeper, newFileId(OWNER)), 'unknown');
    assert.equal(fixture.redelivered.length, 0);
  });

  it('of all takes each that has failed, and nothing else', async () => {
    for (let files = 0; files < 3; files++) await failed();
    await fixture.uploaded();
    const report = await redriveAllFailed(fixture.sweeper, () => false);
    assert.deepEqual(report, { redriven: 3, notFailed: 1, complete: true });
    const again = await redriveAllFailed(fixture.sweeper, () => false);
    assert.deepEqual(again, { notFailed: 4, complete: true });
    assert.equal(fixture.redelivered.length, 3);
  });

  it('of all that is stopped says so', async () => {
    await failed();
    assert.deepEqual(await redriveAllFailed(fixture.sweeper, () => true), { complete: false });
  });
});
