import assert from 'node:assert/strict';
import { pino } from 'pino';
import { listShared, parseSharedPosition } from '../../../functions/files/list-shared.ts';
import { type Sharing, share } from '../../../functions/files/share.ts';
import { toDeleted } from '../../../shared/files/ends.ts';
import { type FileId, newFileId } from '../../../shared/files/file-id.ts';
import {
  SharedFiles,
  sharedName,
  sharedPosition,
  unannouncedSince,
} from '../../../shared/files/shared-files.ts';
import type { Caller } from '../../../shared/identity/caller.ts';
import type { Principal } from '../../../shared/identity/principal.ts';
import type { Bucket } from '../../../shared/storage/bucket.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';
import { WRITE_CLOCK } from '../../shared/storage/streams.ts';
import { viewersNamed } from '../../support/records.ts';
import { RecordsFixture } from './fixture.ts';

const HOUR = 3_600_000;
const signal = new AbortController().signal;

describe('the files that are shared with a caller', () => {
  const fixture = new RecordsFixture();
  let tests = 0;
  let viewer: Principal;
  let group: Principal;
  beforeEach(() => {
    tests++;
    viewer = `org:9${tests}` as Principal;
    group = `group:9${tests}` as Principal;
  });
  const lines: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) });

  const owners = Array.from({ length: 3 }, (_, n) => `org:1${n}` as Principal);
  const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second));
  const grantOrRevoke = ({
    grant = [],
    ...change
  }: Pick<Sharing, 'id' | 'revoke'> & { readonly grant?: readonly Principal[] }) =>
    share(fixture.instance(), { ifMatch: undefined, grant: viewersNamed(...grant), ...change });
  async function shared(
    second: number,
    grant: Principal[] = [viewer],
    owner = owners[second % 3],
  ): Promise<FileId> {
    const id = await fixture.clean({ ...(owner && { owner }) }, at(second));
    await grantOrRevoke({ id, grant });
    return id;
  }
  function list(
    how: {
      limit?: number;
      after?: string | undefined;
      as?: readonly Principal[];
      aheadMs?: number;
      bucket?: Bucket;
    } = {},
  ) {
    const { limit = 10, after, as = [viewer], aheadMs = 0, bucket = fixture.bucket() } = how;
    const [principal = viewer] = as;
    const caller: Caller = { principal, principals: new Set(as), scopes: new Set(['read']), issuer: 'i' };
    const now = () => new Date(Date.now() + aheadMs);
    const { records } = fixture.instance();
    const deps = { records, shared: new SharedFiles(bucket), now, log };
    const states = new Set(['clean', 'infected'] as const);
    return listShared(deps, { caller, states, limit, after }, signal);
  }
  const idsOf = ({ items }: { items: readonly { id: FileId }[] }) => items.map(({ id }) => id);
  const entries = async (who: Principal) => {
    const { items } = await new SharedFiles(fixture.bucket()).page(who, {
      after: undefined,
      limit: 100,
      signal,
    });
    return items.map(({ id }) => id);
  };

  it('are those of any owner, newest first, and nobody else finds them', async () => {
    const ids = [await shared(1), await shared(2), await shared(3)].reverse();
    await fixture.clean({}, at(4));
    assert.deepEqual(idsOf(await list()), ids);
    assert.deepEqual(idsOf(await list({ as: ['org:1' as Principal] })), []);
  });

  it('come in pages that neither repeat nor leave out, over the caller and groups', async () => {
    const ids: FileId[] = [];
    for (let second = 0; second < 12; second++) {
      const grant = [[viewer], [group], [viewer, group], [`group:8${tests}` as Principal]][second % 4] ?? [];
      ids.unshift(await shared(second, grant));
    }
    const as = [viewer, group, `group:8${tests}` as Principal];
    for (const limit of [1, 2, 5, 12, 100]) {
      const found: FileId[] = [];
      let after: string | undefined;
      for (let pages = 0; pages === 0 || after !== undefined; pages++) {
        assert.ok(pages < 20);
        const page = await list({ limit, after, as });
        assert.ok(page.items.length <= limit);
        found.push(...idsOf(page));
        after = page.next;
      }
      assert.deepEqual(found, ids, `pages of ${limit}`);
    }
  });

  it('are no longer listed once they are revoked, or deleted, and never the own ones', async () => {
    const [revoked, deleted] = [await shared(1), await shared(2)];
    const own = await shared(3, [group], viewer);
    WRITE_CLOCK.tick();
    await grantOrRevoke({ id: revoked, revoke: [viewer] });
    const { records } = fixture.instance();
    const read = (await records.get(deleted)) ?? assert.fail();
    assert.ok(await records.replace(read, toDeleted(read.record, new Date())));
    assert.deepEqual(idsOf(await list({ as: [viewer, group] })), []);
    assert.deepEqual(await entries(viewer), [deleted]);
    assert.deepEqual(await entries(group), [own]);
  });

  it('are decided by the record: an entry without a grant shows nothing, and goes once it is old', async () => {
    const [foreign, gone] = [await fixture.clean({}, at(1)), newFileId(viewer, at(2))];
    for (const id of [foreign, gone]) await new SharedFiles(fixture.bucket()).ensure(viewer, id);
    assert.deepEqual(idsOf(await list()), []);
    assert.equal((await entries(viewer)).length, 2);
    assert.deepEqual(idsOf(await list({ aheadMs: 2 * HOUR })), []);
    assert.deepEqual(await entries(viewer), []);
  });

  it('are no longer listed once their grant is over, and are found again once it is granted anew', async () => {
    const id = await fixture.clean({}, at(1));
    const until = new Date(Date.now() + HOUR);
    const grant = (...ends: Date[]) =>
      share(fixture.instance(), {
        id,
        grant: [{ principal: viewer, ...(ends[0] && { until: ends[0] }) }],
        ifMatch: undefined,
      });
    await grant(until);
    assert.deepEqual(idsOf(await list()), [id]);
    assert.deepEqual(idsOf(await list({ aheadMs: 2 * HOUR })), []);
    // It is kept until it is known that its grant was announced.
    assert.deepEqual(await entries(viewer), [id]);
    WRITE_CLOCK.tick();
    const entry = (await fixture.bucket().stat(sharedName(viewer, id))) ?? assert.fail();
    await new SharedFiles(fixture.bucket()).markAnnounced(
      viewer,
      id,
      unannouncedSince(entry) ?? assert.fail(),
    );
    assert.deepEqual(idsOf(await list({ aheadMs: 2 * HOUR })), []);
    assert.deepEqual(await entries(viewer), []);
    await grant();
    assert.deepEqual(idsOf(await list({ aheadMs: 2 * HOUR })), [id]);
  });

  it('are listed although an old entry cannot be removed, which the log says', async () => {
    await new SharedFiles(fixture.bucket()).ensure(viewer, newFileId(viewer, at(2)));
    const id = await shared(1);
    fixture.storage.emulator.faults.add({
      operation: 'objects.delete',
      effect: { kind: 'error', status: 400 },
    });
    assert.deepEqual(idsOf(await list({ aheadMs: 2 * HOUR })), [id]);
    assert.match(lines.at(-1) ?? '', /entry of a revoked viewer not removed/);
  });

  it('are listed without those whose record is damaged', async () => {
    const [damaged, id] = [await shared(2), await shared(1)];
    const object = (await fixture.bucket().stat(`files/${damaged}`)) ?? assert.fail();
    assert.ok(await fixture.bucket().patch(object.name, object, { owner: null }));
    assert.deepEqual(idsOf(await list()), [id]);
  });

  it('are found after a grant that came while a revocation was under way', async () => {
    const id = await shared(1);
    // A revocation removes the entry late: another instance has granted again meanwhile.
    const late = new (class extends SharedFiles {
      override async remove(entry: StoredObject): Promise<void> {
        WRITE_CLOCK.tick();
        await grantOrRevoke({ id, grant: [viewer] });
        await super.remove(entry);
      }
    })(fixture.bucket());
    const { writer } = fixture.instance();
    WRITE_CLOCK.tick();
    await share(
      { ...fixture.instance(), writer, shared: late },
      { id, revoke: [viewer], ifMatch: undefined },
    );
    assert.deepEqual(idsOf(await list()), [id]);
  });

  it('are found where a grant wrote the entry and died, and was sent again', async () => {
    const id = await fixture.clean({}, at(1));
    fixture.storage.emulator.faults.add({
      operation: 'objects.patch',
      effect: { kind: 'error', status: 400 },
    });
    await assert.rejects(grantOrRevoke({ id, grant: [viewer] }));
    fixture.storage.emulator.faults.clear();
    assert.deepEqual(idsOf(await list()), []);
    assert.deepEqual(await entries(viewer), [id]);
    WRITE_CLOCK.tick();
    await grantOrRevoke({ id, grant: [viewer] });
    assert.deepEqual(idsOf(await list()), [id]);
  });

  it('can be revoked and granted again under a retention policy', async () => {
    await fixture.retain('3600');
    try {
      const id = await shared(1);
      WRITE_CLOCK.tick();
      await grantOrRevoke({ id, revoke: [viewer] });
      assert.deepEqual(await entries(viewer), []);
      assert.ok(await fixture.bucket().stat(sharedName(viewer, id)));
      WRITE_CLOCK.tick();
      await grantOrRevoke({ id, grant: [viewer] });
      assert.deepEqual(idsOf(await list()), [id]);
    } finally {
      await fixture.retain(null);
    }
  });

  it('have positions that are theirs alone', () => {
    const id = newFileId(viewer, at(1));
    assert.equal(parseSharedPosition(sharedPosition(id)), sharedPosition(id));
    for (const other of ['', 'x', `${sharedPosition(id)}0`, sharedPosition(id).toUpperCase()]) {
      assert.equal(parseSharedPosition(other), undefined);
    }
  });
});
