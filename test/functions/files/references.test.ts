import assert from 'node:assert/strict';
import { pino } from 'pino';
import { versionTag } from '../../../functions/files/headers/if-match.ts';
import { addReference, removeReference } from '../../../functions/files/refer.ts';
import { share } from '../../../functions/files/share.ts';
import { removeEnd, setEnd, withdraw } from '../../../functions/files/withdraw.ts';
import { type FileId, newFileId } from '../../../shared/files/file-id.ts';
import { referencesOf } from '../../../shared/files/references.ts';
import type { Problem } from '../../../shared/http/problems.ts';
import type { Bucket } from '../../../shared/storage/bucket.ts';
import { type Instance, OWNER, problemOf, RecordsFixture, uriOf } from './fixture.ts';

const URI = uriOf('https://fhir.example/DocumentReference/1');
const CALLS = ['stat', 'list', 'patch', 'insertEmpty', 'delete'] as const;
const silent = pino({ level: 'silent' });

/** Calls `before` ahead of each call to Cloud Storage: another instance does something then, or this one dies. */
function interrupted(bucket: Bucket, before: () => Promise<void>): Bucket {
  return new Proxy(bucket, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      const method = (value as (...parameters: unknown[]) => unknown).bind(target);
      if (!CALLS.some((call) => call === name)) return method;
      return async (...parameters: unknown[]) => {
        await before();
        return method(...parameters);
      };
    },
  });
}

describe('references and deletion', () => {
  const fixture = new RecordsFixture();
  afterEach(() => fixture.retain(null));
  const add = (instance: Instance, id: FileId) => addReference(instance, { id, uri: URI, by: OWNER });
  const remove = (instance: Instance, id: FileId) => removeReference(instance, { id, uri: URI }, silent);
  const withdrawn = (instance: Instance, id: FileId) => withdraw(instance, id, undefined);

  /** Runs `first` and, ahead of its nth call to Cloud Storage, `second`. @returns the outcomes, as problem types */
  async function interleaved(
    first: (instance: Instance) => Promise<void>,
    second: () => Promise<unknown>,
    nth: number,
  ): Promise<{ first: string; reached: boolean }> {
    let calls = 0;
    const instance = fixture.instance((bucket) =>
      interrupted(bucket, async () => {
        calls++;
        if (calls === nth) await second();
      }),
    );
    return { first: await problemOf(first(instance)), reached: calls >= nth };
  }

  /** That a reference was promised and the file still deleted is what must never be. */
  async function assertSound(id: FileId, added: string, deleted: string): Promise<void> {
    const { state, referenced } = await fixture.read(id);
    const count = await fixture.instance().references.count(id, 10);
    const outcome = JSON.stringify({ added, deleted, state, referenced, count });
    if (added === 'none')
      assert.ok(state === 'clean' && deleted === 'file-referenced' && count === 1, outcome);
    else
      assert.ok(
        added === 'file-deleted' && deleted === 'none' && state === 'deleted' && count === 0,
        outcome,
      );
  }

  for (const [what, prepare] of [
    ['never had one', async () => undefined],
    [
      'had one that is gone',
      async (id: FileId) => {
        await add(fixture.instance(), id);
        await remove(fixture.instance(), id);
      },
    ],
    [
      'is still marked though its last one is gone',
      async (id: FileId) => {
        await add(fixture.instance(), id);
        await fixture.instance().references.remove(id, URI, new Date());
      },
    ],
  ] as const) {
    describe(`of a file that ${what}`, () => {
      it('an addition at any moment of a deletion is refused or prevents it', async () => {
        const seen = new Set<string>();
        for (let nth = 1, reached = true; reached; nth++) {
          const id = await fixture.clean();
          await prepare(id);
          let added = '';
          const second = async () => {
            added = await problemOf(add(fixture.instance(), id));
          };
          const run = await interleaved((instance) => withdrawn(instance, id), second, nth);
          if (!run.reached) added = await problemOf(add(fixture.instance(), id));
          ({ reached } = run);
          await assertSound(id, added, run.first);
          seen.add(added);
        }
        assert.deepEqual([...seen].sort(), ['file-deleted', 'none']);
      });

      it('a deletion at any moment of an addition is refused or prevents it', async () => {
        const seen = new Set<string>();
        for (let nth = 1, reached = true; reached; nth++) {
          const id = await fixture.clean();
          await prepare(id);
          let deleted = '';
          const second = async () => {
            deleted = await problemOf(withdrawn(fixture.instance(), id));
          };
          const run = await interleaved((instance) => add(instance, id), second, nth);
          if (!run.reached) deleted = await problemOf(withdrawn(fixture.instance(), id));
          ({ reached } = run);
          await assertSound(id, run.first, deleted);
          seen.add(deleted);
        }
        assert.deepEqual([...seen].sort(), ['file-referenced', 'none']);
      });

      it('an addition that dies at any moment leaves the file deletable once the reference is removed', async () => {
        const died = async () => {
          throw new Error('died');
        };
        for (let nth = 1, reached = true; reached; nth++) {
          const id = await fixture.clean();
          await prepare(id);
          ({ reached } = await interleaved((instance) => add(instance, id), died, nth));
          const deleted = await problemOf(withdrawn(fixture.instance(), id));
          const count = await fixture.instance().references.count(id, 10);
          assert.equal(deleted, count > 0 ? 'file-referenced' : 'none');
          if (count > 0) assert.equal((await fixture.read(id)).referenced, true);
          await remove(fixture.instance(), id);
          await withdraw(fixture.instance(), id, undefined);
          assert.equal((await fixture.read(id)).state, 'deleted');
        }
      });

      it('a deletion that dies at any moment is done by the next, or refused for an addition in between', async () => {
        const died = async () => {
          throw new Error('died');
        };
        for (let nth = 1, reached = true; reached; nth++) {
          for (const between of [true, false]) {
            const id = await fixture.clean();
            await prepare(id);
            ({ reached } = await interleaved((instance) => withdrawn(instance, id), died, nth));
            const added = between ? await problemOf(add(fixture.instance(), id)) : 'file-deleted';
            await assertSound(id, added, await problemOf(withdrawn(fixture.instance(), id)));
          }
        }
      });
    });
  }

  it('a deletion, a removal and an addition, each at any moment of another, keep what was added', async () => {
    const seen = new Set<string>();
    for (let nth = 1, reached = true; reached; nth++) {
      for (let inner = 1, innerReached = true; innerReached; inner++) {
        const id = await fixture.clean();
        // Marked, with nothing that refers to it: the addition then needs no separate write.
        await add(fixture.instance(), id);
        await fixture.instance().references.remove(id, URI, new Date());
        let added = 'not yet';
        let removed = 'not yet';
        const addition = async () => {
          added = await problemOf(add(fixture.instance(), id));
        };
        const other = { id, uri: uriOf('urn:other') };
        const removal = async () => {
          const run = await interleaved(
            (instance) => removeReference(instance, other, silent),
            addition,
            inner,
          );
          innerReached = run.reached;
          removed = run.first;
        };
        const run = await interleaved((instance) => withdrawn(instance, id), removal, nth);
        reached = run.reached;
        if (removed === 'not yet') innerReached = false;
        if (added === 'not yet') await addition();
        const { state } = await fixture.read(id);
        const count = await fixture.instance().references.count(id, 10);
        const outcome = JSON.stringify({ nth, inner, added, removed, first: run.first, state, count });
        if (added === 'none') assert.ok(state === 'clean' && count === 1 && run.first !== 'none', outcome);
        else assert.ok(state === 'deleted' && count === 0, outcome);
        seen.add(added);
      }
    }
    assert.deepEqual([...seen].sort(), ['file-deleted', 'none']);
  });

  it('a removal beside an addition never loses the mark of what is there, at any moment', async () => {
    for (let nth = 1, reached = true; reached; nth++) {
      const id = await fixture.clean();
      await add(fixture.instance(), id);
      const other = { id, uri: uriOf('urn:other'), by: OWNER };
      const second = () => addReference(fixture.instance(), other);
      const run = await interleaved((instance) => remove(instance, id), second, nth);
      reached = run.reached;
      if (!reached) await second();
      assert.equal(run.first, 'none');
      assert.equal(await problemOf(withdrawn(fixture.instance(), id)), 'file-referenced');
      const { referenced, unreferencedSince } = await fixture.read(id);
      assert.deepEqual([referenced, unreferencedSince], [true, undefined]);
    }
  });

  it('the last one that is removed starts the grace period, and that is done under a retention policy as well', async () => {
    await fixture.retain('3600');
    const id = await fixture.clean();
    const instance = fixture.instance();
    await add(instance, id);
    assert.deepEqual([(await fixture.read(id)).referenced], [true]);
    await remove(instance, id);
    const { referenced, unreferencedSince } = await fixture.read(id);
    assert.equal(referenced, undefined);
    assert.ok(unreferencedSince instanceof Date);
    await add(instance, id);
    assert.equal((await fixture.read(id)).unreferencedSince, undefined);
    await remove(instance, id);
    await withdraw(instance, id, undefined);
    const deleted = await fixture.read(id);
    assert.ok(deleted.state === 'deleted' && deleted.content?.sha256 === 'a'.repeat(64));
    assert.equal(await problemOf(add(instance, id)), 'file-deleted');
    assert.equal(await instance.references.count(id, 10), 0);
  });

  it('is told how many there are, and from a thousand on that it is at least so many', async () => {
    const id = await fixture.clean();
    const instance = fixture.instance();
    await add(instance, id);
    const refused = await withdraw(instance, id, undefined).catch((error: Problem) => error);
    assert.deepEqual(refused?.document()['references'], 1);
    const many = Object.create(instance.references, { count: { value: async () => 1000 } });
    await assert.rejects(withdraw({ ...instance, references: many }, id, undefined), /is at least 1000\./);
  });

  it('an addition to a file whose record is gone meanwhile leaves nothing behind', async () => {
    const id = newFileId(OWNER);
    await assert.rejects(add(fixture.instance(), id), { type: 'not-found' });
    const { objects } = await fixture.bucket().list({ prefix: referencesOf(id), maxResults: 10 });
    assert.deepEqual(objects, []);
  });

  it('a removal whose mark cannot be written has still removed it', async () => {
    const id = await fixture.clean();
    const instance = fixture.instance();
    await add(instance, id);
    fixture.storage.emulator.faults.add({
      operation: 'objects.patch',
      namePrefix: 'files/',
      effect: { kind: 'error', status: 403 },
    });
    await remove(instance, id);
    fixture.storage.emulator.faults.clear();
    assert.equal((await fixture.read(id)).referenced, true);
    await withdraw(instance, id, undefined);
  });

  describe('and an end', () => {
    const end = new Date(Date.now() + 86_400_000);
    const ended = async (instance: Instance, id: FileId) => void (await setEnd(instance, id, end, undefined));

    /** A file with an end to which something refers would be lost. */
    async function assertOne(id: FileId, added: string, set: string): Promise<void> {
      const { expiresAt, referenced } = await fixture.read(id);
      const count = await fixture.instance().references.count(id, 10);
      const outcome = JSON.stringify({ added, set, expiresAt, referenced, count });
      if (added === 'none') assert.ok(set === 'file-referenced' && !expiresAt && count === 1, outcome);
      else {
        assert.ok(added === 'file-expires' && set === 'none', outcome);
        assert.ok(expiresAt && !referenced && count === 0, outcome);
      }
    }

    for (const [what, first, second] of [
      ['an addition at any moment of an end', ended, add],
      ['an end at any moment of an addition', add, ended],
    ] as const) {
      for (const hadOne of [false, true]) {
        it(`is refused or prevents it: ${what}, of a file that ${hadOne ? 'had one' : 'never had one'}`, async () => {
          const seen = new Set<string>();
          for (let nth = 1, reached = true; reached; nth++) {
            const id = await fixture.clean();
            if (hadOne) {
              await add(fixture.instance(), id);
              await fixture.instance().references.remove(id, URI, new Date());
            }
            let other = '';
            const interrupt = async () => {
              other = await problemOf(second(fixture.instance(), id));
            };
            const run = await interleaved((instance) => first(instance, id), interrupt, nth);
            if (!run.reached) await interrupt();
            ({ reached } = run);
            await (first === add ? assertOne(id, run.first, other) : assertOne(id, other, run.first));
            seen.add(run.first);
          }
          assert.equal(seen.size, 2, [...seen].join());
        });
      }
    }

    it('that is set by a process which dies is set by the next, at any moment', async () => {
      const died = async () => {
        throw new Error('died');
      };
      for (let nth = 1, reached = true; reached; nth++) {
        const id = await fixture.clean();
        ({ reached } = await interleaved((instance) => ended(instance, id), died, nth));
        await ended(fixture.instance(), id);
        assert.deepEqual((await fixture.read(id)).expiresAt, end);
      }
    });

    it('is moved, removed and repeated, and is refused once the file is over', async () => {
      const id = await fixture.clean();
      const instance = fixture.instance();
      const first = await setEnd(instance, id, end, undefined);
      const tag = versionTag(first.object);
      const later = new Date(end.getTime() + 1);
      await assert.rejects(setEnd(instance, id, later, ['"1-1"']), { type: 'precondition-failed' });
      const moved = await setEnd(instance, id, later, [tag]);
      // A repeat, whose answer was lost.
      assert.deepEqual((await setEnd(instance, id, later, [tag])).object, moved.object);
      await assert.rejects(removeEnd(instance, id, [tag]), { type: 'precondition-failed' });
      await removeEnd(instance, id, [versionTag(moved.object)]);
      await removeEnd(instance, id, [tag]);
      assert.equal((await fixture.read(id)).expiresAt, undefined);
      assert.equal(await problemOf(add(instance, id)), 'none');
      await remove(instance, id);
      await withdraw(instance, id, undefined);
      assert.equal(await problemOf(ended(instance, id)), 'file-deleted');
      assert.equal(await problemOf(removeEnd(instance, id, undefined)), 'file-deleted');
    });

    it('that is reached is final: whatever is asked of the file is answered as of a deleted one', async () => {
      const id = await fixture.clean({ expiresAt: new Date(Date.now() - 1) });
      const instance = fixture.instance();
      const principal = OWNER;
      for (const work of [
        () => ended(instance, id),
        () => removeEnd(instance, id, undefined),
        () => add(instance, id),
        () => share(instance, { id, grant: [{ principal }], ifMatch: undefined }),
      ])
        assert.equal(await problemOf(work()), 'file-deleted');
      assert.equal(await problemOf(withdrawn(instance, id)), 'none');
    });
  });
});
