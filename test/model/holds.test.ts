import assert from 'node:assert/strict';
import { RecordWriter } from '../../functions/files/record-writer.ts';
import { share } from '../../functions/files/share.ts';
import { recall } from '../../functions/sweeper/recall.ts';
import { releaseFinding } from '../../functions/sweeper/release.ts';
import { sweep } from '../../functions/sweeper/sweep.ts';
import type { FileId } from '../../shared/files/file-id.ts';
import { Receipts } from '../../shared/files/receipts.ts';
import type { Principal } from '../../shared/identity/principal.ts';
import { Background } from '../../shared/runtime/background.ts';
import { StorageError } from '../../shared/storage/error.ts';
import { type Actor, CollectFixture, HOUR } from '../functions/sweeper/collect-fixture.ts';
import { DAY } from '../functions/sweeper/fixture.ts';
import type { Hook } from '../functions/sweeper/hooked-bucket.ts';
import { FAST_RETRY } from '../shared/storage/streams.ts';
import { engine, SAMPLES } from './contents.ts';

const [HARMLESS, MALWARE] = ['harmless', 'malware'].map(
  (kind) => SAMPLES.find((sample) => sample.kind === kind) ?? assert.fail(),
);
const CREATES = new Set(['insert', 'commit', 'rewrite']);
/** Prefixes of the permanent bucket: everything that a file can leave there. */
const PREFIXES = [
  'files/',
  'verdicts/',
  'blobs/',
  'references/',
  'receipts/',
  'shared/',
  'findings/',
  'collect/',
  'sweeper/',
];

describe('a life of files whose objects are held from the moment that they are there', () => {
  const fixture = new CollectFixture(engine('older'));
  let held: string[];
  beforeEach(() => {
    held = [];
  });

  /** @param which whether an object of that name is held */
  const holding = (bucket: () => string, which: (name: string) => boolean) =>
    fixture.actor((async (operation, name, run) => {
      const done = await run();
      if (CREATES.has(operation) && which(name) && !held.includes(name)) {
        held.push(name);
        await hold(bucket(), name, true);
      }
      return done;
    }) satisfies Hook);

  async function hold(bucket: string, name: string, on: boolean): Promise<void> {
    const url = `/storage/v1/b/${bucket}/o/${encodeURIComponent(name)}`;
    (await fixture.storage.call('PATCH', url, { json: { temporaryHold: on } })).ok();
  }

  const eventsOf = (type: string, id: FileId) =>
    new Set(
      fixture.published
        .filter(({ attributes, data }) => {
          const { fileId } = JSON.parse(data.toString()) as { fileId?: string };
          return attributes['eventType'] === type && fileId === id;
        })
        .map(({ attributes }) => attributes['ce-id']),
    ).size;

  async function shareForAnHour(id: FileId, { collector }: Actor): Promise<void> {
    const until = new Date(fixture.now + HOUR);
    const grant = [{ principal: 'org:5' as Principal, until }, { principal: 'org:6' as Principal }];
    const writer = new RecordWriter(collector.records, FAST_RETRY);
    const background = new Background(collector.log);
    await share({ ...collector, writer, background }, { id, grant, ifMatch: undefined });
    await background.ended();
    fixture.now += 2 * HOUR;
    const { records } = await sweep(collector, { budgetMs: 60_000, stopping: () => false });
    assert.equal(records.grantsEnded, 1);
    assert.equal(eventsOf('file.shared.v1', id), 2);
  }

  for (const prefix of PREFIXES) {
    it(`comes to the same end below ${prefix}, and leaves nothing once they are released`, async () => {
      const { permanent } = fixture.sweeper;
      const actor = holding(
        () => permanent.name,
        (name) => name.startsWith(prefix),
      );
      const clean = await fixture.upload(HARMLESS?.bytes ?? '', actor);
      const infected = await fixture.upload(MALWARE?.bytes ?? '', actor);
      const end = { expiresAt: new Date(fixture.now + 3 * DAY) };
      const ending = await fixture.upload(HARMLESS?.bytes ?? '', actor, clean.record.owner, end);
      for (const { object } of [clean, infected, ending]) {
        assert.deepEqual(await fixture.scan(object, actor), { kind: 'done' });
        // The same event once more.
        assert.deepEqual(await fixture.scan(object, actor), { kind: 'done' });
      }
      assert.equal(await fixture.state(clean.record.id), 'clean');
      assert.equal(await fixture.state(infected.record.id), 'infected');
      await shareForAnHour(ending.record.id, actor);
      assert.ok(await fixture.refer(clean.record.id, 'urn:1', actor));
      await fixture.leaveReceipt(clean.record.id, clean.record.owner, actor);
      assert.equal(await fixture.remove(clean.record.id, actor), false);
      await fixture.unrefer(clean.record.id, 'urn:1', actor);
      for (const { record } of [clean, infected]) assert.ok(await fixture.remove(record.id, actor));

      const collectFor = async (cycles: number) => {
        for (let cycle = 0; cycle < cycles; cycle++) {
          const stopped = { stopping: () => cycle % 2 === 1 };
          for (const report of [await fixture.collect(actor, stopped), await fixture.collect(actor)]) {
            const { records, candidates, blobs } = report;
            assert.deepEqual(
              [records.error, candidates.error, blobs.error],
              [undefined, undefined, undefined],
            );
          }
          fixture.now += 31 * DAY;
        }
      };
      fixture.now += 3 * DAY;
      await sweep(actor.collector, { budgetMs: 60_000, stopping: () => false });
      assert.equal(await fixture.state(ending.record.id), 'deleted');
      await collectFor(6);
      for (const { record } of [clean, infected, ending]) {
        assert.ok(['deleted', undefined].includes(await fixture.state(record.id)));
        assert.equal(eventsOf('scan.completed.v1', record.id), 1);
        assert.equal(eventsOf('file.deleted.v1', record.id), 1);
      }
      assert.ok(held.length > 0, 'nothing was held');
      for (const name of held) assert.ok(await permanent.stat(name), `${name} is gone`);

      const order = { sha256: MALWARE?.sha256 ?? assert.fail(), reason: 'a test' };
      await releaseFinding(actor.collector, order, 'operator@example.org');
      for (const name of held) await hold(permanent.name, name, false);
      fixture.now += 2_000;
      const receipts = new Receipts(permanent);
      const recaller = { ...actor.collector, blobs: actor.scan.blobs, receipts, quarantine: undefined };
      const terms = { budgetMs: 60_000, stopping: () => false };
      assert.ok((await recall(recaller, terms)).complete);
      await sweep(actor.collector, terms);
      await collectFor(6);
      const left = (await fixture.names('')).filter((name) => !/^(sweeper|findings)\//.test(name));
      assert.deepEqual(left, []);
    });
  }

  it('has its verdict where its source cannot be deleted, and is concluded once it can', async () => {
    const { unscanned } = fixture.sweeper;
    const actor = holding(
      () => unscanned.name,
      (name) => !name.includes('/'),
    );
    const { record, object } = await fixture.upload(HARMLESS?.bytes ?? '', actor);
    const isForbidden = (error: unknown) => error instanceof StorageError && error.status === 403;
    for (let deliveries = 0; deliveries < 2; deliveries++) {
      await assert.rejects(fixture.scan(object, actor), isForbidden);
      assert.equal(await fixture.state(record.id), 'clean');
    }
    const terms = { budgetMs: 60_000, stopping: () => false };
    fixture.now += DAY;
    assert.deepEqual((await sweep(actor.collector, terms)).unscanned, { error: 1 });
    await hold(unscanned.name, object.name, false);
    assert.deepEqual((await sweep(actor.collector, terms)).unscanned, { concluded: 1 });
    assert.equal(await unscanned.stat(object.name), undefined);
    assert.equal(eventsOf('scan.completed.v1', record.id), 1);
  });
});
