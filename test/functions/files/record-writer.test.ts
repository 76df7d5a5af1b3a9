import assert from 'node:assert/strict';
import { RecordWriter } from '../../../functions/files/record-writer.ts';
import type { FileRecord } from '../../../shared/files/record.ts';
import type { Versioned } from '../../../shared/files/records.ts';
import type { Principal } from '../../../shared/identity/principal.ts';
import { RecordsFixture } from '../../functions/files/fixture.ts';
import { FAST_RETRY } from '../../shared/storage/streams.ts';
import { namesOf, viewersNamed } from '../../support/records.ts';

const addViewer =
  (viewer: string) =>
  ({ record }: Versioned): FileRecord =>
    namesOf(record).includes(viewer as Principal)
      ? record
      : { ...record, viewers: [...record.viewers, ...viewersNamed(viewer)] };

describe('changes of one record', () => {
  // Its second is 20 ms.
  const start = Date.now();
  const fixture = new RecordsFixture(() => Math.floor(start + (Date.now() - start) * 50));
  const names = Array.from({ length: 50 }, (_, index) => `org:${index}`);

  it('of three processes at once are all there, also when Cloud Storage refuses every third write', async () => {
    const id = await fixture.clean();
    const instances = [fixture.instance(), fixture.instance(), fixture.instance()];
    for (let nth = 2; nth < 60; nth += 3) {
      const effect = {
        kind: 'error',
        status: nth % 2 ? 429 : 503,
        when: nth % 4 ? 'before' : 'after',
      } as const;
      fixture.storage.emulator.faults.add({ operation: 'objects.patch', nth, effect });
    }
    await Promise.all(
      names.map((name, index) =>
        instances[index % 3]?.writer.change(id, addViewer(name), { alone: index % 7 === 0 }),
      ),
    );
    assert.deepEqual(namesOf(await fixture.read(id)).sort(), [...names].sort());
  });

  it('of three processes at once are all there, though Cloud Storage takes one write a second', async () => {
    const id = await fixture.clean();
    const instances = [fixture.instance(), fixture.instance(), fixture.instance()];
    await Promise.all(names.map((name, index) => instances[index % 3]?.writer.change(id, addViewer(name))));
    assert.deepEqual(namesOf(await fixture.read(id)).sort(), [...names].sort());
  });

  it('that come while one is being written share the next write', async () => {
    const id = await fixture.clean();
    const { writer } = fixture.instance();
    fixture.storage.emulator.operations.reset();
    const written = await Promise.all(names.map((name) => writer.change(id, addViewer(name))));
    assert.equal(written.at(-1)?.record.viewers.length, 50);
    assert.equal(fixture.storage.emulator.operations.of('objects.patch').calls, 2);
  });

  it('that see exactly the version they replace share their write with none', async () => {
    const id = await fixture.clean();
    const { writer } = fixture.instance();
    const versions: string[] = [];
    await Promise.all(
      names.slice(0, 9).map((name, index) =>
        writer.change(
          id,
          (read) => {
            if (index % 2) versions.push(read.object.metageneration);
            return addViewer(name)(read);
          },
          { alone: index % 2 === 1 },
        ),
      ),
    );
    assert.equal(new Set(versions).size, 4);
    assert.equal((await fixture.read(id)).viewers.length, 9);
  });

  it('are refused one by one, and one that changes nothing writes nothing', async () => {
    const id = await fixture.clean();
    const { writer } = fixture.instance();
    fixture.storage.emulator.operations.reset();
    const refuse = (): FileRecord => {
      throw new Error('refused');
    };
    const outcomes = await Promise.allSettled([
      writer.change(id, ({ record }) => record),
      writer.change(id, refuse),
      writer.change(id, addViewer('org:1')),
      writer.change(id, refuse),
    ]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled', 'rejected'],
    );
    assert.deepEqual(namesOf(await fixture.read(id)), ['org:1']);
    assert.equal(fixture.storage.emulator.operations.of('objects.patch').calls, 1);
  });

  it('fail together when Cloud Storage does, and the next ones do not', async () => {
    const id = await fixture.clean();
    const writer = new RecordWriter(fixture.instance().records, { ...FAST_RETRY, attempts: 2 });
    fixture.storage.emulator.faults.add({
      operation: 'objects.get',
      effect: { kind: 'error', status: 503 },
    });
    const outcomes = await Promise.allSettled(
      names.slice(0, 5).map((name) => writer.change(id, addViewer(name))),
    );
    assert.ok(outcomes.every(({ status }) => status === 'rejected'));
    fixture.storage.emulator.faults.clear();
    await writer.change(id, addViewer('org:1'));
    assert.deepEqual(namesOf(await fixture.read(id)), ['org:1']);
  });

  it('give up with a fault that a client may try again when the record keeps changing', async () => {
    const id = await fixture.clean();
    const { records, writer: other } = fixture.instance();
    const writer = new RecordWriter(records, { ...FAST_RETRY, attempts: 3 });
    let races = 0;
    const overtaken = async (read: Versioned): Promise<FileRecord> => {
      races++;
      await other.change(id, addViewer(`org:9${races}`));
      return addViewer('org:1')(read);
    };
    await assert.rejects(writer.change(id, overtaken), { reason: 'contention', transient: true });
    assert.equal(races, 3);
    assert.equal((await fixture.read(id)).viewers.length, 3);
  });
});
