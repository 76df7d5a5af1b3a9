import assert from 'node:assert/strict';
import { type RescanAges, rescanDueAt } from '../../../functions/sweeper/due.ts';
import { type RescanDeps, type RescanReport, requestRescans } from '../../../functions/sweeper/rescan.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';
import { DAY, MINUTE } from './fixture.ts';
import { type Hook, straight } from './hooked-bucket.ts';
import { digest, type PerDay, RescanFixture } from './rescan-fixture.ts';

const TERMS = { budgetMs: 60_000, stopping: () => false };
const ages = { afterDays: [1, 7, 30], everyDays: undefined };

describe('the walk that asks for re-scans', () => {
  const fixture = new RescanFixture();
  const iso = (ms: number) => new Date(ms).toISOString();
  const walk = (
    { filesPerDay, bytesPerDay, ...how }: Partial<RescanDeps> & PerDay = {},
    stopping = () => false,
  ): Promise<RescanReport> => {
    const perDay = { ...(filesPerDay && { filesPerDay }), ...(bytesPerDay && { bytesPerDay }) };
    const deps = { ...fixture.deps(perDay), ...ages, ...how };
    return requestRescans(deps, { budgetMs: 60_000, stopping });
  };
  const spentBy = ({ files, bytes }: RescanReport) => [files, bytes];

  describe('takes a blob as due', () => {
    const at = (days: number, scannedDays = 0, metadata = {}, how: Partial<RescanAges> = {}) => {
      const now = Date.parse('2026-11-29T00:00:00.000Z');
      const said = { cleanSince: iso(now), scannedAt: iso(now + scannedDays * DAY), ...metadata };
      const object = { name: 'blobs/sha256/1', timeCreated: new Date(now), metadata: said };
      // As much of an object as is looked at.
      const due = rescanDueAt(object as unknown as StoredObject, { ...ages, ...how });
      return due !== undefined && due.getTime() <= now + days * DAY;
    };

    it('at each age, once', () => {
      assert.deepEqual(
        [0.9, 1, 6].map((days) => at(days)),
        [false, true, true],
      );
      assert.deepEqual(
        [6.9, 7].map((days) => at(days, 1.1)),
        [false, true],
      );
      assert.deepEqual(
        [29, 30].map((days) => at(days, 8)),
        [false, true],
      );
      assert.equal(at(10_000, 30.1), false);
    });

    it('again every so often, where that is configured', () => {
      const every = { everyDays: 90 };
      assert.deepEqual(
        [30.2, 89, 90].map((days) => at(days, 30.1, {}, every)),
        [false, false, true],
      );
      assert.deepEqual(
        [179, 180].map((days) => at(days, 91, {}, every)),
        [false, true],
      );
    });

    it('by when it was stored, where nobody wrote when it was first clean', () => {
      assert.equal(at(1, 0, { cleanSince: 'never' }), true);
    });

    it('not before the next age, where a re-scan gave no verdict', () => {
      const now = Date.parse('2026-11-29T00:00:00.000Z');
      const tried = { rescannedAt: iso(now + 1.5 * DAY) };
      assert.deepEqual(
        [2, 7].map((days) => at(days, 0, tried)),
        [false, true],
      );
    });

    it('never, where it is marked as infected or damaged', () => {
      assert.equal(at(1, 0, { signature: 'x' }), false);
      assert.equal(at(1, 0, { damagedAt: iso(0) }), false);
    });
  });

  it('asks for what is due, by name and generation, in both scopes of deduplication', async () => {
    const [due, own] = [
      await fixture.blob('a', DAY),
      await fixture.blob(`blobs/sha256/${digest(1)}/${digest(2)}`, DAY),
    ];
    await fixture.blob('young', DAY - MINUTE);
    const report = await walk();
    assert.deepEqual(report.blobs, { requested: 2, young: 1 });
    assert.equal(report.complete, true);
    assert.deepEqual(fixture.names(), [due.name, own.name].sort());
    const request = fixture.requests().find((each) => each.name === due.name);
    assert.equal(request?.generation, due.generation);
    assert.equal(request?.dueAt.getTime(), fixture.now);
  });

  it('says how long the oldest has been due', async () => {
    await fixture.blob('a', 3 * DAY);
    await fixture.blob('b', DAY);
    assert.equal((await walk()).behindSeconds, (2 * DAY) / 1000);
  });

  it('sends nothing again while it may be under way, and all that is left after a day', async () => {
    await fixture.blob('a', DAY);
    await walk();
    fixture.now += 60 * MINUTE;
    await fixture.blob('b', DAY - 30 * MINUTE);
    assert.deepEqual((await walk()).blobs, { sent: 1, young: 1 });
    fixture.now += 60 * MINUTE;
    assert.deepEqual((await walk()).blobs, { sent: 1, requested: 1 });
    fixture.now += DAY;
    assert.deepEqual((await walk()).blobs, { requested: 2 });
  });

  it('stops at the files of a day, and goes on there the next day', async () => {
    await fixture.blobs(40, DAY);
    const first = await walk({ filesPerDay: 15 });
    assert.equal(first.complete, false);
    assert.equal(first.files, 15);
    assert.deepEqual((await walk({ filesPerDay: 15 })).blobs, {});
    for (let day = 0; day < 2; day++) {
      fixture.now += DAY;
      await walk({ filesPerDay: 15 });
    }
    assert.equal(new Set(fixture.names()).size, 40);
    assert.equal(fixture.requested.length, 40);
  });

  it('stops before the bytes of a day', async () => {
    await fixture.blobs(40, DAY);
    assert.deepEqual(spentBy(await walk({ bytesPerDay: 25 })), [2, 20]);
    assert.deepEqual(spentBy(await walk({ bytesPerDay: 25 })), [2, 20]);
    assert.equal(fixture.requested.length, 2);
  });

  it('sends a content that is larger than the bytes of a day alone', async () => {
    await fixture.blobs(3, DAY);
    const days: number[] = [];
    for (let day = 0; day < 3; day++) {
      days.push((await walk({ bytesPerDay: 9 })).files);
      fixture.now += DAY;
    }
    assert.deepEqual(days, [1, 1, 1]);
    assert.equal(new Set(fixture.names()).size, 3);
  });

  it('goes on where it was stopped', async () => {
    await fixture.blobs(40, DAY);
    for (let calls = 0; calls < 50; calls++) {
      let left = 150;
      if ((await walk({}, () => left-- <= 0)).complete) break;
    }
    assert.equal(new Set(fixture.names()).size, 40);
    assert.equal((await walk()).complete, true);
  });

  it('says how long a walk has gone on that does not come to its end', async () => {
    await fixture.blobs(20, DAY);
    await walk({ filesPerDay: 1 });
    fixture.now += 2 * DAY;
    assert.ok((await walk({ filesPerDay: 1 })).behindSeconds >= (2 * DAY) / 1000);
  });

  it('leaves a content that could not be asked for to a later walk', async () => {
    await fixture.blob('a', DAY);
    const request = () => Promise.reject(new Error('no topic'));
    assert.deepEqual((await walk({ request })).blobs, { error: 1 });
    fixture.now += DAY;
    assert.deepEqual((await walk()).blobs, { requested: 1 });
  });

  it('gives back what it has reserved, where a page cannot be listed then', async () => {
    await fixture.blobs(10, DAY);
    let reserved = false;
    const hook: Hook = (operation, name, run) => {
      if (operation === 'list' && reserved) throw new Error('no listing');
      reserved ||= operation === 'insert' && name === 'sweeper/rescan-budget';
      return run();
    };
    const deps = fixture.deps({ filesPerDay: 20 }, hook);
    await assert.rejects(requestRescans({ ...deps, ...ages }, TERMS), /no listing/);
    assert.deepEqual(await deps.budget.spent(), { files: 0, bytes: 0 });
    assert.deepEqual((await walk({ filesPerDay: 20 })).blobs, { requested: 10 });
  });

  describe('at the same time as another', () => {
    const twice = (perDay: PerDay, meet: Hook) => {
      const one = () => requestRescans({ ...fixture.deps(perDay, meet), ...ages }, TERMS);
      return Promise.all([one(), one()]);
    };
    /** Holds both back at a write of this name until each of them has come to it. */
    const meetingAt = (name: string): Hook => {
      const all = Promise.withResolvers<void>();
      let waiting = 0;
      return async (operation, at, run) => {
        if (at === name && operation !== 'stat' && ++waiting <= 2) {
          if (waiting === 2) all.resolve();
          await all.promise;
        }
        return run();
      };
    };

    for (const name of ['sweeper/rescan', 'sweeper/rescan-budget']) {
      it(`spends a day’s budget once, whichever of them is first at ${name}`, async () => {
        await fixture.blobs(60, DAY);
        // A content that both send counts twice.
        await twice({ filesPerDay: 20 }, name === 'sweeper/rescan' ? meetingAt(name) : straight);
        assert.equal(fixture.requested.length, 20);
        assert.deepEqual(spentBy(await walk({ filesPerDay: 20 })), [20, 200]);
        assert.equal(fixture.requested.length, 20);
      });
    }

    it('is the only one that sends: the other ends before it reserves anything', async () => {
      await fixture.blobs(60, DAY);
      const [one, other] = await twice({}, meetingAt('sweeper/rescan'));
      assert.equal(fixture.names().length, 60);
      assert.equal(new Set(fixture.names()).size, 60);
      assert.deepEqual([one.complete, other.complete].sort(), [false, true]);
    });

    it('lets the later one go on, where the earlier one is at work', async () => {
      await fixture.blobs(300, DAY);
      const plenty = { bytesPerDay: 1e12 };
      let later: Promise<RescanReport> | undefined;
      // The first has sent a portion when the second begins.
      const beginAnother: Hook = async (operation, name, run) => {
        const isSecond = name === 'sweeper/rescan' && operation === 'patch';
        if (isSecond && !later) {
          later = walk(plenty);
          await later;
        }
        return run();
      };
      const first = await requestRescans({ ...fixture.deps(plenty, beginAnother), ...ages }, TERMS);
      assert.equal(first.complete, false);
      assert.equal((await later)?.complete, true);
      assert.equal(new Set(fixture.names()).size, 300);
      assert.ok(fixture.names().length <= 400, 'no more than one portion was sent twice');
    });
  });

  it('asks for nothing where no age is configured', async () => {
    await fixture.blob('a', 100 * DAY);
    assert.deepEqual((await walk({ afterDays: [] })).blobs, {});
  });

  it('is harmed by no place that somebody else wrote', async () => {
    await fixture.blob('a', DAY);
    const metadata = { day: 'x', files: '-', began: 'y', full: 'z', range0: 'end', range9: 'blobs/' };
    await fixture.sweeper.permanent.insertEmpty('sweeper/rescan', { metadata });
    await walk();
    fixture.now += DAY;
    await walk();
    assert.equal(new Set(fixture.names()).size, 1);
  });
});
