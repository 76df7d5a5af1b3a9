import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  type DatabaseReport,
  parseRescanOrder,
  requestRescansOf,
} from '../../../functions/sweeper/rescan-database.ts';
import type { SendDeps } from '../../../functions/sweeper/send-rescans.ts';
import type { EventMessage } from '../../../shared/events/cloud-event.ts';
import { parseRescanRequest } from '../../../shared/events/rescan-request.ts';
import { Problem } from '../../../shared/http/problems.ts';
import { DAY, MINUTE, pushOf, SweeperFixture } from './fixture.ts';

describe('the walk that asks for re-scans of what one signature database decided', () => {
  const fixture = new SweeperFixture(true);
  let requested: EventMessage[];
  beforeEach(() => {
    requested = [];
  });

  const walk = (how: Partial<SendDeps> = {}, stopping = () => false, of = 27654): Promise<DatabaseReport> =>
    requestRescansOf(
      {
        ...fixture.sweeper,
        request: async (message) => void requested.push(message),
        filesPerDay: 1000,
        bytesPerDay: 1_000_000,
        ...how,
      },
      of,
      { budgetMs: 60_000, stopping },
    );
  const requests = () => requested.map((message) => parseRescanRequest(pushOf(message)) ?? assert.fail());

  /** Content of ten bytes that was found clean now. */
  async function blob(of: number, database: string, metadata: Record<string, string> = {}) {
    const at = new Date(fixture.now).toISOString();
    async function* bytes() {
      yield Buffer.alloc(10);
    }
    const said = { cleanSince: at, scannedAt: at, engine: '1.4.6', database, ...metadata };
    const name = `blobs/sha256/${createHash('sha256').update(String(of)).digest('hex')}`;
    const options = { contentType: 'application/octet-stream', metadata: said };
    return (await fixture.sweeper.permanent.stage(name, bytes(), options)).commit();
  }
  const blobs = (count: number) => Promise.all(Array.from({ length: count }, (_, at) => blob(at, '27654')));

  it('asks for those alone, whatever their age', async () => {
    const due = await blob(1, '27654');
    await blob(2, '27653');
    await blob(3, '276540');
    const report = await walk();
    assert.deepEqual(report, {
      database: 27654,
      blobs: { requested: 1, other: 2 },
      files: 1,
      bytes: 10,
      complete: true,
    });
    const [request] = requests();
    assert.deepEqual([request?.name, request?.generation], [due.name, due.generation]);
    assert.equal(request?.dueAt.getTime(), fixture.now);
  });

  it('leaves out what nobody gets anyway', async () => {
    await blob(1, '27654', { signature: 'x' });
    await blob(2, '27654', { damagedAt: new Date(0).toISOString() });
    assert.deepEqual((await walk()).blobs, { other: 2 });
  });

  it('keeps to the budget of a day, also beyond the end of a walk, and goes on the next day', async () => {
    await blobs(10);
    const first = await walk({ filesPerDay: 4 });
    assert.deepEqual([first.complete, first.files], [false, 4]);
    const began = fixture.now;
    fixture.now += 5 * MINUTE;
    assert.deepEqual((await walk({ filesPerDay: 4 })).blobs, {});
    for (let day = 0; day < 2; day++) {
      fixture.now += DAY;
      await walk({ filesPerDay: 4 });
    }
    assert.equal(new Set(requests().map(({ name }) => name)).size, 10);
    assert.equal(requested.length, 10);
    assert.ok(requests().every(({ dueAt }) => dueAt.getTime() === began));
    assert.equal((await walk({ filesPerDay: 2 })).files, 2);
  });

  it('goes on where it was stopped', async () => {
    await blobs(20);
    for (let calls = 0; calls < 50; calls++) {
      let left = 20;
      if ((await walk({}, () => left-- <= 0)).complete) break;
    }
    assert.equal(new Set(requests().map(({ name }) => name)).size, 20);
  });

  it('begins anew for another database', async () => {
    await blobs(20);
    await walk({ filesPerDay: 10 });
    requested = [];
    fixture.now += DAY;
    assert.deepEqual((await walk({}, undefined, 1)).blobs, { other: 20 });
    assert.deepEqual((await walk()).blobs, { requested: 20 });
  });

  it('leaves a content that could not be asked for to the next call', async () => {
    await blob(1, '27654');
    const request = () => Promise.reject(new Error('no topic'));
    assert.deepEqual((await walk({ request })).blobs, { error: 1 });
    assert.deepEqual((await walk()).blobs, { requested: 1 });
  });

  it('is ordered by the version of the database', () => {
    assert.equal(parseRescanOrder({ database: 27654 }), 27654);
    for (const none of [undefined, {}, '', Buffer.alloc(0)]) assert.equal(parseRescanOrder(none), undefined);
    for (const body of [
      null,
      'x',
      Buffer.from('x'),
      { database: '27654' },
      { database: 0 },
      { database: 1.5 },
      { other: 1 },
    ]) {
      assert.throws(() => parseRescanOrder(body), Problem, JSON.stringify(body));
    }
  });
});
