import assert from 'node:assert/strict';
import { pino } from 'pino';
import { parse } from 'valibot';
import { RecordWriter } from '../../../../functions/files/record-writer.ts';
import { share } from '../../../../functions/files/share.ts';
import { removeEnd, setEnd } from '../../../../functions/files/withdraw.ts';
import { audit } from '../../../../functions/sweeper/auditor/audit.ts';
import { erase } from '../../../../functions/sweeper/owner/erase.ts';
import { recall } from '../../../../functions/sweeper/recall.ts';
import { erasedName } from '../../../../functions/sweeper/recovery/erased.ts';
import {
  type RestoreDeps,
  RestoreOrder,
  type RestoreReport,
  restore,
} from '../../../../functions/sweeper/recovery/restore.ts';
import { Blobs } from '../../../../shared/files/blobs.ts';
import type { FileId } from '../../../../shared/files/file-id.ts';
import { Findings } from '../../../../shared/files/findings.ts';
import { Receipts } from '../../../../shared/files/receipts.ts';
import type { FileRecord } from '../../../../shared/files/record.ts';
import { References } from '../../../../shared/files/references.ts';
import { SharedFiles } from '../../../../shared/files/shared-files.ts';
import type { Principal } from '../../../../shared/identity/principal.ts';
import { Background } from '../../../../shared/runtime/background.ts';
import { allObjects } from '../../../../shared/storage/page.ts';
import { FAST_RETRY } from '../../../shared/storage/streams.ts';
import { CollectFixture } from '../collect-fixture.ts';
import { ExportFixture } from '../exporter/fixture.ts';
import { DAY, OWNER } from '../fixture.ts';
import { type Hook, HookedBucket, straight } from '../hooked-bucket.ts';

const VIEWER = 'org:974652269' as Principal;
const OTHER = 'org:974652270' as Principal;
const URI = 'urn:x:1';

describe('a restore', () => {
  const fixture = new CollectFixture();
  const exports = new ExportFixture(fixture);
  const permanent = () => fixture.sweeper.permanent;

  function deps(hook: Hook = straight): RestoreDeps {
    const { sweeper, connection, deduplicate } = fixture;
    const bucket = new HookedBucket(hook, connection, sweeper.permanent.name, {
      retry: FAST_RETRY,
      paced: true,
      timeoutMs: 30_000,
    });
    return {
      permanent: bucket,
      unscanned: sweeper.unscanned,
      blobs: new Blobs(bucket, { deduplicate, now: sweeper.now }),
      findings: new Findings(bucket),
      shared: new SharedFiles(bucket),
      archive: exports.deps(hook).archive,
      now: sweeper.now,
      log: pino({ level: 'silent' }),
    };
  }
  const run = (order: object = {}, how = deps(), stopping = () => false): Promise<RestoreReport> => {
    const parsed = parse(RestoreOrder, { scope: 'all', apply: true, ...order });
    return restore(how, parsed, { budgetMs: 60_000, stopping });
  };

  async function destroy(prefix = '', but = /^(blobs|sweeper)\//): Promise<void> {
    for await (const object of allObjects(permanent(), { prefix })) {
      if (!but.test(object.name)) await permanent().delete(object.name, { generation: object.generation });
    }
    fixture.now += 5_000;
  }
  async function shared(id: FileId, grant: readonly Principal[], revoke: readonly Principal[] = []) {
    const { records } = fixture.sweeper;
    const { now, log } = fixture.sweeper;
    const background = new Background(log);
    const writer = new RecordWriter(records, FAST_RETRY);
    const sharing = { shared: new SharedFiles(permanent()), writer, background, now, log };
    await share(sharing, {
      id,
      revoke,
      grant: grant.map((principal) => ({ principal })),
      ifMatch: undefined,
    });
  }
  async function end(id: FileId, expiresAt: Date | undefined): Promise<void> {
    const { records, now } = fixture.sweeper;
    const deps = {
      references: new References(permanent()),
      writer: new RecordWriter(records, FAST_RETRY),
      now,
    };
    await (expiresAt ? setEnd(deps, id, expiresAt, undefined) : removeEnd(deps, id, undefined));
  }
  const viewersOf = (record: FileRecord | undefined) => record?.viewers.map(({ principal }) => principal);
  const read = async (id: FileId) => (await fixture.sweeper.records.get(id))?.record;
  /** Everything but candidates and what an entry says of its event, without versions. */
  async function there(): Promise<object[]> {
    const all = await exports.there();
    const named = all.map((object) => ({ name: '', ...object }));
    return named
      .filter(({ name }) => !name.startsWith('collect/'))
      .map((object) => (object.name.startsWith('shared/') ? { name: object.name } : object));
  }
  /** The rules that are broken now, without any grace. */
  async function broken(): Promise<object> {
    const { sweeper, deduplicate } = fixture;
    const report = await audit(
      {
        permanent: permanent(),
        unscanned: sweeper.unscanned,
        findings: sweeper.findings,
        scope: deduplicate,
        portion: 1_000,
        graceMs: 0,
        abandonedAfterMs: DAY,
        tombstoneMs: 30 * DAY,
        blobGraceMs: DAY,
        now: sweeper.now,
        log: pino({ level: 'silent' }),
      },
      { budgetMs: 60_000, stopping: () => false },
    );
    assert.ok(report.complete);
    return report.broken;
  }
  /** A clean file with all that belongs to one. */
  async function whole(bytes = 'content'): Promise<FileId> {
    const id = await fixture.clean(bytes);
    await shared(id, [VIEWER]);
    await fixture.refer(id, URI);
    await fixture.leaveReceipt(id, VIEWER);
    return id;
  }

  it('brings back every kind of object, and nothing else, after all were destroyed', async () => {
    const id = await whole();
    const infected = await fixture.upload(
      'X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*',
    );
    await fixture.scan(infected.object);
    const deleted = await fixture.clean('another');
    await fixture.remove(deleted);
    await fixture.collect();
    await permanent().insertEmpty('idempotency/1', { metadata: { fileId: id } });
    const before = await there();
    await exports.run();
    await destroy();
    const { files, objects, complete } = await run();
    assert.ok(complete);
    assert.deepEqual(files, { restored: 3 });
    assert.deepEqual(objects, { 'findings/sha256/': 1, 'idempotency/': 1, 'collect/': 1 });
    assert.deepEqual(await there(), before);
    assert.equal((await read(id))?.referenced, true);
    assert.deepEqual(await broken(), {});
    assert.deepEqual((await run()).files, { unchanged: 3 });
    assert.deepEqual(await there(), before);
  });

  it('writes nothing in a dry run, and says what it would do', async () => {
    await whole();
    await exports.run();
    await destroy();
    const before = await there();
    const { files, applied } = await run({ apply: false });
    assert.deepEqual([files, applied], [{ restored: 1 }, false]);
    assert.deepEqual(await there(), before);
  });

  it('is as of a time, and from the export that was whole by then', async () => {
    const first = await fixture.clean('first');
    await exports.run();
    const asOf = new Date(fixture.now).toISOString();
    const second = await fixture.clean('second');
    await exports.run();
    await destroy();
    await run({ asOf });
    assert.deepEqual([(await read(first))?.state, await read(second)], ['clean', undefined]);
    // Its content has no file any more, and a collection is to decide on it.
    assert.equal((await fixture.names('collect/')).length, 1);
    assert.deepEqual(await broken(), {});
    await run();
    assert.equal((await read(second))?.state, 'clean');
    await assert.rejects(run({ asOf: '2020-01-01T00:00:00Z' }), { type: 'not-found' });
  });

  it('is of one file, or of one owner, and leaves others alone', async () => {
    const [one, two] = [await fixture.clean('one'), await fixture.clean('two')];
    const { record, object } = await fixture.upload('three', undefined, OTHER);
    await fixture.scan(object);
    await exports.run();
    await destroy();
    assert.deepEqual((await run({ scope: { file: one } })).files, { restored: 1 });
    assert.deepEqual([(await read(one))?.state, await read(two)], ['clean', undefined]);
    assert.deepEqual((await run({ scope: { owner: OWNER } })).files, { restored: 1, unchanged: 1 });
    assert.deepEqual([(await read(two))?.state, await read(record.id)], ['clean', undefined]);
    await assert.rejects(run({ scope: { file: 'none' } }), { type: 'not-found' });
    await assert.rejects(run({ scope: { owner: 'nobody' } }), { type: 'invalid-request' });
  });

  it('replaces nothing that was written since, unless it is told to', async () => {
    const id = await whole();
    await exports.run();
    await shared(id, [OTHER]);
    assert.deepEqual((await run()).files, { newer: 1 });
    assert.deepEqual(viewersOf(await read(id)), [VIEWER, OTHER]);
    assert.deepEqual((await run({ overwrite: true })).files, { overwritten: 1 });
    assert.deepEqual(viewersOf(await read(id)), [VIEWER]);
    assert.deepEqual(await broken(), {});
  });

  it('undoes a deletion if it is told to, and grants nothing that was revoked since', async () => {
    const id = await fixture.clean('content');
    await shared(id, [VIEWER, OTHER]);
    await exports.run();
    await shared(id, [], [OTHER]);
    await fixture.remove(id);
    assert.deepEqual((await run()).files, { newer: 1 });
    assert.equal((await read(id))?.state, 'deleted');
    await run({ overwrite: true });
    assert.deepEqual([(await read(id))?.state, viewersOf(await read(id))], ['clean', [VIEWER]]);
  });

  it('moves no end that an owner has set, moved or removed since', async () => {
    const at = (days: number) => new Date(fixture.now + days * DAY);
    const [none, early, late] = [undefined, at(5), at(9)];
    for (const [before, since] of [
      [none, early],
      [early, late],
      [late, early],
      [early, none],
    ]) {
      const id = await fixture.clean('content');
      await end(id, before);
      await exports.run();
      await end(id, since);
      // So that there is something to replace.
      await shared(id, [VIEWER]);
      const order = { scope: { file: id }, overwrite: true };
      assert.deepEqual((await run(order)).files, { overwritten: 1 });
      assert.deepEqual((await read(id))?.expiresAt, since);
    }
    assert.deepEqual(await broken(), {});
  });

  it('brings no file back that has reached its end, whatever an export and the collection made of it', async () => {
    for (const isCollected of [false, true]) {
      const id = await fixture.clean('content');
      const later = await fixture.clean('content');
      await end(later, new Date(fixture.now + 9 * DAY));
      await exports.run();
      const ends = new Date(fixture.now + DAY);
      await end(id, ends);
      await end(later, ends);
      fixture.now += 2 * DAY;
      if (isCollected) await fixture.collect();
      for (const file of [id, later]) {
        assert.deepEqual((await run({ scope: { file }, overwrite: true })).files, { newer: 1 });
        const { state, expiresAt } = (await read(file)) ?? {};
        assert.deepEqual([state, expiresAt], ['deleted', ends]);
      }
    }
  });

  it('leaves the last end to a file whose deletion is undone, and no file beyond it', async () => {
    const id = await fixture.clean('content');
    await exports.run();
    const ends = new Date(fixture.now + 2 * DAY);
    await end(id, ends);
    await fixture.remove(id);
    await run({ overwrite: true });
    assert.deepEqual([(await read(id))?.state, (await read(id))?.expiresAt], ['clean', ends]);
    await fixture.remove(id);
    fixture.now += 3 * DAY;
    assert.deepEqual((await run({ overwrite: true })).files, { newer: 1 });
    assert.equal((await read(id))?.state, 'deleted');
  });

  it('deletes no file at an earlier end to which a resource refers since', async () => {
    for (const isThere of [true, false]) {
      const id = await fixture.clean('content');
      await end(id, new Date(fixture.now + DAY));
      await exports.run();
      await end(id, undefined);
      assert.ok(await fixture.refer(id, URI));
      if (!isThere) {
        await destroy(`files/${id}`);
        await destroy(`verdicts/${id}`);
      }
      await run({ scope: { file: id }, overwrite: true });
      const { state, expiresAt, referenced } = (await read(id)) ?? {};
      assert.deepEqual([state, expiresAt, referenced], ['clean', undefined, true]);
      fixture.now += 2 * DAY;
      assert.equal((await read(id))?.state, 'clean');
      assert.deepEqual(await broken(), {});
    }
  });

  it('brings no reference back to a file that has got an end since', async () => {
    const id = await fixture.clean('content');
    assert.ok(await fixture.refer(id, URI));
    await exports.run();
    await destroy(`references/${id}`);
    const expiresAt = new Date(fixture.now + DAY);
    await end(id, expiresAt);
    await run({ scope: { file: id }, overwrite: true });
    const record = await read(id);
    assert.deepEqual([record?.expiresAt, record?.referenced], [expiresAt, undefined]);
    assert.deepEqual(await fixture.names('references/'), []);
    assert.deepEqual(await broken(), {});
  });

  it('repairs a damaged record if it is told to, and grants nothing that was revoked before the damage', async () => {
    const damages: readonly Readonly<Record<string, string>>[] = [
      { createdAt: 'never' },
      { viewers: `${VIEWER} nobody;x` },
    ];
    for (const damage of damages) {
      const id = await fixture.clean('content');
      await shared(id, [VIEWER, OTHER]);
      await exports.run();
      await shared(id, [], [OTHER]);
      const there = await permanent().stat(`files/${id}`);
      assert.ok(there && (await permanent().patch(there.name, there, damage)));
      assert.deepEqual((await run({ scope: { file: id } })).files, { corrupt: 1 });
      assert.deepEqual((await run({ scope: { file: id }, overwrite: true })).files, { overwritten: 1 });
      assert.deepEqual(viewersOf(await read(id)), [VIEWER]);
    }
  });

  it('leaves a clean file out whose content is not there, or brings it back as failed', async () => {
    const id = await fixture.clean('content');
    await exports.run();
    await destroy('', /^sweeper/);
    assert.deepEqual((await run()).files, { contentMissing: 1 });
    assert.equal(await read(id), undefined);
    const { files, examples } = await run({ lost: 'fail' });
    assert.deepEqual([files, examples], [{ failed: 1 }, [{ outcome: 'failed', fileId: id }]]);
    const record = await read(id);
    assert.deepEqual([record?.state, record?.state === 'failed' && record.failure], ['failed', 'sourceGone']);
    await fixture.run();
    assert.equal(fixture.published.at(-1)?.attributes['ce-type'], 'no.nav.hops.fileshare.scan.failed.v1');
    assert.deepEqual(await broken(), {});
  });

  it('leaves a file out whose bytes waited for a scan and are gone, or brings it back as failed', async () => {
    const { record, object } = await fixture.upload('content');
    const { record: waiting } = await fixture.upload('other');
    await exports.run();
    await fixture.scan(object);
    await destroy();
    assert.deepEqual((await run()).files, { contentMissing: 1, restored: 1 });
    assert.deepEqual([await read(record.id), await fixture.state(waiting.id)], [undefined, 'pending']);
    assert.deepEqual((await run({ lost: 'fail' })).files, { failed: 1, unchanged: 1 });
    fixture.published = [];
    fixture.now += 2 * DAY;
    await fixture.run();
    assert.equal(await fixture.state(record.id), 'failed');
    const [told] = fixture.published;
    assert.deepEqual(
      [told?.attributes['ce-type'], told?.attributes['ce-subject']],
      ['no.nav.hops.fileshare.scan.failed.v1', record.id],
    );
  });

  it('leaves a file deleted that a later export knows to be deleted, unless it is told otherwise', async () => {
    const id = await whole();
    await exports.run();
    const asOf = new Date(fixture.now).toISOString();
    await fixture.unrefer(id, URI);
    await fixture.remove(id);
    await fixture.remove(id);
    await exports.run();
    await destroy();
    assert.deepEqual((await run({ asOf })).files, { restored: 1 });
    assert.deepEqual([await fixture.state(id), await fixture.names('shared/')], ['deleted', []]);
    assert.deepEqual((await run({ asOf })).files, { newer: 1 });
    assert.deepEqual((await run({ asOf, overwrite: true })).files, { overwritten: 1 });
    assert.equal(await fixture.state(id), 'clean');
  });

  it('gives a file whose record is gone the end and the viewers that a later export knows', async () => {
    const id = await fixture.clean('content');
    await shared(id, [VIEWER, OTHER]);
    await exports.run();
    const asOf = new Date(fixture.now).toISOString();
    const expiresAt = new Date(fixture.now + 9 * DAY);
    await end(id, expiresAt);
    await shared(id, [], [VIEWER]);
    await exports.run();
    await destroy();
    assert.deepEqual((await run({ asOf })).files, { restored: 1 });
    const record = await read(id);
    assert.deepEqual([record?.expiresAt, viewersOf(record)], [expiresAt, [OTHER]]);
  });

  it('brings a file back that an erasure has left because a resource refers to it', async () => {
    const [kept, gone] = [await whole(), await fixture.clean('other')];
    await exports.run();
    const at = new Date(fixture.now);
    const order = { principal: OWNER, referenced: false };
    const how = { ...fixture.actor().collector, quarantine: undefined };
    const report = await erase(how, order, { budgetMs: 60_000, stopping: () => false });
    assert.deepEqual(report.files, { referenced: 1, erased: 1 });
    // An export that may have begun beside the erasure tells nothing.
    await exports.run();
    assert.equal((await run({ asOf: at.toISOString(), apply: false })).files.erased, 2);
    fixture.now += DAY;
    await exports.run();
    await destroy();
    assert.deepEqual((await run({ asOf: at.toISOString() })).files, { restored: 1, erased: 1 });
    assert.deepEqual([await fixture.state(kept), await read(gone)], ['clean', undefined]);
    assert.equal((await read(kept))?.referenced, true);
  });

  it('leaves a clean file out whose content is another', async () => {
    const id = await fixture.clean('content');
    const blob = await fixture.blob('content');
    assert.ok(blob);
    await exports.run();
    await destroy('', /^sweeper/);
    async function* bytes() {
      yield Buffer.from('other');
    }
    const options = { contentType: 'application/octet-stream', metadata: blob.metadata };
    await (await permanent().stage(blob.name, bytes(), options)).commit();
    assert.deepEqual((await run()).files, { contentMissing: 1 });
    assert.equal(await read(id), undefined);
  });

  it('never takes a finding back: its files are recalled again', async () => {
    const id = await fixture.clean('content');
    await exports.run();
    const asOf = new Date(fixture.now).toISOString();
    const sha256 = (await read(id))?.content?.sha256;
    assert.ok(sha256);
    await fixture.sweeper.findings.add(sha256, { signature: 'Late', scannedAt: new Date(fixture.now) });
    await exports.run();
    await destroy();
    assert.deepEqual((await run({ asOf })).files, { infected: 1 });
    assert.ok(await fixture.sweeper.findings.get(sha256));
    const { collector } = fixture.actor();
    const recaller = {
      ...collector,
      references: new References(permanent()),
      receipts: new Receipts(permanent()),
      blobs: new Blobs(permanent()),
      quarantine: undefined,
    };
    await recall(recaller, { budgetMs: 60_000, stopping: () => false });
    assert.equal((await read(id))?.state, 'infected');
    assert.deepEqual(await broken(), {});
    // A later word of a scanner stands, also where all is to be as it was.
    await run({ asOf, overwrite: true });
    assert.equal((await read(id))?.state, 'infected');
  });

  it('brings nothing back of an owner who was erased since, nor who else was', async () => {
    const id = await whole();
    const { record, object } = await fixture.upload('three', undefined, OTHER);
    await fixture.scan(object);
    await shared(record.id, [VIEWER]);
    await fixture.leaveReceipt(record.id, VIEWER);
    for (const [key, fileId] of Object.entries({ 1: id, 2: record.id })) {
      const claimedAt = new Date(fixture.now).toISOString();
      await permanent().insertEmpty(`idempotency/${key}`, { metadata: { fileId, claimedAt } });
    }
    await exports.run();
    await destroy();
    for (const principal of [OWNER, VIEWER]) {
      const metadata = { at: new Date(fixture.now).toISOString() };
      await permanent().insertEmpty(erasedName(principal, new Date(fixture.now)), { metadata });
    }
    assert.deepEqual((await run()).files, { erased: 1, restored: 1 });
    assert.deepEqual([await read(id), viewersOf(await read(record.id))], [undefined, []]);
    assert.deepEqual([await fixture.names('receipts/'), await fixture.names('shared/')], [[], []]);
    assert.deepEqual(await fixture.names('idempotency/'), ['idempotency/2']);
  });

  it('keeps a file that a resource refers to from deletion, whenever the reference came', async () => {
    const id = await fixture.clean('content');
    await exports.run();
    await fixture.refer(id, URI);
    await destroy('files/');
    await destroy('verdicts/');
    await run();
    assert.equal((await read(id))?.referenced, true);
    assert.equal(await fixture.remove(id), false);
  });

  it('protects the content of what it restores from a collection that is at work', async () => {
    const id = await fixture.clean('content');
    await exports.run();
    await fixture.remove(id);
    await fixture.collect();
    await destroy('files/');
    await destroy('verdicts/');
    fixture.now += 2 * DAY;
    // Claims the blob, and is stopped before it deletes.
    let calls = 0;
    await fixture.collect(undefined, { stopping: () => ++calls > 2 });
    await run();
    await fixture.collect();
    await fixture.collect();
    assert.equal((await read(id))?.state, 'clean');
    assert.deepEqual(await fixture.broken(), []);
  });

  it('goes on where its time was up', async () => {
    for (const bytes of ['one', 'two', 'three']) await fixture.clean(bytes);
    const before = await there();
    await exports.run();
    await destroy();
    let next: object | undefined = {};
    let calls = 0;
    for (; next; calls++) {
      let asked = 0;
      const most = 2 + calls;
      next = (await run({ next }, deps(), () => ++asked > most)).next;
    }
    assert.ok(calls > 2);
    assert.deepEqual(await there(), before);
    assert.deepEqual(await broken(), {});
  });

  it('is completed by the same restore after a crash at any step', async function () {
    this.timeout(600_000);
    await whole();
    const before = await there();
    await exports.run();
    let crashes = 0;
    for (; ; crashes++) {
      await destroy();
      let steps = 0;
      const at = crashes;
      const crash: Hook = async (_operation, _name, work) => {
        const dies = steps++ >= at;
        if (dies && crashes % 2 === 0) await work();
        if (dies) throw new Error('died');
        return work();
      };
      const report = await run({}, deps(crash)).catch(() => undefined);
      // Nobody gets bytes of a record without its verdict and its content.
      assert.deepEqual(await fixture.broken(), []);
      await run();
      assert.deepEqual(await there(), before);
      if (report && !report.files.error) break;
    }
    assert.ok(crashes > 15, `${crashes} crashes`);
    assert.deepEqual(await broken(), {});
  });

  it('counts what Cloud Storage does not let it write, and restores the others', async () => {
    const [one, two] = [await fixture.clean('one'), await fixture.clean('two')];
    await exports.run();
    await destroy();
    const refused: Hook = async (operation, name, work) => {
      if (operation === 'insert' && name === `files/${one}`) throw new Error('refused');
      return work();
    };
    assert.deepEqual((await run({}, deps(refused))).files, { error: 1, restored: 1 });
    assert.deepEqual([await read(one), (await read(two))?.state], [undefined, 'clean']);
    await run();
    assert.equal((await read(one))?.state, 'clean');
  });

  it('leaves out a record that does not parse', async () => {
    const id = await fixture.clean('content');
    const there = await permanent().stat(`files/${id}`);
    assert.ok(there && (await permanent().patch(there.name, there, { createdAt: 'never' })));
    await exports.run();
    await destroy();
    assert.deepEqual((await run()).files, { corrupt: 1 });
  });
});
