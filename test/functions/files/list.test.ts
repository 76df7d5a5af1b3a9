import assert from 'node:assert/strict';
import { pino } from 'pino';
import { listFiles, STATES, type State, type Wanted } from '../../../functions/files/list.ts';
import { type FileId, newFileId, ownerTag } from '../../../shared/files/file-id.ts';
import type { Principal } from '../../../shared/identity/principal.ts';
import type { Bucket, ListOptions } from '../../../shared/storage/bucket.ts';
import { OWNER, RecordsFixture } from './fixture.ts';

const OTHER = 'org:111111111' as Principal;
const signal = new AbortController().signal;
const all = Object.keys(STATES) as State[];

describe('the files of an owner', () => {
  const fixture = new RecordsFixture();
  let tests = 0;
  let owner: Principal;
  beforeEach(() => {
    owner = `${OWNER}-${tests++}` as Principal;
  });
  const lines: string[] = [];
  const log = pino({ level: 'error' }, { write: (line: string) => void lines.push(line) });
  const list = (wanted: Partial<Wanted> = {}) => {
    const usual = { owner, states: new Set(all), limit: 10, after: undefined };
    return listFiles(fixture.instance().records, log, { ...usual, ...wanted }, signal);
  };
  const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second));
  const idsOf = ({ items }: { items: { id: FileId }[] }) => items.map(({ id }) => id);

  it('are listed newest first, in pages that neither repeat nor leave out, while others come and go', async () => {
    const ids: FileId[] = [];
    for (let second = 0; second < 7; second++) ids.unshift(await fixture.clean({ owner }, at(second)));
    const listed: FileId[] = [];
    let after: FileId | undefined;
    for (let pages = 1; ; pages++) {
      const page = await list({ limit: 3, after });
      listed.push(...idsOf(page));
      await fixture.clean({ owner }, at(100 + pages));
      if (page.next === undefined) break;
      after = page.next as FileId;
    }
    assert.deepEqual(listed, ids);
  });

  it('end without a further page where the last is just full', async () => {
    for (let second = 0; second < 4; second++) await fixture.clean({ owner }, at(second));
    const { next } = await list({ limit: 2 });
    const last = await list({ limit: 2, after: next as FileId });
    assert.deepEqual([last.items.length, last.next], [2, undefined]);
  });

  it('are those whose record says so, whatever their id begins with', async () => {
    const mine = await fixture.clean({ owner }, at(1));
    const id = (ownerTag(owner) + newFileId(OTHER, at(0)).slice(8)) as FileId;
    await fixture.clean({ owner: OTHER, id }, at(0));
    assert.deepEqual(idsOf(await list()), [mine]);
    assert.deepEqual(idsOf(await list({ owner: OTHER })), []);
  });

  it('go on after no id of a file of others, and get past however many of them', async () => {
    const mine = await fixture.clean({ owner }, at(9));
    const theirs: string[] = [];
    for (let second = 0; second < 8; second++) {
      const id = (ownerTag(owner) + newFileId(OTHER, at(second)).slice(8)) as FileId;
      theirs.push(await fixture.clean({ owner: OTHER, id }, at(second)));
    }
    const oldest = await fixture.clean({ owner }, at(-9));
    const { records } = fixture.instance(oneAtATime(fixture.bucket()));
    const listed: FileId[] = [];
    let after: FileId | undefined;
    for (let pages = 0; pages < 9; pages++) {
      const page = await listFiles(records, log, { owner, states: new Set(all), limit: 9, after }, signal);
      listed.push(...idsOf(page));
      if (page.next === undefined) break;
      assert.ok(!theirs.includes(page.next), 'the cursor is the id of a file of others');
      assert.ok(!theirs.some((id) => page.next?.slice(0, 17) === id.slice(0, 17)), 'or its time');
      after = page.next;
    }
    assert.deepEqual(listed, [mine, oldest]);
  });

  it('are listed without those that somebody damaged, which are logged', async () => {
    const mine = await fixture.clean({ owner }, at(1));
    const damaged = await fixture.clean({ owner }, at(0));
    const bucket = fixture.bucket();
    const object = await bucket.stat(`files/${damaged}`);
    assert.ok(object && (await bucket.patch(object.name, object, { state: 'odd' })));
    await bucket.insertEmpty(`files/${ownerTag(owner)}x`, { contentType: 'text/plain' });
    assert.deepEqual(idsOf(await list()), [mine]);
    assert.equal(lines.filter((line) => line.includes(damaged)).length, 1);
  });

  it('of some states cost at most five listings a page, which may then be empty and go on', async () => {
    const ids: FileId[] = [];
    for (let second = 0; second < 8; second++) ids.unshift(await fixture.clean({ owner }, at(second)));
    fixture.storage.emulator.operations.reset();
    const { records } = fixture.instance(oneAtATime(fixture.bucket()));
    const wanted = { owner, states: new Set<State>(['failed']), limit: 10, after: undefined };
    const page = await listFiles(records, log, wanted, signal);
    assert.deepEqual([page.items, page.next], [[], ids[4]]);
    assert.equal(fixture.storage.emulator.operations.of('objects.list').calls, 2 * 5, 'files and verdicts');
    const rest = await listFiles(
      records,
      log,
      { ...wanted, states: new Set(all), after: page.next as FileId },
      signal,
    );
    assert.deepEqual(idsOf(rest), ids.slice(5));
  });
});

/** Cloud Storage may list less than it is asked for. */
function oneAtATime(bucket: Bucket) {
  return (inner: Bucket): Bucket =>
    Object.create(inner, {
      list: {
        value: (options: ListOptions) => bucket.list({ ...options, maxResults: 1 }),
      },
    });
}
