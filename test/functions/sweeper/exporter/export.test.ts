import assert from 'node:assert/strict';
import { ArchiveDamaged, readPart, writePart } from '../../../../functions/sweeper/exporter/part.ts';
import { allObjects } from '../../../../shared/storage/page.ts';
import { SweeperFixture } from '../fixture.ts';
import type { Hook } from '../hooked-bucket.ts';
import { ExportFixture } from './fixture.ts';

const DIGEST = 'a'.repeat(64);

describe('an export of all records', () => {
  const fixture = new SweeperFixture();
  const exports = new ExportFixture(fixture);
  const permanent = () => fixture.sweeper.permanent;

  async function insert(name: string, metadata: Record<string, string> = { made: 'first' }): Promise<void> {
    assert.ok(await permanent().insertEmpty(name, { metadata }), name);
  }
  async function patch(name: string, metadata: Record<string, string>): Promise<void> {
    const there = await permanent().stat(name);
    assert.ok(there && (await permanent().patch(name, there, metadata)));
  }
  async function remove(name: string): Promise<void> {
    const there = await permanent().stat(name);
    assert.ok(there && (await permanent().delete(name, there)));
  }
  /** Names of every kind, in several ranges, and one that nobody thought of. */
  async function fill(): Promise<void> {
    await fixture.uploaded();
    await fixture.uploaded();
    for (const name of [
      `findings/sha256/${DIGEST}`,
      `blobs/sha256/${DIGEST}`,
      `shared/${DIGEST}/1`,
      `receipts/0/${DIGEST}`,
      'references/v/1',
      'anything/else',
      'zz/Ærlig',
    ])
      await insert(name);
  }
  async function change(): Promise<void> {
    await fixture.uploaded();
    await patch(`findings/sha256/${DIGEST}`, { made: 'later' });
    await remove('references/v/1');
    await remove('anything/else');
    // Another object of the same name is a change, though its metadata are the same.
    await remove('zz/Ærlig');
    await insert('zz/Ærlig');
  }

  it('has the metadata of every object, those of no known prefix included, but no place of a duty and no owner', async () => {
    await fill();
    await insert('sweeper/collect');
    await insert('deployment/state');
    const report = await exports.run();
    assert.deepEqual(await exports.exported(), await exports.there());
    assert.deepEqual(
      { ...report, id: undefined, bytes: undefined },
      { id: undefined, kind: 'full', objects: 9, written: 9, gone: 0, bytes: undefined, complete: true },
    );
  });

  it('is of nothing where there is nothing', async () => {
    assert.equal((await exports.run()).complete, true);
    assert.deepEqual(await exports.exported(), []);
  });

  it('has only what changed since the one before, deletions included', async () => {
    await fill();
    await exports.run();
    const before = await exports.there();
    const first = await exports.latest();
    await change();
    const { kind, objects, written, gone } = await exports.run();
    assert.deepEqual([kind, objects, written, gone], ['increment', 8, 3, 2]);
    assert.deepEqual(await exports.exported(), await exports.there());
    assert.deepEqual(await exports.exported(first), before);
    const quiet = await exports.run();
    assert.deepEqual([quiet.kind, quiet.objects, quiet.written, quiet.bytes], ['increment', 8, 0, 0]);
    assert.deepEqual(await exports.exported(), await exports.there());
  });

  it('is found by the time at which it was whole', async () => {
    await fill();
    const times: number[] = [];
    for (let made = 0; made < 3; made++) {
      await exports.run();
      times.push(fixture.now);
      await fixture.uploaded();
    }
    for (const [made, time] of times.entries()) {
      assert.equal((await exports.latest(new Date(time))).length, made + 1);
      assert.equal((await exports.latest(new Date(time + 1))).length, made + 1);
    }
    assert.equal(await exports.archive.latest(new Date((times[0] ?? 0) - 1)), undefined);
  });

  it('has everything again after so many', async () => {
    const kinds: string[] = [];
    for (let made = 0; made < 5; made++) {
      await fixture.uploaded();
      kinds.push((await exports.run({ fullEvery: 3 })).kind);
      assert.deepEqual(await exports.exported(), await exports.there());
    }
    assert.deepEqual(kinds, ['full', 'increment', 'increment', 'full', 'increment']);
  });

  it('does not exist until its manifest does, and is continued by the next call', async () => {
    await fill();
    let calls = 0;
    const stopped = await exports.run({}, { stopping: () => ++calls > 12 });
    assert.equal(stopped.complete, false);
    assert.equal(await exports.archive.latest(), undefined);
    const { id, complete } = await exports.run();
    assert.deepEqual([id, complete], [stopped.id, true]);
    assert.deepEqual(await exports.exported(), await exports.there());
    assert.equal((await exports.archive.begun()).length, 1);
  });

  it('is begun anew where the one before was left for a day', async () => {
    await fill();
    const { id } = await exports.run({}, { stopping: () => true });
    fixture.now += 24 * 3_600_000;
    assert.notEqual((await exports.run()).id, id);
    assert.deepEqual(await exports.exported(), await exports.there());
  });

  for (const made of ['first', 'second'] as const) {
    it(`comes to one whole export after a crash at any step of the ${made}`, async function () {
      this.timeout(600_000);
      await fill();
      if (made === 'second') {
        await exports.run();
        await change();
      }
      const whole = made === 'second' ? 2 : 1;
      let crashes = 0;
      for (; ; crashes++) {
        const at = crashes < 12 ? crashes : crashes * 2;
        let steps = 0;
        const crash: Hook = async (operation, _name, run) => {
          const dies = steps++ >= at;
          // Half of the time, what died had taken effect.
          if (dies && crashes % 2 === 0 && operation !== 'stage') await run();
          if (dies) throw new Error('died');
          return run();
        };
        const died = await exports.run(exports.deps(crash)).then(
          () => false,
          () => true,
        );
        if (!died) break;
        assert.ok((await exports.archive.begun()).length <= whole);
      }
      assert.ok(crashes > 10, `${crashes} crashes`);
      assert.equal((await exports.latest()).length, whole);
      assert.deepEqual(await exports.exported(), await exports.there());
    });
  }

  it('has everything again where the one before is damaged, which is never read as another state', async () => {
    await fill();
    await exports.run();
    const bucket = exports.bucket();
    for await (const part of allObjects(bucket, { prefix: 'parts/' })) {
      await bucket.delete(part.name, part);
      async function* nothing() {}
      await writePart(bucket, part.name, nothing());
    }
    await assert.rejects(exports.exported(), ArchiveDamaged);
    await fixture.uploaded();
    assert.equal((await exports.run()).kind, 'full');
    assert.deepEqual(await exports.exported(), await exports.there());
  });

  it('has everything again where the manifest of the one before does not parse', async () => {
    await fill();
    const { id } = await exports.run();
    const bucket = exports.bucket();
    const name = `manifests/${id}`;
    await bucket.delete(name, (await bucket.stat(name)) ?? assert.fail());
    async function* ofAnotherVersion() {
      yield Buffer.from('{"version": 2}');
    }
    await (await bucket.stage(name, ofAnotherVersion(), { contentType: 'application/json' })).commit();
    const kinds = [await exports.run(), await exports.run()].map(({ kind }) => kind);
    assert.deepEqual(kinds, ['full', 'increment']);
    assert.deepEqual(await exports.exported(), await exports.there());
  });

  it('is read only if each part has the bytes that were written', async () => {
    const bucket = exports.bucket();
    async function* lines() {
      yield { name: 'a', gone: true } as const;
    }
    const part = await writePart(bucket, 'part', lines());
    const all = async (how: Partial<typeof part>) => {
      const read = [];
      for await (const line of readPart(bucket, { ...part, ...how })) read.push(line);
      return read;
    };
    assert.deepEqual(await all({}), [{ name: 'a', gone: true }]);
    await assert.rejects(all({ sha256: DIGEST }), ArchiveDamaged);
    await assert.rejects(all({ size: part.size + 1 }), ArchiveDamaged);
    await assert.rejects(all({ name: 'none' }), ArchiveDamaged);
    async function* text() {
      yield Buffer.from('no gzip');
    }
    const staged = await bucket.stage('text', text(), { contentType: 'text/plain' });
    await staged.commit();
    await assert.rejects(all({ ...staged, name: 'text' }), ArchiveDamaged);
  });
});
