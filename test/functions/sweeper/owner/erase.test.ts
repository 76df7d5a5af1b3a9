import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { RecordWriter } from '../../../../functions/files/record-writer.ts';
import { share } from '../../../../functions/files/share.ts';
import { attestErasure, type Erasure } from '../../../../functions/sweeper/owner/attest.ts';
import { type EraseDeps, type EraseReport, erase } from '../../../../functions/sweeper/owner/erase.ts';
import { type Holding, holdings } from '../../../../functions/sweeper/owner/holdings.ts';
import { type FileId, newFileId } from '../../../../shared/files/file-id.ts';
import { fileMetadata, verdictMetadata } from '../../../../shared/files/metadata.ts';
import { partName } from '../../../../shared/files/parts.ts';
import type { CleanRecord, Sha256 } from '../../../../shared/files/record.ts';
import { SharedFiles } from '../../../../shared/files/shared-files.ts';
import { type Principal, principalKey } from '../../../../shared/identity/principal.ts';
import { Background } from '../../../../shared/runtime/background.ts';
import { Bucket } from '../../../../shared/storage/bucket.ts';
import type { Generation, StoredObject } from '../../../../shared/storage/object.ts';
import { allObjects } from '../../../../shared/storage/page.ts';
import { FAST_RETRY } from '../../../shared/storage/streams.ts';
import { CollectFixture } from '../collect-fixture.ts';
import { DAY, OWNER } from '../fixture.ts';
import { type Hook, HookedBucket, straight } from '../hooked-bucket.ts';

const OTHER = 'org:974652269' as Principal;
const THIRD = 'org:974652270' as Principal;
const URI = 'urn:x:1';

describe('an erasure', () => {
  const fixture = new CollectFixture();
  let quarantine: Bucket;

  beforeEach(async () => {
    const name = fixture.sweeper.permanent.name.replace('permanent', 'quarantine');
    (await fixture.storage.call('POST', '/storage/v1/b?project=p', { json: { name } })).ok();
    quarantine = new Bucket(fixture.connection, name, { retry: FAST_RETRY });
  });

  function deps(hook: Hook = straight): EraseDeps {
    const { collector } = fixture.actor(hook);
    return { ...collector, quarantine: new HookedBucket(hook, fixture.connection, quarantine.name) };
  }
  const run = (
    order: { principal?: Principal; referenced?: boolean } = {},
    how = deps(),
    stopping = () => false,
  ): Promise<EraseReport> =>
    erase(how, { principal: OWNER, referenced: false, ...order }, { budgetMs: 600_000, stopping });

  async function list(principal: Principal = OWNER): Promise<Holding[]> {
    const found: Holding[] = [];
    for await (const holding of holdings(deps(), principal)) found.push(holding);
    return found;
  }
  /** The list as its client has it. */
  async function listed(principal: Principal = OWNER): Promise<Buffer> {
    const lines = [{ principal, at: '' }, ...(await list(principal)), { end: true, count: 0 }];
    return Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  }
  async function attest(body: Buffer): Promise<Erasure> {
    async function* pieces() {
      for (let at = 0; at < body.length; at += 1_000) yield body.subarray(at, at + 1_000);
    }
    const { erasure, sha256 } = await attestErasure(deps(), pieces());
    assert.equal(sha256, createHash('sha256').update(body).digest('hex'));
    return erasure;
  }
  async function shareWith(id: FileId, ...principals: Principal[]): Promise<void> {
    const { records, now, log, permanent } = fixture.sweeper;
    const writer = new RecordWriter(records, FAST_RETRY);
    const sharing = { shared: new SharedFiles(permanent), writer, background: new Background(log), now, log };
    const grant = principals.map((principal) => ({ principal }));
    await share(sharing, { id, grant, ifMatch: undefined });
  }
  async function put(bucket: Bucket, name: string, bytes = 'bytes'): Promise<void> {
    async function* source() {
      yield Buffer.from(bytes);
    }
    await (await bucket.stage(name, source(), { contentType: 'application/octet-stream' })).commit();
  }
  async function everything(): Promise<StoredObject[]> {
    const all: StoredObject[] = [];
    for (const bucket of [fixture.sweeper.permanent, fixture.sweeper.unscanned, quarantine]) {
      for await (const object of allObjects(bucket, { prefix: '' })) all.push(object);
    }
    return all;
  }
  /** Objects that name a principal, or an id of one of their files, or a digest of either, marks of the erasure apart. */
  async function traces(principal: Principal, ids: readonly FileId[]): Promise<string[]> {
    const signs = [principal, principalKey(principal), ...ids];
    return (await everything())
      .filter(({ name }) => !name.startsWith('erased/'))
      .filter((object) => signs.some((sign) => JSON.stringify(object).includes(sign)))
      .map(({ name }) => name);
  }
  async function collected(): Promise<void> {
    fixture.now += 2 * DAY;
    for (let times = 0; times < 3; times++) await fixture.collect();
  }
  const stateOf = (id: FileId) => fixture.state(id);

  /** Everything that an owner can have. */
  async function owned(): Promise<FileId[]> {
    const [whole, common] = [await fixture.clean('whole'), await fixture.clean('common')];
    await shareWith(whole, OTHER);
    await fixture.leaveReceipt(whole, OTHER);
    await fixture.leaveReceipt(whole, OWNER);
    const { record: pending } = await fixture.upload('pending');
    const infected = await fixture.upload('infected');
    await put(quarantine, infected.record.id);
    const uploading = newFileId(OWNER, new Date(fixture.now));
    const { permanent, unscanned, records } = fixture.sweeper;
    await records.insert({
      ...{ id: uploading, owner: OWNER, viewers: [], createdAt: new Date(fixture.now) },
      ...{ contentType: 'text/plain', state: 'uploading' },
      upload: { kind: 'tus', length: 10, expiresAt: new Date(fixture.now + DAY) },
    });
    await put(unscanned, partName(uploading, 0));
    await permanent.insertEmpty('idempotency/1', { metadata: { fileId: whole } });
    return [whole, common, pending.id, infected.record.id, uploading];
  }
  /** Files of another, who has the common content, and lets the owner see one. */
  async function others(): Promise<FileId[]> {
    const upload = async (bytes: string) => {
      const { record, object } = await fixture.upload(bytes, undefined, OTHER);
      await fixture.scan(object);
      return record.id;
    };
    const [common, shared] = [await upload('common'), await upload('shared')];
    await shareWith(shared, OWNER, THIRD);
    await fixture.leaveReceipt(shared, OWNER);
    await fixture.leaveReceipt(shared, THIRD);
    return [common, shared];
  }

  it('lists everything of a principal, and nothing of others but that it is about them', async () => {
    const ids = await owned();
    const [, shared] = await others();
    const found = await list();
    const kinds: Record<string, number> = {};
    for (const { kind } of found) kinds[kind] = (kinds[kind] ?? 0) + 1;
    assert.deepEqual(kinds, {
      file: 5,
      verdict: 2,
      receipt: 3,
      bytes: 4,
      content: 2,
      key: 1,
      grant: 1,
      entry: 1,
    });
    const names = new Set(found.map(({ name }) => name));
    for (const trace of await traces(OWNER, ids)) {
      // The entry of a viewer is found by the file, and goes with it.
      assert.ok(names.has(trace) || trace.startsWith(`shared/${principalKey(OTHER)}`), trace);
    }
    const grant = found.find(({ kind }) => kind === 'grant');
    assert.deepEqual(grant, { kind: 'grant', bucket: 'permanent', name: `files/${shared}`, fileId: shared });
  });

  it('leaves nothing of an owner in any bucket, and what others have', async () => {
    const ids = await owned();
    const theirs = await others();
    const body = await listed();
    const { files, others: beside, complete } = await run();
    assert.deepEqual([files, beside, complete], [{ erased: 5 }, { erased: 3 }, true]);
    assert.deepEqual((await attest(body)).keptByReason, { shared: 1, collection: 1 });
    await collected();
    assert.deepEqual(await traces(OWNER, ids), []);
    assert.equal(await fixture.blob('whole'), undefined);
    assert.deepEqual(await Promise.all(theirs.map(stateOf)), ['clean', 'clean']);
    assert.deepEqual(await fixture.broken(), []);
    const { record } = await fixture.read(theirs[1] ?? assert.fail());
    assert.deepEqual(record.viewers, [{ principal: THIRD }]);
    assert.equal((await fixture.names(`receipts/${theirs[1]}/`)).length, 1);
    const erasure = await attest(body);
    assert.deepEqual(
      [erasure.principal, erasure.complete, erasure.unlisted, erasure.keptByReason],
      [principalKey(OWNER), true, 0, { shared: 1 }],
    );
    assert.equal(erasure.absent, erasure.listed - 1);
    assert.deepEqual(await list(), []);
    assert.deepEqual(
      new Set(fixture.published.map(({ attributes }) => attributes['ce-type'])).has(
        'no.nav.hops.fileshare.file.deleted.v1',
      ),
      true,
    );
  });

  it('leaves no content in quarantine that no other file has', async () => {
    const [alone, common, referenced] = [
      await fixture.clean('whole'),
      await fixture.clean('common'),
      await fixture.clean('referenced'),
    ];
    await fixture.clean('common', OTHER);
    await fixture.refer(referenced, URI);
    const nameOf = async (id: FileId) => `sha256/${(await fixture.read(id)).record.content?.sha256}`;
    const [gone, shared, kept] = [await nameOf(alone), await nameOf(common), await nameOf(referenced)];
    for (const name of [gone, shared, kept]) await put(quarantine, name);
    const body = await listed();
    fixture.now += 5_000;
    const { files, others: beside } = await run();
    assert.deepEqual([files, beside], [{ erased: 2, referenced: 1 }, { erased: 1 }]);
    const left = async () => {
      const { objects } = await quarantine.list({ prefix: 'sha256/', maxResults: 10 });
      return objects.map(({ name }) => name);
    };
    assert.deepEqual(await left(), [shared, kept].sort());
    await run({ referenced: true });
    assert.deepEqual(await left(), [shared]);
    await collected();
    const { complete, keptByReason } = await attest(body);
    assert.deepEqual([complete, keptByReason], [true, { shared: 2 }]);
  });

  it('does not call a content shared that no other owner’s file uses, though one has the same bytes', async () => {
    fixture.deduplicate = 'owner';
    const id = await fixture.clean('common');
    await fixture.clean('common', OTHER);
    const body = await listed();
    await run();
    const before = await attest(body);
    assert.deepEqual([before.complete, before.keptByReason], [false, { collection: 1 }]);
    await collected();
    assert.deepEqual(await traces(OWNER, [id]), []);
    const after = await attest(body);
    assert.deepEqual([after.complete, after.keptByReason], [true, {}]);
    assert.deepEqual(await fixture.broken(), []);
  });

  it('does not call a content shared that another owner has deleted', async () => {
    await fixture.clean('common');
    const theirs = await fixture.clean('common', OTHER);
    const name = `sha256/${(await fixture.read(theirs)).record.content?.sha256}`;
    await put(quarantine, name);
    fixture.now += 5_000;
    assert.ok(await fixture.remove(theirs));
    const body = await listed();
    fixture.now += 5_000;
    await run();
    assert.equal(await quarantine.stat(name), undefined);
    const { complete, keptByReason } = await attest(body);
    assert.deepEqual([complete, keptByReason], [false, { collection: 1 }]);
    await collected();
    assert.deepEqual((await attest(body)).keptByReason, {});
  });

  it('says until when a content waits for the collection', async () => {
    await fixture.clean('whole');
    const body = await listed();
    await run();
    const { complete, kept } = await attest(body);
    assert.equal(complete, false);
    const [blob] = kept.filter(({ reason }) => reason === 'collection');
    assert.ok(Math.abs(Date.parse(blob?.until ?? '') - fixture.now - DAY) < 60_000);
  });

  it('keeps what a resource refers to, unless it is told otherwise', async () => {
    const id = await fixture.clean('whole');
    await fixture.refer(id, URI);
    const body = await listed();
    assert.deepEqual((await run()).files, { referenced: 1 });
    assert.equal(await stateOf(id), 'clean');
    assert.equal((await attest(body)).keptByReason.referenced, 3);
    assert.deepEqual((await run({ referenced: true })).files, { erased: 1 });
    await collected();
    assert.deepEqual(await traces(OWNER, [id]), []);
    assert.equal((await attest(body)).complete, true);
  });

  it('leaves the bytes of an upload whose record is on its way, until it has come or never will', async () => {
    let report: EraseReport | undefined;
    const { record } = await fixture.upload(
      'late',
      fixture.actor(async (operation, name, insert) => {
        if (operation !== 'insert' || !name.startsWith('files/')) return insert();
        while (!(await fixture.sweeper.unscanned.stat(name.slice('files/'.length)))) await delay(1);
        report = await run();
        return insert();
      }),
    );
    assert.deepEqual(report?.files, { conflict: 1 });
    assert.deepEqual((await run()).files, { erased: 1 });
    assert.deepEqual(await traces(OWNER, [record.id]), []);
    await put(fixture.sweeper.unscanned, newFileId(OWNER, new Date(fixture.now)));
    assert.deepEqual((await run()).files, { conflict: 1 });
    fixture.now += DAY;
    assert.deepEqual((await run()).files, { erased: 1 });
  });

  it('keeps what a hold or a retention policy keeps, says why, and goes on once it may', async () => {
    const [held, free] = [await fixture.clean('held'), await fixture.clean('free')];
    await fixture.admin(`/o/${encodeURIComponent(`files/${held}`)}`, { temporaryHold: true });
    fixture.now += 5_000;
    const body = await listed();
    assert.deepEqual((await run()).files, { kept: 1, erased: 1 });
    assert.deepEqual([await stateOf(held), await stateOf(free)], ['deleted', undefined]);
    assert.equal((await attest(body)).keptByReason.hold, 1);
    await fixture.admin(`/o/${encodeURIComponent(`files/${held}`)}`, { temporaryHold: false });
    fixture.now += 5_000;
    assert.deepEqual((await run()).files, { erased: 1 });
    await collected();
    assert.deepEqual(await traces(OWNER, [held, free]), []);
    assert.equal((await attest(body)).complete, true);
  });

  it('erases the bytes in quarantine of a file whose record is held', async () => {
    const id = await fixture.clean('held');
    await put(quarantine, id);
    await fixture.admin(`/o/${encodeURIComponent(`files/${id}`)}`, { temporaryHold: true });
    fixture.now += 5_000;
    const body = await listed();
    assert.deepEqual((await run()).files, { kept: 1 });
    assert.equal(await quarantine.stat(id), undefined);
    assert.deepEqual(
      (await attest(body)).kept.filter(({ bucket }) => bucket === 'quarantine'),
      [],
    );
    await fixture.admin(`/o/${encodeURIComponent(`files/${id}`)}`, { temporaryHold: false });
    fixture.now += 5_000;
    assert.deepEqual((await run()).files, { erased: 1 });
  });

  it('says what it has not erased, and what the list does not name', async () => {
    await fixture.clean('listed');
    const body = await listed();
    await fixture.clean('later');
    const { complete, unlisted, keptByReason } = await attest(body);
    assert.deepEqual([complete, unlisted, keptByReason.present], [false, 3, 2]);
  });

  it('attests no list that is not whole', async () => {
    const body = await listed();
    const text = body.toString();
    for (const part of [
      '',
      text.slice(text.indexOf('\n') + 1),
      text.slice(0, text.lastIndexOf('{')),
      'no list',
    ]) {
      await assert.rejects(attest(Buffer.from(part)), { type: 'invalid-request' });
    }
  });

  it('is completed by the same call after a crash at any step', async function () {
    this.timeout(600_000);
    let crashes = 0;
    const seen: FileId[] = [];
    for (; ; crashes++) {
      seen.push(await fixture.clean(`whole ${crashes}`));
      const [id = assert.fail()] = seen.slice(-1);
      await shareWith(id, OTHER);
      fixture.now += 5_000;
      let steps = 0;
      const at = crashes;
      const crash: Hook = async (_operation, _name, work) => {
        const dies = steps++ >= at;
        if (dies && crashes % 2 === 0) await work();
        if (dies) throw new Error('died');
        return work();
      };
      const report = await run({}, deps(crash)).catch(() => undefined);
      assert.deepEqual(await fixture.broken(), []);
      if (report && !report.files.error && !report.others.error) break;
      fixture.now += 5_000;
      assert.deepEqual((await run()).files.error, undefined);
    }
    assert.ok(crashes > 15, `${crashes} crashes`);
    await collected();
    assert.deepEqual(await traces(OWNER, seen), []);
  });

  it('goes on where its time was up', async () => {
    for (const bytes of ['one', 'two', 'three']) await fixture.clean(bytes);
    let calls = 0;
    for (let complete = false; !complete; calls++) {
      let asked = 0;
      complete = (await run({}, deps(), () => ++asked > 1)).complete;
    }
    assert.ok(calls > 1);
    assert.deepEqual(
      (await list()).filter(({ kind }) => kind !== 'content'),
      [],
    );
  });

  it('finds one owner among 10 000 files of others, and leaves those alone', async function () {
    this.timeout(900_000);
    const { permanent } = fixture.sweeper;
    const ids = await owned();
    const theirs = await others();
    const sha256 = 'a'.repeat(64) as Sha256;
    const crowd = Array.from({ length: 10_000 }, (_, n) => `org:${100_000_000 + n}` as Principal);
    const insert = async (owner: Principal): Promise<void> => {
      const id = newFileId(owner, new Date(fixture.now));
      const content = { sha256, size: 1, crc32c: 'AAAAAA==' };
      const record: CleanRecord = {
        ...{ id, owner, viewers: [{ principal: THIRD }], createdAt: new Date(fixture.now) },
        ...{ contentType: 'text/plain', content, state: 'clean' },
        scan: { generation: '1' as Generation, scannedAt: new Date(fixture.now) },
      };
      const pending = { ...record, state: 'pending' } as const;
      const { scan: _, ...file } = pending;
      await permanent.insertEmpty(`files/${id}`, { metadata: fileMetadata(file) });
      await permanent.insertEmpty(`verdicts/${id}`, { metadata: verdictMetadata(record) });
    };
    const queue = [...crowd];
    const work = async () => {
      for (let owner = queue.pop(); owner; owner = queue.pop()) await insert(owner);
    };
    await Promise.all(Array.from({ length: 32 }, work));
    const before = (await everything()).length;
    const body = await listed();
    assert.deepEqual((await run()).files, { erased: ids.length });
    await collected();
    assert.deepEqual(await traces(OWNER, ids), []);
    const { complete, unlisted, kept } = await attest(body);
    assert.deepEqual([complete, unlisted], [true, 0], JSON.stringify(kept));
    assert.deepEqual(await Promise.all(theirs.map(stateOf)), ['clean', 'clean']);
    const crowded = (await fixture.sweeper.records.list({ prefix: 'files/', maxResults: 1000 })).objects
      .length;
    assert.equal(crowded, 1000);
    assert.ok(before - (await everything()).length < 60);
  });
});
