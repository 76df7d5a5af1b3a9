import assert from 'node:assert/strict';
import { versionTag } from '../../../functions/files/headers/if-match.ts';
import { RecordWriter } from '../../../functions/files/record-writer.ts';
import { share } from '../../../functions/files/share.ts';
import type { EventMessage } from '../../../shared/events/cloud-event.ts';
import { type FileId, newFileId } from '../../../shared/files/file-id.ts';
import type { Sha256 } from '../../../shared/files/record.ts';
import { Records } from '../../../shared/files/records.ts';
import type { Viewer } from '../../../shared/identity/caller.ts';
import type { Principal } from '../../../shared/identity/principal.ts';
import { Bucket } from '../../../shared/storage/bucket.ts';
import { connectStorage } from '../../../shared/storage/connect.ts';
import type { Generation } from '../../../shared/storage/object.ts';
import { FAST_RETRY, WRITE_CLOCK } from '../../shared/storage/streams.ts';
import { viewersNamed } from '../../support/records.ts';
import { OWNER, problemOf, RecordsFixture } from './fixture.ts';

describe('sharing of a file that came by tus and was scanned', () => {
  const fixture = new RecordsFixture();

  it('is refused before its metadata is full, of which what the upload left there is a part', async () => {
    const instance = fixture.instance();
    const { records } = instance;
    const createdAt = new Date();
    const stored = { id: newFileId(OWNER), owner: OWNER, viewers: [], createdAt, contentType: 'text/plain' };
    const upload = { kind: 'tus', expiresAt: createdAt, length: 1, metadata: 'x'.repeat(2048) } as const;
    const read = await records.insert({ ...stored, state: 'uploading', upload });
    const content = { size: 1, sha256: 'a'.repeat(64) as Sha256, crc32c: 'AAAAAA==' };
    const scan = { generation: '1' as Generation, scannedAt: createdAt };
    assert.ok(await records.judge(read, { ...stored, state: 'clean', content, scan }));
    const names = Array.from({ length: 10 }, (_, serial) => `org:${serial}${'x'.repeat(100)}`);
    const more = (round: number) => viewersNamed(...names.map((name) => `${name}${round}`));
    const sharing = { id: stored.id, ifMatch: undefined };
    const rounds = Array.from(
      { length: 8 },
      (_, round) => () => share(instance, { ...sharing, grant: more(round) }),
    );
    const answers: string[] = [];
    for (const round of rounds) answers.push(await problemOf(round()));
    assert.deepEqual(new Set(answers), new Set(['none', 'too-many-viewers']));
  });
});

describe('a grant with an end', () => {
  const fixture = new RecordsFixture();
  const principal = 'org:1' as Principal;
  const hour = (count: number) => new Date(Date.UTC(2099, 0, 1, count));
  const viewersAfter = async (id: FileId, ...grant: Viewer[]) =>
    (await share(fixture.instance(), { id, grant, ifMatch: undefined })).record.viewers;

  it('replaces the earlier one, in both directions, with none, and twice in one request by the last', async () => {
    const id = await fixture.clean();
    for (const until of [hour(2), hour(1), hour(3)])
      assert.deepEqual(await viewersAfter(id, { principal, until }), [{ principal, until }]);
    const twice = [
      { principal, until: hour(4) },
      { principal, until: hour(5) },
    ];
    assert.deepEqual(await viewersAfter(id, ...twice), [twice[1]]);
    assert.deepEqual(await viewersAfter(id, { principal }), [{ principal }]);
  });

  it('is written and announced once, however often it is asked for', async () => {
    const id = await fixture.clean();
    const published: EventMessage[] = [];
    const instance = {
      ...fixture.instance(),
      publish: async (event: EventMessage) => void published.push(event),
    };
    const sharing = { id, grant: [{ principal, until: hour(1) }], ifMatch: undefined };
    const first = await share(instance, sharing);
    assert.deepEqual((await share(instance, sharing)).object, first.object);
    await share(instance, { ...sharing, grant: [{ principal, until: hour(2) }] });
    await share(instance, { ...sharing, grant: [{ principal: OWNER }] });
    assert.deepEqual(
      published.map(({ attributes }) => attributes['sharedWith']),
      [principal],
    );
    await instance.background.ended();
  });

  it('is not announced where it was refused for want of room', async () => {
    const id = await fixture.clean();
    const many = viewersNamed(
      ...Array.from({ length: 80 }, (_, serial) => `org:${serial}${'x'.repeat(100)}`),
    );
    const publish = () => assert.fail('it was announced');
    const refused = share({ ...fixture.instance(), publish }, { id, grant: many, ifMatch: undefined });
    assert.equal(await problemOf(refused), 'too-many-viewers');
    // A longer end needs room as well.
    const most = viewersNamed(...Array.from({ length: 480 }, (_, serial) => `org:${serial + 1000000}`));
    await share(fixture.instance(), { id, grant: most, ifMatch: undefined });
    const ending = most.map((viewer) => ({ ...viewer, until: hour(1) }));
    const longer = share(fixture.instance(), { id, grant: ending, ifMatch: undefined });
    assert.equal(await problemOf(longer), 'too-many-viewers');
  });
});

describe('a grant and a revocation at once', () => {
  const fixture = new RecordsFixture();
  const [viewer] = viewersNamed('org:1');
  assert.ok(viewer);
  const { principal } = viewer;

  for (const [what, until] of [
    ['the same grant', undefined],
    ['one with an end', new Date(Date.UTC(2099, 0, 1))],
  ] as const) {
    it(`leave a viewer who finds the file, where ${what} is asked for in the same write`, async () => {
      const id = await fixture.clean();
      const instance = fixture.instance();
      await share(instance, { id, grant: [viewer], ifMatch: undefined });
      // While the first is written, the others wait.
      const granted = { ...viewer, ...(until && { until }) };
      const [first, ...others] = [
        { grant: viewersNamed('org:2') },
        { revoke: [principal] },
        { grant: [granted] },
      ].map((changes) => share(instance, { id, ifMatch: undefined, ...changes }));
      await Promise.all([first, ...others]);
      await instance.background.ended();
      const { viewers } = await fixture.read(id);
      assert.deepEqual(
        viewers.find((each) => each.principal === principal),
        granted,
      );
      assert.ok(await instance.shared.find(principal, id), 'no listing finds it');
    });
  }
});

describe('sharing on a version', () => {
  const fixture = new RecordsFixture();
  const [viewer, other] = [viewersNamed('org:1'), viewersNamed('org:2')];
  const principals = (viewers: readonly Viewer[]) => viewers.map(({ principal }) => principal);

  it('is done where it was written, the answer was lost, and somebody else wrote before the next try', async () => {
    const id = await fixture.clean();
    const instance = fixture.instance();
    const { records } = instance;
    const pause = async () => {
      WRITE_CLOCK.tick();
      await share(instance, { id, grant: other, ifMatch: undefined });
    };
    const retry = { ...FAST_RETRY, pause };
    const bucket = new Bucket(connectStorage(fixture.storage.url), 'permanent', { retry });
    const unlucky = new RecordWriter(new Records(bucket), FAST_RETRY);
    const effect = { kind: 'reset', when: 'after' } as const;
    for (const change of ['grant', 'revoke'] as const) {
      const read = (await records.get(id)) ?? assert.fail();
      fixture.storage.emulator.faults.add({ operation: 'objects.patch', nth: 1, effect });
      WRITE_CLOCK.tick();
      await share(
        { ...instance, writer: unlucky },
        {
          id,
          [change]: change === 'grant' ? viewer : principals(viewer),
          ifMatch: [versionTag(read.object)],
        },
      );
      fixture.storage.emulator.faults.clear();
      const sees = (await records.get(id))?.record.viewers.some(({ principal }) => principal === 'org:1');
      assert.equal(sees, change === 'grant');
      await share(instance, { id, revoke: principals(other), ifMatch: undefined });
    }
  });

  it('is refused where somebody else wrote before', async () => {
    const id = await fixture.clean();
    const instance = fixture.instance();
    const { records } = instance;
    const read = (await records.get(id)) ?? assert.fail();
    await share(instance, { id, grant: other, ifMatch: undefined });
    const stale = { id, grant: viewer, ifMatch: [versionTag(read.object)] as [string] };
    await assert.rejects(share(instance, stale), { type: 'precondition-failed' });
  });
});
