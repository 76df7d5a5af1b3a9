import assert from 'node:assert/strict';
import * as v from 'valibot';
import { estimateRescan, shareOf } from '../../../functions/sweeper/rescan-jobs/estimate.ts';
import { type Job, type Ordered, RescanJobs } from '../../../functions/sweeper/rescan-jobs/jobs.ts';
import { type Criteria, isSameOrder, RescanOrder } from '../../../functions/sweeper/rescan-jobs/order.ts';
import { type JobsReport, workOnJobs } from '../../../functions/sweeper/rescan-jobs/work.ts';
import { parseSha256, type Sha256 } from '../../../shared/files/record.ts';
import { Bucket } from '../../../shared/storage/bucket.ts';
import { FAST_RETRY } from '../../shared/storage/streams.ts';
import { DAY, MINUTE } from './fixture.ts';
import { type Hook, straight } from './hooked-bucket.ts';
import { digest, type PerDay, RescanFixture } from './rescan-fixture.ts';

const NAME = 'a-job';

class Died extends Error {}

describe('a re-scan that an operator has ordered', () => {
  const fixture = new RescanFixture();

  let quarantine: Bucket;
  let count = 0;
  beforeEach(async () => {
    const name = `quarantine-of-jobs-${count++}`;
    (await fixture.storage.call('POST', '/storage/v1/b?project=p', { json: { name } })).ok();
    quarantine = new Bucket(fixture.connection, name, { retry: FAST_RETRY, paced: true });
  });
  /** Ten bytes in quarantine, in which a database found something. */
  async function infected(of: string, database: number, isFound = true): Promise<Sha256> {
    const sha256 = parseSha256(digest(of)) ?? assert.fail();
    async function* bytes() {
      yield Buffer.alloc(10);
    }
    const options = { contentType: 'application/octet-stream', metadata: { sha256 } };
    await (await quarantine.stage(`file-${of}`, bytes(), options)).commit();
    const scan = { scannedAt: fixture.sweeper.now(), engine: { engine: '1.4.6', database } };
    if (isFound) await fixture.sweeper.findings.add(sha256, { signature: 'x', ...scan });
    return sha256;
  }
  const jobs = () => new RescanJobs(fixture.sweeper.permanent);
  async function order(by: Partial<Ordered> = {}, name = NAME): Promise<Job> {
    const job = await jobs().add(name, {
      by: 'o@example.org',
      at: fixture.sweeper.now(),
      wish: 'run',
      ...by,
    });
    fixture.now += MINUTE;
    return job;
  }
  const job = async (name = NAME) => (await jobs().get(name)) ?? assert.fail('there is no such job');
  function work(perDay: PerDay = {}, stopping = () => false, hook: Hook = straight): Promise<JobsReport> {
    const deps = fixture.deps({ bytesPerDay: 1e12, ...perDay }, hook);
    const { findings } = fixture.sweeper;
    return workOnJobs(
      { ...deps, findings, quarantine, jobs: new RescanJobs(deps.permanent) },
      { budgetMs: 60_000, stopping },
    );
  }
  const wish = async (to: Ordered['wish']) => assert.ok(await jobs().wish(await job(), to));
  /** Tells how many different contents were asked for. */
  const different = () => new Set(fixture.names()).size;

  describe('asks for', () => {
    beforeEach(async () => {
      await fixture.blob(1, 30 * DAY, { database: '27654' });
      await fixture.blob(2, 10 * DAY, { database: '27653' });
      await fixture.blob(3, DAY, { database: '27654' });
      await fixture.blob(`blobs/sha256/${digest('owner')}/${digest(4)}`, DAY, { database: '276540' });
    });
    const ago = (days: number) => new Date(fixture.now - days * DAY);

    for (const [what, by, expected] of [
      ['everything', () => ({}), [1, 2, 3, 4]],
      ['a prefix of the digest, in both scopes', () => ({ prefix: digest(4).slice(0, 5) }), [4]],
      ['what one database found clean', () => ({ database: 27654 }), [1, 3]],
      ['what was first clean before', () => ({ cleanBefore: ago(5) }), [1, 2]],
      ['what was first clean after', () => ({ cleanFrom: ago(10) }), [2, 3, 4]],
      ['what all criteria apply to', () => ({ cleanBefore: ago(5), database: 27654 }), [1]],
    ] as const) {
      it(what, async () => {
        const { order: ordered } = await order(by());
        assert.deepEqual(await work(), { requested: expected.length, errors: 0, open: 0 });
        const digests = fixture.names().map((name) => name.slice(-64));
        assert.deepEqual(digests.sort(), expected.map(digest).sort());
        assert.ok(fixture.requests().every(({ dueAt }) => dueAt.getTime() === ordered.at.getTime()));
        const { progress, completedAt } = await job();
        assert.deepEqual(progress, {
          files: expected.length,
          bytes: expected.length * 10,
          passed: 4 - expected.length,
        });
        assert.equal(completedAt?.getTime(), fixture.now);
        assert.deepEqual(await work(), { requested: 0, errors: 0, open: 0 });
      });
    }

    it('nothing that nobody gets anyway, or that was scanned since', async () => {
      await order();
      fixture.now += MINUTE;
      await fixture.blob(5, 0, { signature: 'x' });
      await fixture.blob(6, 0, { damagedAt: new Date(0).toISOString() });
      await fixture.blob(7);
      await work();
      assert.equal(different(), 4);
      assert.equal((await job()).progress.passed, 3);
    });
  });

  it('keeps to the budget of a day, and goes on the next day', async () => {
    await fixture.blobs(10, DAY);
    const { order: ordered } = await order();
    for (let day = 0; day < 3; day++) {
      const { open } = await work({ filesPerDay: 4 });
      assert.equal((await work({ filesPerDay: 4 })).requested, 0);
      assert.equal(open, day < 2 ? 1 : 0);
      fixture.now += DAY;
    }
    assert.equal(different(), 10);
    assert.equal(fixture.requested.length, 10);
    assert.ok(fixture.requests().every(({ dueAt }) => dueAt.getTime() === ordered.at.getTime()));
  });

  it('goes on where it was stopped', async () => {
    await fixture.blobs(40, DAY);
    await order();
    for (let calls = 0; calls < 50; calls++) {
      let left = 150;
      if ((await work({}, () => left-- <= 0)).open === 0) break;
    }
    assert.equal(different(), 40);
    assert.ok((await job()).completedAt);
  });

  it('does not send while it is paused, and goes on when it is resumed', async () => {
    await fixture.blobs(10, DAY);
    await order();
    await work({ filesPerDay: 4 });
    fixture.now += DAY;
    await wish('pause');
    assert.deepEqual(await work(), { requested: 0, errors: 0, open: 0 });
    assert.equal(fixture.requested.length, 4);
    await wish('run');
    await work();
    assert.equal(different(), 10);
    assert.equal((await job()).progress.files, 10);
  });

  it('is never sent any more once it is cancelled', async () => {
    await fixture.blobs(10, DAY);
    await order();
    await work({ filesPerDay: 4 });
    await wish('cancel');
    fixture.now += DAY;
    assert.deepEqual(await work(), { requested: 0, errors: 0, open: 0 });
    assert.equal(fixture.requested.length, 4);
    assert.equal((await job()).completedAt, undefined);
  });

  it('ends within a portion when it is paused while it is at work, and keeps its place', async () => {
    await fixture.blobs(300, DAY);
    await order();
    let isPaused = false;
    const pausing: Hook = async (operation, name, run) => {
      // The first portion is reserved.
      if (!isPaused && operation === 'patch' && name === `sweeper/rescans/${NAME}/progress`) {
        isPaused = true;
        await wish('pause');
      }
      return run();
    };
    assert.equal((await work({}, undefined, pausing)).requested, 100);
    assert.equal((await job()).progress.files, 100);
    await wish('run');
    await work();
    assert.equal(fixture.requested.length, 300);
    assert.equal(different(), 300);
  });

  it('is the same order when it comes again, and another one is refused', async () => {
    const first = await order({ prefix: 'ab' });
    const again = await order({ prefix: 'ab' });
    assert.equal(again.order.at.getTime(), first.order.at.getTime());
    assert.ok(isSameOrder(again.order, { prefix: 'ab' }));
    assert.ok(!isSameOrder(again.order, { prefix: 'abc' }));
    assert.ok(!isSameOrder(again.order, {}));
    assert.equal((await jobs().all()).length, 1);
  });

  it('comes after the one that was ordered before it', async () => {
    await fixture.blobs(10, DAY);
    await order({}, 'b');
    await order({}, 'a');
    // Since the second was ordered, a minute ago.
    const report = { requested: 10, errors: 0, open: 1, behindSeconds: 60 };
    assert.deepEqual(await work({ filesPerDay: 10 }), report);
    assert.ok((await job('b')).completedAt);
    assert.equal((await job('a')).completedAt, undefined);
  });

  it('sends what could not be sent, later', async () => {
    await fixture.blobs(10, DAY);
    await order();
    const deps = fixture.deps();
    const { findings } = fixture.sweeper;
    const request = () => Promise.reject(new Error('no topic'));
    const failing = { ...deps, request, findings, quarantine, jobs: jobs() };
    const report = await workOnJobs(failing, { budgetMs: 60_000, stopping: () => false });
    assert.deepEqual(report, { requested: 0, errors: 10, open: 1, behindSeconds: 60 });
    fixture.now += DAY;
    await work();
    assert.equal(different(), 10);
    assert.ok((await job()).completedAt);
  });

  for (const when of ['before', 'after'] as const) {
    it(`comes to its end after a process died ${when} any write`, async () => {
      let died = true;
      for (let step = 0; died; step++) {
        died = false;
        await fixture.renew();
        fixture.requested = [];
        await fixture.blobs(120, DAY);
        await order();
        let writes = 0;
        const dying: Hook = async (operation, _name, run) => {
          if (!['insert', 'patch', 'delete'].includes(operation) || writes++ !== step) return run();
          died = true;
          if (when === 'after') await run();
          throw new Died();
        };
        await work({}, undefined, dying).catch((error: unknown) => assert.ok(error instanceof Died));
        for (let calls = 0; calls < 3; calls++) await work();
        assert.equal(different(), 120, `step ${step}`);
        const { completedAt, progress } = await job();
        assert.ok(completedAt, `step ${step}`);
        assert.equal(progress.files, 120);
      }
    });
  }

  it('is moved by one of two that work on it at the same time', async () => {
    await fixture.blobs(60, DAY);
    await order();
    const all = Promise.withResolvers<void>();
    let waiting = 0;
    const meeting: Hook = async (operation, name, run) => {
      if (operation !== 'stat' && name.endsWith('/progress') && ++waiting <= 2) {
        if (waiting === 2) all.resolve();
        await all.promise;
      }
      return run();
    };
    const reports = await Promise.all([work({}, undefined, meeting), work({}, undefined, meeting)]);
    assert.deepEqual(reports.map(({ requested }) => requested).sort(), [0, 60]);
    assert.equal(fixture.requested.length, 60);
    assert.ok((await job()).completedAt);
  });

  it('is forgotten a month after it is over, and its name can be used again', async () => {
    await fixture.blobs(10, DAY);
    await order();
    await work();
    fixture.now += 29 * DAY;
    await work();
    assert.equal((await jobs().all()).length, 1);
    fixture.now += 2 * DAY;
    await work();
    const { objects } = await fixture.sweeper.permanent.list({ prefix: 'sweeper/rescans/', maxResults: 10 });
    assert.deepEqual(objects, []);
  });

  it('does not take the progress of an earlier job of its name for its own', async () => {
    await fixture.blobs(10, DAY);
    const { object } = await order();
    await work();
    // The process that deleted it died before it deleted the progress.
    await fixture.sweeper.permanent.delete(object.name, object);
    assert.deepEqual(await jobs().all(), []);
    const { completedAt, progress } = await order();
    assert.deepEqual([completedAt, progress], [undefined, { files: 0, bytes: 0, passed: 0 }]);
    await work();
    assert.equal(fixture.requested.length, 20);
  });

  describe('is estimated', () => {
    const estimate = (
      filesPerDay = 1000,
      bytesPerDay = 1_000_000,
      stopping = () => false,
      criteria: Criteria = { database: 27654 },
    ) =>
      estimateRescan({ ...fixture.sweeper, quarantine, filesPerDay, bytesPerDay }, criteria, {
        budgetMs: 60_000,
        stopping,
      });

    it('to the content, and sends nothing', async () => {
      await fixture.blobs(30, DAY, { database: '27654' });
      await fixture.blob('other', DAY);
      const { dollars, ...counted } = await estimate(10);
      assert.deepEqual(counted, {
        files: 30,
        bytes: 300,
        exact: true,
        listings: 8,
        scanSeconds: 1,
        days: 3,
      });
      // 8 listings and 30 writes at $0.005 a thousand, 90 reads at $0.0004, a second of three processors at $0.000024.
      assert.equal(dollars, 0.000298);
      assert.equal((await estimate(1000, 100)).days, 3);
      assert.equal((await estimate(0)).days, undefined);
      assert.deepEqual(fixture.requested, []);
      assert.deepEqual(await jobs().all(), []);
    });

    it('from a part of the names, where there is no time for all', async () => {
      await fixture.blobs(400, DAY, { database: '27654' });
      let left = 250;
      const { files, exact } = await estimate(1000, 1_000_000, () => left-- <= 0);
      assert.equal(exact, false);
      assert.ok(files > 300 && files < 500, `${files}`);
    });

    it('of what is in quarantine, by its names', async () => {
      await infected('a', 27654);
      await infected('b', 27653);
      const { files, bytes, exact } = await estimate(1, 1, undefined, { quarantine: true });
      assert.deepEqual([files, bytes, exact], [2, 20, true]);
    });

    it('by the share of names before a place', () => {
      assert.equal(shareOf(undefined), 1);
      assert.equal(shareOf({}), 0);
      const half = { range0: 'end', range1: 'end', range2: 'end', range3: 'blobs/sha256/7' };
      assert.equal(shareOf(half), 3.5 / 8);
      assert.equal(shareOf({ range0: 'end', range7: `blobs/sha256/f${'f'.repeat(63)}` }).toFixed(3), '0.250');
    });
  });

  describe('of what is in quarantine', () => {
    const asked = () => fixture.requests().map(({ quarantined }) => quarantined);

    it('asks for what a scan found, with its digest, and for no content that is stored', async () => {
      await fixture.blobs(3, DAY);
      const [a, b] = [await infected('a', 27654), await infected('b', 27653)];
      await quarantine.insertEmpty('an-upload-that-was-not-scanned');
      const { findings } = fixture.sweeper;
      const condemned = await infected('c', 27654, false);
      await findings.condemn(condemned, { by: 'o', at: fixture.sweeper.now(), reason: 'x' });
      await order({ quarantine: true });
      assert.deepEqual(await work(), { requested: 2, errors: 0, open: 0 });
      assert.deepEqual(asked().sort(), [a, b].sort());
      assert.ok((await job()).completedAt);
      assert.deepEqual((await job()).progress, { files: 2, bytes: 20, passed: 2 });
      assert.equal((await fixture.deps().budget.spent()).files, 2);
    });

    it('asks for what one database found, or for a prefix', async () => {
      const [a, b] = [await infected('a', 27654), await infected('b', 27653)];
      await order({ quarantine: true, database: 27654 });
      await order({ quarantine: true, prefix: b.slice(0, 6) }, 'b');
      await work();
      assert.deepEqual(asked(), [a, b]);
    });

    it('has its place in the names of quarantine', async () => {
      for (const each of ['a', 'b', 'c', 'd']) await infected(each, 27654);
      await order({ quarantine: true });
      for (let day = 0; day < 4; day++) {
        assert.equal((await work({ filesPerDay: 1 })).requested, 1);
        fixture.now += DAY;
      }
      await work({ filesPerDay: 1 });
      assert.equal(new Set(asked()).size, 4);
      assert.ok((await job()).completedAt);
    });
  });

  it('names what it is for', () => {
    for (const body of [
      { job: 'a', everything: true },
      { job: 'a-1', prefix: 'ab', cleanFrom: '2026-11-29T00:00:00.000Z' },
      { dryRun: true, database: 1 },
      { job: 'a', quarantine: true },
      { job: 'a', quarantine: true, prefix: 'ab', database: 1 },
    ]) {
      assert.ok(v.is(RescanOrder, body), JSON.stringify(body));
    }
    for (const body of [
      undefined,
      {},
      { job: 'a' },
      { everything: true },
      { job: 'a', everything: true, prefix: 'a' },
      { job: 'A', everything: true },
      { job: '../x', everything: true },
      { job: 'a', everything: false },
      { job: 'a', prefix: 'AB' },
      { job: 'a', prefix: '' },
      { job: 'a', quarantine: true, everything: true },
      { job: 'a', quarantine: true, cleanBefore: '2026-11-29T00:00:00.000Z' },
      { job: 'a', database: '1' },
      { job: 'a', database: 0.5 },
      { job: 'a', database: 1e300 },
      { job: 'a', cleanBefore: 'yesterday' },
      { job: 'a', everything: true, other: 1 },
    ]) {
      assert.ok(!v.is(RescanOrder, body), JSON.stringify(body));
    }
  });
});
