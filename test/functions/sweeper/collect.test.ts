import assert from 'node:assert/strict';
import { Blobs } from '../../../shared/files/blobs.ts';
import type { FileId } from '../../../shared/files/file-id.ts';
import type { Principal } from '../../../shared/identity/principal.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';
import { CollectFixture, HOUR } from './collect-fixture.ts';
import { DAY, OWNER } from './fixture.ts';

const OTHER = 'org:123456789' as Principal;

describe('a collection', () => {
  const fixture = new CollectFixture();

  it('deletes the blob of a file that was deleted, once it was not used for the grace, and says so', async () => {
    const id = await fixture.clean('once');
    await fixture.remove(id);
    assert.deepEqual((await fixture.collect()).records, { announced: 1 });
    const event = fixture.published.at(-1);
    assert.equal(event?.attributes['ce-type'], 'no.nav.hops.fileshare.file.deleted.v1');
    const data = JSON.parse(event?.data.toString() ?? '') as Record<string, unknown>;
    assert.deepEqual([data['fileId'], data['owner'], data['size']], [id, OWNER, 4]);
    assert.ok(!event?.data.toString().includes('name.txt'));
    assert.deepEqual((await fixture.collect()).candidates, { waiting: 1 });
    assert.equal((await fixture.blobs()).length, 1);
    fixture.now += DAY;
    assert.deepEqual((await fixture.collect()).blobs, { deleted: 1 });
    assert.deepEqual(await fixture.blobs(), []);
    assert.deepEqual(await fixture.names('collect/'), []);
    assert.equal(await fixture.state(id), 'deleted');
  });

  it('deletes a blob with the last file that uses it, and not before', async () => {
    const first = await fixture.clean('shared');
    const second = await fixture.clean('shared', OTHER);
    await fixture.remove(first);
    await fixture.collect();
    fixture.now += 2 * DAY;
    await fixture.collect();
    assert.deepEqual(await fixture.names('collect/'), [], 'the other file has struck it out');
    assert.ok(await fixture.blob('shared'));
    await fixture.remove(second);
    await fixture.collect();
    await fixture.collect();
    assert.deepEqual(await fixture.blobs(), []);
  });

  it('writes one candidate for however many files of one content it finds deleted at once', async () => {
    const files: FileId[] = [];
    for (let count = 0; count < 10; count++) files.push(await fixture.clean('popular'));
    for (const id of files) await fixture.remove(id);
    const { operations } = fixture.storage.emulator;
    operations.reset();
    assert.deepEqual((await fixture.collect()).records, { announced: 10 });
    assert.equal((await fixture.names('collect/')).length, 1);
    assert.equal(operations.of('objects.insert').calls, 1);
    assert.deepEqual(operations.report().namesRefused, []);
  });

  it('is refused no write to a candidate that it has claimed a moment ago', async () => {
    const [gone, kept] = [await fixture.clean('struck out'), await fixture.clean('struck out')];
    const last = await fixture.clean('collected');
    for (const id of [gone, last]) await fixture.remove(id);
    await fixture.collect();
    fixture.now += 2 * DAY;
    const { operations } = fixture.storage.emulator;
    operations.reset();
    const { candidates, blobs } = await fixture.collect();
    assert.deepEqual([candidates, blobs], [{ claimed: 2 }, { deleted: 1 }]);
    assert.equal(await fixture.state(kept), 'clean');
    assert.deepEqual(await fixture.names('collect/'), []);
    assert.deepEqual(operations.report().namesRefused, []);
  });

  it('makes a candidate again where the last file goes while a cycle is under way', async () => {
    const first = await fixture.clean('twice');
    const second = await fixture.clean('twice');
    await fixture.remove(first);
    await fixture.collect();
    fixture.now += 2 * DAY;
    let gone = false;
    const slow = fixture.actor(async (operation, name, run) => {
      // The page says that the second file uses it; before it can strike the candidate out, it is gone.
      if (operation === 'delete' && name.startsWith('collect/') && !gone) {
        gone = true;
        await fixture.remove(second);
        await fixture.collect(fixture.actor(), { stopping: () => false }, { candidatesPerCycle: 0 });
      }
      return run();
    });
    await fixture.collect(slow);
    assert.ok(gone);
    await fixture.collect();
    await fixture.collect();
    assert.deepEqual(await fixture.blobs(), []);
  });

  it('goes on where it was stopped, and deletes nothing before every record was asked', async () => {
    const ids = [];
    for (let files = 0; files < 12; files++) ids.push(await fixture.clean(`file ${files}`));
    for (const id of ids.slice(0, 6)) await fixture.remove(id);
    await fixture.collect();
    fixture.now += 2 * DAY;
    let runs = 0;
    for (let complete = false; !complete; runs++) {
      let asked = 0;
      const report = await fixture.collect(fixture.actor(), { stopping: () => ++asked > 24 });
      complete = report.complete.records;
      assert.deepEqual(await fixture.broken(), []);
      assert.ok(runs < 50);
    }
    assert.ok(runs > 1, `${runs}`);
    assert.equal((await fixture.blobs()).length, 6);
    assert.deepEqual((await fixture.sweeper.permanent.stat('sweeper/collect'))?.metadata, {});
  });

  describe('keeps a content whose file was asked before it was stopped, though somebody wrote to its candidate:', () => {
    const candidate = async () => (await fixture.names('collect/'))[0] ?? assert.fail();
    const byHand = async (): Promise<void> => {
      const metadata = { by: 'an operator' };
      await fixture.admin(`/o/${encodeURIComponent(await candidate())}`, { metadata });
    };
    beforeEach(async () => {
      const [gone] = [await fixture.clean('in use'), await fixture.clean('in use')];
      await fixture.remove(gone);
      await fixture.collect();
      fixture.now += 2 * DAY;
    });

    for (const [who, write] of [
      [
        'another collection, which waits for longer',
        () => fixture.collect(undefined, {}, { blobGraceMs: 30 * DAY }),
      ],
      ['an operator', byHand],
    ] as const) {
      it(who, async () => {
        let [written, struck] = [false, false];
        const stopped = fixture.actor(async (operation, name, run) => {
          const result = await run();
          if (name.startsWith('collect/') && operation === 'patch' && !written) {
            written = true;
            await write();
          }
          struck ||= written && operation === 'delete' && name.startsWith('collect/');
          return result;
        });
        await fixture.collect(stopped, { stopping: () => struck });
        assert.ok(written && struck);
        await fixture.collect();
        assert.ok(await fixture.blob('in use'));
        assert.deepEqual(await fixture.broken(), []);
      });
    }

    it('another collection, whose candidate is claimed by no cycle from then on', async () => {
      let written = false;
      const stopped = fixture.actor(async (operation, name, run) => {
        const result = await run();
        if (name.startsWith('collect/') && operation === 'patch' && !written) {
          written = true;
          await fixture.collect(undefined, {}, { blobGraceMs: 30 * DAY });
        }
        return result;
      });
      await fixture.collect(stopped, { stopping: () => written });
      const [candidate = ''] = await fixture.names('collect/');
      const { metadata } = (await fixture.sweeper.permanent.stat(candidate)) ?? {};
      assert.deepEqual(Object.keys(metadata ?? {}), ['notBefore']);
      await fixture.collect();
      assert.ok(await fixture.blob('in use'));
    });

    it('an operator, before the lost answer of its claim could be asked for again', async () => {
      const unlucky = fixture.actor(async (operation, name, run) => {
        const result = await run();
        if (operation !== 'patch' || !name.startsWith('collect/')) return result;
        await byHand();
        return undefined as typeof result;
      });
      await assert.rejects(fixture.collect(unlucky), /in doubt/);
      assert.deepEqual((await fixture.sweeper.permanent.stat('sweeper/collect'))?.metadata ?? {}, {});
      await fixture.collect();
      assert.ok(await fixture.blob('in use'));
    });
  });

  it('leaves an upload that is under way alone, however long that takes', async () => {
    const { id } = await fixture.uploading({ length: 20, expiresAt: new Date(fixture.now + 30 * DAY) });
    fixture.now += 10 * DAY;
    fixture.unreferencedAfterMs = DAY;
    await fixture.collect();
    assert.equal(await fixture.state(id), 'uploading');
  });

  it('suspects a content once, however many of its files are deleted at the same time', async () => {
    for (let files = 0; files < 20; files++) await fixture.remove(await fixture.clean('same'));
    const { operations } = fixture.storage.emulator;
    operations.reset();
    assert.deepEqual((await fixture.collect()).records, { announced: 20 });
    assert.deepEqual(operations.report().namesRefused, []);
    assert.equal((await fixture.names('collect/')).length, 1);
  });

  it('decides on no more candidates at a time than it may keep in memory', async () => {
    for (let files = 0; files < 30; files++) await fixture.remove(await fixture.clean(`small ${files}`));
    await fixture.collect();
    fixture.now += 2 * DAY;
    const few = { candidatesPerCycle: 5 };
    const { candidates } = await fixture.collect(fixture.actor(), {}, few);
    // Started work is finished: about a page's workers more.
    assert.ok((candidates.claimed ?? 0) >= 5 && (candidates.claimed ?? 0) < 25, `${candidates.claimed}`);
    for (let runs = 0; runs < 6; runs++) await fixture.collect(fixture.actor(), {}, few);
    assert.deepEqual(await fixture.blobs(), []);
  });

  it('deletes nothing where a file could not say what it uses', async () => {
    const [first] = [await fixture.clean('in use'), await fixture.clean('in use')];
    await fixture.remove(first);
    await fixture.collect();
    fixture.now += 2 * DAY;
    const { name } = fixture.sweeper.permanent;
    const failure = { bucket: name, namePrefix: 'collect/', effect: { kind: 'error', status: 403 } } as const;
    fixture.storage.emulator.faults.add({ operation: 'objects.delete', ...failure });
    await assert.rejects(fixture.collect(), /could not say/);
    fixture.storage.emulator.faults.clear();
    assert.ok(await fixture.blob('in use'));
    await fixture.collect();
    assert.ok(await fixture.blob('in use'));
  });

  it('believes a record that somebody damaged in this: what it names is used', async () => {
    const [first, second] = [await fixture.clean('damaged'), await fixture.clean('damaged')];
    await fixture.remove(first);
    const read = await fixture.read(second);
    await fixture.sweeper.permanent.patch(read.object.name, read.object, { state: 'x', owner: 'nobody' });
    await fixture.collect();
    fixture.now += 2 * DAY;
    assert.equal((await fixture.collect()).records.error, 1);
    assert.ok(await fixture.blob('damaged'));
  });

  it('goes on after it broke off at any request, and two at once do not disturb each other', async () => {
    const kept = await fixture.clean('kept');
    let requests = Number.POSITIVE_INFINITY;
    for (let nth = 1; nth < requests; nth++) {
      const bytes = `broken ${nth}`;
      await fixture.remove(await fixture.clean(bytes));
      await fixture.remove(await fixture.clean('kept'));
      await fixture.collect();
      fixture.now += 2 * DAY;
      let count = 0;
      const dying = fixture.actor(async (operation, name, run) => {
        if (++count === nth && nth % 2 === 0) await run();
        if (count >= nth) throw new Error(`ended before ${operation} ${name}`);
        return run();
      });
      await fixture.collect(dying).catch(() => undefined);
      if (count < nth) requests = nth;
      await Promise.all([fixture.collect(), fixture.collect()]);
      await fixture.collect();
      assert.equal(await fixture.blob(bytes), undefined, `after ${nth} requests`);
      assert.ok(await fixture.blob('kept'));
      assert.equal(await fixture.state(kept), 'clean');
      fixture.now += 31 * DAY;
      await fixture.collect();
      await fixture.collect();
      assert.deepEqual(await fixture.names('collect/'), [], `after ${nth} requests`);
      assert.equal((await fixture.names('files/')).length, 1);
    }
  });

  it('purges what is left of a deleted file and of an upload that expired, after a month', async () => {
    const id = await fixture.clean('tombstone');
    await fixture.refer(id, 'urn:1');
    await fixture.unrefer(id, 'urn:1');
    for (const reader of [OWNER, OTHER]) await fixture.leaveReceipt(id, reader);
    await fixture.remove(id);
    const { record } = await fixture.upload('expired');
    await fixture.write({ ...record, state: 'expired' });
    await fixture.collect();
    fixture.now += 29 * DAY;
    assert.deepEqual((await fixture.collect()).records, { tombstone: 2 });
    assert.equal((await fixture.names('receipts/')).length, 2);
    fixture.now += 2 * DAY;
    assert.deepEqual((await fixture.collect()).records, { purged: 2 });
    for (const prefix of ['files/', 'references/', 'receipts/'])
      assert.deepEqual(await fixture.names(prefix), [], prefix);
  });

  it('purges the receipts that nobody holds, and the record with the last one', async () => {
    const id = await fixture.clean('held receipt');
    for (const reader of [OWNER, OTHER]) await fixture.leaveReceipt(id, reader);
    const [first = '', last = ''] = await fixture.names('receipts/');
    fixture.now += 2_000;
    await fixture.hold(first, 'temporaryHold', true);
    await fixture.remove(id);
    await fixture.collect();
    fixture.now += 31 * DAY;
    assert.deepEqual((await fixture.collect()).records, { kept: 1 });
    assert.deepEqual(await fixture.names('receipts/'), [first], `${last} is gone`);
    assert.equal(await fixture.state(id), 'deleted');
    await fixture.hold(first, 'temporaryHold', false);
    fixture.now += 2_000;
    assert.deepEqual((await fixture.collect()).records, { purged: 1 });
    assert.deepEqual(await fixture.names('receipts/'), []);
  });

  it('purges all of it after a crash at any deletion', async () => {
    for (let step = 0, died = true; died; step++) {
      died = false;
      const id = await fixture.clean(`crash ${step}`);
      for (const reader of [OWNER, OTHER]) await fixture.leaveReceipt(id, reader);
      await fixture.remove(id);
      await fixture.collect();
      fixture.now += 31 * DAY;
      let deletions = 0;
      const dying = fixture.actor(async (operation, name, run) => {
        const isOfFile = operation === 'delete' && name.includes(id);
        if (isOfFile && deletions++ === step) {
          died = true;
          throw new Error('died');
        }
        return run();
      });
      await fixture.collect(dying);
      if (died) assert.equal(await fixture.state(id), 'deleted');
      fixture.now += 2_000;
      await fixture.collect();
      assert.deepEqual(
        (await fixture.names('')).filter((name) => name.includes(id)),
        [],
      );
    }
  });

  it('takes the bytes of a deleted file that wait for their scan, and those that were accepted', async () => {
    const { record, object } = await fixture.upload('waiting');
    const target = {
      bucket: fixture.sweeper.permanent,
      name: `accepted/${record.id}`,
      contentType: 'text/plain',
    };
    await fixture.sweeper.unscanned.rewrite(object, target);
    await fixture.remove(record.id);
    await fixture.collect();
    assert.equal(await fixture.sweeper.unscanned.stat(record.id), undefined);
    assert.deepEqual(await fixture.names('accepted/'), []);
  });

  it('says of a file that it is deleted until the word is out', async () => {
    await fixture.remove(await fixture.clean('unsaid'));
    const { collector } = fixture.actor();
    const broken = { ...collector, publish: () => Promise.reject(new Error('Pub/Sub is down')) };
    assert.equal((await fixture.collect({ ...fixture.actor(), collector: broken })).records.error, 1);
    assert.deepEqual((await fixture.collect()).records, { announced: 1 });
    assert.deepEqual((await fixture.collect()).records, { tombstone: 1 });
    assert.equal(fixture.published.filter(({ attributes }) => attributes['verdict'] === 'deleted').length, 1);
  });

  it('leaves no blob behind where a file is deleted while its scan promotes it', async () => {
    const { record, object } = await fixture.upload('deleted meanwhile');
    // As of an upload that did not pass our functions: only the scan knows its digest.
    const { content: _, ...unhashed } = record;
    await fixture.write(unhashed);
    const slow = fixture.actor(async (operation, name, run) => {
      const result = await run();
      if (operation === 'rewrite' && name.startsWith('blobs/')) await fixture.remove(record.id);
      return result;
    });
    await fixture.scan(object, slow);
    assert.equal(await fixture.state(record.id), 'deleted');
    assert.ok(await fixture.blob('deleted meanwhile'));
    for (let runs = 0; runs < 2; runs++) {
      fixture.now += 2 * DAY;
      await fixture.collect();
    }
    assert.deepEqual(await fixture.blobs(), []);
  });

  it('leaves no blob behind where the scanner ends there, either', async () => {
    const { record, object } = await fixture.upload('deleted before');
    const dying = fixture.actor(async (operation, name, run) => {
      if (operation === 'rewrite' && name.startsWith('blobs/')) {
        await fixture.remove(record.id);
        // There is no blob yet to be suspected; and the bytes are hidden, as where they are under way.
        await fixture.collect(hiding);
        await run();
        throw new Error('ended');
      }
      return run();
    });
    const hiding = fixture.actor(async (operation, _name, run) => {
      if (operation !== 'stat') return run();
      const found = await run();
      const bucket = (found as StoredObject | undefined)?.bucket;
      return bucket === fixture.sweeper.unscanned.name ? (undefined as typeof found) : found;
    });
    await assert.rejects(fixture.scan(object, dying), /ended/);
    assert.deepEqual(await fixture.names('collect/'), []);
    await fixture.scan(object);
    fixture.now += 2 * DAY;
    await fixture.collect();
    assert.deepEqual(await fixture.blobs(), []);
  });

  it('keeps a candidate whose content is promoted again just after it was looked for', async () => {
    const bytes = 'back again';
    const { record, object } = await fixture.upload(bytes);
    assert.ok(record.content);
    const candidate = `collect/sha256/${record.content.sha256}`;
    await fixture.sweeper.permanent.insertEmpty(candidate, { contentType: 'application/x-empty' });
    const scanner = fixture.actor(async (operation, name, run) => {
      const result = await run();
      if (operation === 'rewrite' && name.startsWith('blobs/')) {
        await fixture.remove(record.id);
        await fixture.collect(fixture.actor(), {}, { candidatesPerCycle: 0 });
      }
      return result;
    });
    let looked = false;
    const collector = fixture.actor(async (operation, name, run) => {
      const result = await run();
      if (operation === 'stat' && name.startsWith('blobs/') && !looked) {
        looked = true;
        await fixture.scan(object, scanner);
      }
      return result;
    });
    await fixture.collect(collector);
    assert.ok(looked && (await fixture.blob(bytes)));
    fixture.now += 2 * DAY;
    await fixture.collect();
    assert.deepEqual(await fixture.blobs(), []);
  });

  it('forgets idempotency keys after a day', async () => {
    const options = { contentType: 'application/x-empty' };
    await fixture.sweeper.permanent.insertEmpty('idempotency/old', options);
    fixture.now += DAY - HOUR;
    await fixture.sweeper.permanent.insertEmpty('idempotency/young', options);
    fixture.now += HOUR;
    assert.deepEqual((await fixture.collect()).idempotencyKeys, { deleted: 1, young: 1 });
    assert.deepEqual(await fixture.names('idempotency/'), ['idempotency/young']);
  });

  it('writes nothing where nothing is to be done', async () => {
    await fixture.refer(await fixture.clean('quiet'), 'urn:1');
    const { operations } = fixture.storage.emulator;
    operations.reset();
    const { records } = await fixture.collect();
    assert.deepEqual(records, { unchanged: 1 });
    for (const write of ['objects.insert', 'objects.patch', 'objects.delete'] as const) {
      assert.equal(operations.of(write).calls, 0, write);
    }
  });

  describe('of files that nothing refers to', () => {
    it('does nothing unless it is told to', async () => {
      const id = await fixture.clean('unreferenced');
      fixture.now += 3650 * DAY;
      assert.deepEqual((await fixture.collect()).records, { unchanged: 1 });
      assert.equal(await fixture.state(id), 'clean');
    });

    it('gives one its whole grace that waited for longer and was decided by an earlier scan', async () => {
      await fixture.clean('twice');
      const { record, object } = await fixture.upload('twice');
      fixture.unreferencedAfterMs = 2 * DAY;
      fixture.now += 3 * DAY;
      await fixture.scan(object);
      fixture.now += 2 * DAY - HOUR;
      await fixture.collect();
      assert.equal(await fixture.state(record.id), 'clean');
      fixture.now += HOUR;
      await fixture.collect();
      assert.equal(await fixture.state(record.id), 'deleted');
    });

    it('deletes them after their grace, which begins when the last reference is found gone', async () => {
      const [never, once, always] = [
        await fixture.clean('never'),
        await fixture.clean('once'),
        await fixture.clean('always'),
      ];
      await fixture.refer(once, 'urn:1');
      await fixture.refer(always, 'urn:1');
      await fixture.refer(always, 'urn:2');
      fixture.unreferencedAfterMs = 10 * DAY;
      fixture.now += 9 * DAY;
      assert.deepEqual((await fixture.collect()).records, { unchanged: 3 });
      await fixture.unrefer(once, 'urn:1');
      await fixture.unrefer(always, 'urn:2');
      fixture.now += 2 * DAY;
      assert.deepEqual((await fixture.collect()).records, { collected: 1, unreferenced: 1, unchanged: 1 });
      assert.deepEqual([await fixture.state(never), await fixture.state(once)], ['deleted', 'clean']);
      fixture.now += 10 * DAY;
      assert.equal((await fixture.collect()).records.collected, 1);
      assert.deepEqual([await fixture.state(once), await fixture.state(always)], ['deleted', 'clean']);
      assert.equal((await fixture.names('references/')).length, 1, 'removed references are gone');
      fixture.now += 2 * DAY;
      await fixture.collect();
      assert.equal((await fixture.blobs()).length, 1);
    });

    it('corrects a record that does not say that something refers to it', async () => {
      const id = await fixture.clean('half referred');
      await fixture.refer(id, 'urn:1');
      const read = await fixture.read(id);
      const { referenced: _, ...record } = read.record;
      await fixture.sweeper.records.replace(read, record as typeof read.record);
      fixture.unreferencedAfterMs = DAY;
      fixture.now += 2 * DAY;
      assert.deepEqual((await fixture.collect()).records, { referenced: 1 });
      assert.deepEqual((await fixture.collect()).records, { unchanged: 1 });
    });

    it('keeps one to which a reference is added at the moment it is to be deleted, or refuses the reference', async () => {
      for (const moment of ['before', 'after'] as const) {
        const id = await fixture.clean(`race ${moment}`);
        fixture.unreferencedAfterMs = DAY;
        fixture.now += 2 * DAY;
        let added: boolean | undefined;
        const racing = fixture.actor(async (operation, name, run) => {
          if (moment === 'after' && operation === 'patch' && name.endsWith(id)) {
            const result = await run();
            added ??= await fixture.refer(id, 'urn:1');
            return result;
          }
          if (moment === 'before' && operation === 'patch' && name.endsWith(id)) {
            added ??= await fixture.refer(id, 'urn:1');
          }
          return run();
        });
        await fixture.collect(racing);
        assert.equal(added, moment === 'before');
        assert.equal(await fixture.state(id), moment === 'before' ? 'clean' : 'deleted');
      }
    });

    it('tells of a file with thousands of references in pages', async () => {
      const [many, one] = [await fixture.clean('many'), await fixture.clean('one')];
      for (const id of [many, one]) {
        const names = Array.from({ length: id === many ? 1100 : 1 }, (_, n) => `references/${id}/${n}`);
        const insert = (name: string) =>
          fixture.sweeper.permanent.insertEmpty(name, { contentType: 'application/x-empty' });
        await Promise.all(names.map(insert));
      }
      assert.deepEqual((await fixture.collect()).records, { referenced: 2 });
    });
  });

  describe('under a retention policy and holds', () => {
    const retain = (seconds: number | null) =>
      fixture.admin('', { retentionPolicy: seconds && { retentionPeriod: String(seconds) } });
    afterEach(() => retain(null));

    it('marks, and deletes once the policy lets go', async () => {
      await retain((60 * DAY) / 1000);
      const [first, second] = [await fixture.clean('retained'), await fixture.clean('other')];
      await fixture.clean('other');
      await fixture.refer(first, 'urn:1');
      await fixture.unrefer(first, 'urn:1');
      await fixture.remove(first);
      await fixture.remove(second);
      await fixture.sweeper.permanent.insertEmpty('idempotency/kept', { contentType: 'application/x-empty' });
      const before = await fixture.names('');
      for (let days = 0; days < 59; days += 10) {
        const report = await fixture.collect();
        assert.deepEqual(
          [report.records.error, report.candidates.error, report.blobs.error, report.idempotencyKeys.error],
          [undefined, undefined, undefined, undefined],
        );
        fixture.now += 10 * DAY;
      }
      const after = new Set(await fixture.names(''));
      assert.ok(before.every((name) => name.startsWith('sweeper/') || after.has(name)));
      fixture.now += 31 * DAY;
      for (let runs = 0; runs < 4; runs++) {
        await fixture.collect();
        fixture.now += 31 * DAY;
      }
      const left = await fixture.names('');
      assert.deepEqual(
        left.map((name) => name.split('/')[0]),
        ['blobs', 'files', 'verdicts'],
        left.join(),
      );
      assert.deepEqual(await fixture.broken(), []);
    });

    it('uses a struck candidate again', async () => {
      await retain((400 * DAY) / 1000);
      const [first, second] = [await fixture.clean('again'), await fixture.clean('again')];
      await fixture.remove(first);
      await fixture.collect();
      await retain(null);
      fixture.now += 2 * DAY;
      const [candidate = ''] = await fixture.names('collect/');
      await fixture.hold(candidate, 'temporaryHold', true);
      await fixture.collect();
      assert.equal((await fixture.sweeper.permanent.stat(candidate))?.metadata['done'], 'true');
      await fixture.remove(second);
      await fixture.collect();
      assert.equal((await fixture.sweeper.permanent.stat(candidate))?.metadata['done'], undefined);
      await fixture.collect();
      assert.deepEqual(await fixture.blobs(), []);
    });

    for (const hold of ['temporaryHold', 'eventBasedHold'] as const) {
      it(`leaves what is under a ${hold}, even one set at the last moment, to a later cycle`, async () => {
        await fixture.remove(await fixture.clean('held'));
        await fixture.collect();
        fixture.now += 2 * DAY;
        const [name = ''] = await fixture.blobs();
        const late = fixture.actor(async (operation, at, run) => {
          if (operation === 'delete' && at === name) await fixture.hold(name, hold, true);
          return run();
        });
        const { blobs } = await fixture.collect(late);
        assert.ok(blobs.kept === 1 || blobs.changed === 1, JSON.stringify(blobs));
        assert.deepEqual((await fixture.collect()).candidates, { waiting: 1 });
        assert.equal((await fixture.blobs()).length, 1);
        await fixture.hold(name, hold, false);
        fixture.now += 2 * DAY;
        await fixture.collect();
        assert.deepEqual(await fixture.blobs(), []);
      });
    }
  });

  describe('where an owner shares contents only with themselves', () => {
    beforeEach(() => {
      fixture.deduplicate = 'owner';
    });

    it('keeps a blob for each owner, and scans for each', async () => {
      await fixture.clean('same');
      await fixture.clean('same');
      const { operations } = fixture.storage.emulator;
      operations.reset();
      await fixture.clean('same', OTHER);
      assert.equal(operations.of('objects.getMedia').calls, 1, 'scanned, as if nobody had it');
      assert.equal(operations.of('objects.rewrite').calls, 1);
      assert.equal((await fixture.blobs()).length, 2);
    });

    it('collects the blob of one owner, and not of another', async () => {
      const id = await fixture.clean('same');
      const theirs = await fixture.clean('same', OTHER);
      await fixture.remove(id);
      await fixture.collect();
      fixture.now += 2 * DAY;
      await fixture.collect();
      assert.equal((await fixture.blobs()).length, 1);
      const read = await fixture.read(theirs);
      assert.ok(read.record.content);
      const blobs = new Blobs(fixture.sweeper.permanent, { deduplicate: 'owner' });
      assert.ok(await blobs.find({ ...read.record, content: read.record.content }));
    });

    it('finds and collects what was stored before that was so', async () => {
      fixture.deduplicate = 'global';
      const id = await fixture.clean('before');
      fixture.deduplicate = 'owner';
      const later = await fixture.clean('before');
      assert.equal((await fixture.blobs()).length, 2);
      const { record } = await fixture.read(id);
      assert.ok(record.content);
      await fixture.remove(later);
      await fixture.collect();
      fixture.now += 2 * DAY;
      await fixture.collect();
      assert.equal((await fixture.blobs()).length, 2, 'either may be what the first file uses');
      await fixture.remove(id);
      await fixture.collect();
      await fixture.collect();
      assert.deepEqual(await fixture.blobs(), []);
    });
  });
});
