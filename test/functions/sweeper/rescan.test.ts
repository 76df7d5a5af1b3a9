import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { rescanDueAt } from '../../../functions/sweeper/due.ts';
import { type RescanDeps, type RescanReport, requestRescans } from '../../../functions/sweeper/rescan.ts';
import type { EventMessage } from '../../../shared/events/cloud-event.ts';
import { parseRescanRequest } from '../../../shared/events/rescan-request.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';
import { DAY, MINUTE, pushOf, SweeperFixture } from './fixture.ts';

const ages = { afterDays: [1, 7, 30], everyDays: undefined };

describe('the walk that asks for re-scans', () => {
  const fixture = new SweeperFixture(true);
  let requested: EventMessage[];
  beforeEach(() => {
    requested = [];
  });

  const iso = (ms: number) => new Date(ms).toISOString();
  const digest = (of: string | number) => createHash('sha256').update(String(of)).digest('hex');
  const deps = (how: Partial<RescanDeps> = {}): RescanDeps => ({
    ...fixture.sweeper,
    ...ages,
    request: async (message) => void requested.push(message),
    filesPerDay: 1000,
    bytesPerDay: 1_000_000,
    ...how,
  });
  const walk = (how: Partial<RescanDeps> = {}, stopping = () => false): Promise<RescanReport> =>
    requestRescans(deps(how), { budgetMs: 60_000, stopping });
  const names = () =>
    requested.map((message) => parseRescanRequest(pushOf(message))?.name ?? assert.fail()).sort();

  /** Content of ten bytes that was found clean now, or so long ago. */
  async function blob(of: string | number, ageMs = 0, metadata: Record<string, string> = {}) {
    const at = iso(fixture.now - ageMs);
    async function* bytes() {
      yield Buffer.alloc(10);
    }
    const said = { cleanSince: at, scannedAt: at, engine: '1.4.6', ...metadata };
    const name = of.toString().startsWith('blobs/') ? `${of}` : `blobs/sha256/${digest(of)}`;
    const options = { contentType: 'application/octet-stream', metadata: said };
    return (await fixture.sweeper.permanent.stage(name, bytes(), options)).commit();
  }
  const blobs = (count: number, ageMs: number) =>
    Promise.all(Array.from({ length: count }, (_, at) => blob(at, ageMs)));

  describe('takes a blob as due', () => {
    const at = (days: number, scannedDays = 0, metadata = {}, how: Partial<RescanDeps> = {}) => {
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

    it('not before the next age, where a re-scan came to no verdict', () => {
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
    const [due, own] = [await blob('a', DAY), await blob(`blobs/sha256/${digest(1)}/${digest(2)}`, DAY)];
    await blob('young', DAY - MINUTE);
    const report = await walk();
    assert.deepEqual(report.blobs, { requested: 2, young: 1 });
    assert.equal(report.complete, true);
    assert.deepEqual(names(), [due.name, own.name].sort());
    const requests = requested.map((message) => parseRescanRequest(pushOf(message)));
    const request = requests.find((each) => each?.name === due.name);
    assert.equal(request?.generation, due.generation);
    assert.equal(request?.dueAt.getTime(), fixture.now);
  });

  it('says how long the oldest has been due', async () => {
    await blob('a', 3 * DAY);
    await blob('b', DAY);
    assert.equal((await walk()).behindSeconds, (2 * DAY) / 1000);
  });

  it('sends nothing again while it may be under way, and all that is left after a day', async () => {
    await blob('a', DAY);
    await walk();
    fixture.now += 60 * MINUTE;
    await blob('b', DAY - 30 * MINUTE);
    assert.deepEqual((await walk()).blobs, { sent: 1, young: 1 });
    fixture.now += 60 * MINUTE;
    assert.deepEqual((await walk()).blobs, { sent: 1, requested: 1 });
    fixture.now += DAY;
    assert.deepEqual((await walk()).blobs, { requested: 2 });
  });

  it('stops at the files of a day, and goes on there the next day', async () => {
    await blobs(40, DAY);
    const first = await walk({ filesPerDay: 15 });
    assert.equal(first.complete, false);
    assert.equal(first.files, 15);
    assert.deepEqual((await walk({ filesPerDay: 15 })).blobs, {});
    for (let day = 0; day < 2; day++) {
      fixture.now += DAY;
      await walk({ filesPerDay: 15 });
    }
    assert.equal(new Set(names()).size, 40);
    assert.equal(requested.length, 40);
  });

  it('stops at the bytes of a day, once one content was sent', async () => {
    await blobs(40, DAY);
    assert.equal((await walk({ bytesPerDay: 25 })).files, 3);
  });

  it('goes on where it was stopped', async () => {
    await blobs(40, DAY);
    for (let calls = 0; calls < 50; calls++) {
      let left = 30;
      if ((await walk({}, () => left-- <= 0)).complete) break;
    }
    assert.equal(new Set(names()).size, 40);
    assert.equal((await walk()).complete, true);
  });

  it('says how long a walk has gone on that does not come to its end', async () => {
    await blobs(20, DAY);
    await walk({ filesPerDay: 1 });
    fixture.now += 2 * DAY;
    assert.ok((await walk({ filesPerDay: 1 })).behindSeconds >= (2 * DAY) / 1000);
  });

  it('leaves a content that could not be asked for to a later walk', async () => {
    await blob('a', DAY);
    const request = () => Promise.reject(new Error('no topic'));
    assert.deepEqual((await walk({ request })).blobs, { error: 1 });
    fixture.now += DAY;
    assert.deepEqual((await walk()).blobs, { requested: 1 });
  });

  it('asks for nothing where no age is configured', async () => {
    await blob('a', 100 * DAY);
    assert.deepEqual((await walk({ afterDays: [] })).blobs, {});
  });

  it('is harmed by no place that somebody else wrote', async () => {
    await blob('a', DAY);
    const metadata = { day: 'x', files: '-', began: 'y', full: 'z', range0: 'end', range9: 'blobs/' };
    await fixture.sweeper.permanent.insertEmpty('sweeper/rescan', { metadata });
    await walk();
    fixture.now += DAY;
    await walk();
    assert.equal(new Set(names()).size, 1);
  });
});
