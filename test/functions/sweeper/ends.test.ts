import assert from 'node:assert/strict';
import { RecordWriter } from '../../../functions/files/record-writer.ts';
import { share } from '../../../functions/files/share.ts';
import { removeEnd, setEnd } from '../../../functions/files/withdraw.ts';
import type { Publish } from '../../../shared/events/cloud-event.ts';
import type { FileId } from '../../../shared/files/file-id.ts';
import { Records } from '../../../shared/files/records.ts';
import type { ResourceUri } from '../../../shared/files/references.ts';
import { sharedName, unannouncedSince } from '../../../shared/files/shared-files.ts';
import type { Principal } from '../../../shared/identity/principal.ts';
import { Background } from '../../../shared/runtime/background.ts';
import { FAST_RETRY } from '../../shared/storage/streams.ts';
import { namesOf } from '../../support/records.ts';
import { type Actor, CollectFixture, HOUR } from './collect-fixture.ts';
import { DAY, MINUTE, OWNER } from './fixture.ts';
import type { Hook, Operation } from './hooked-bucket.ts';

const VIEWER = 'org:1' as Principal;

class Crash extends Error {}

describe('ends and grants, swept', () => {
  const fixture = new CollectFixture();
  const at = (ms: number) => new Date(fixture.now + ms);
  const sharer = ({ collector }: Actor, publish?: Publish) => ({
    ...collector,
    writer: new RecordWriter(collector.records, FAST_RETRY),
    publish,
    background: new Background(collector.log),
  });
  /** Grants without an event: nobody can publish, or the process ends. */
  const grant = (id: FileId, until?: Date, actor = fixture.actor()) =>
    share(sharer(actor), { id, grant: [{ principal: VIEWER, ...(until && { until }) }], ifMatch: undefined });
  const deps = (actor = fixture.actor()) => ({ ...sharer(actor) });
  const end = (id: FileId, expiresAt: Date) => setEnd(deps(), id, expiresAt, undefined);
  const entry = (id: FileId) => fixture.sweeper.permanent.stat(sharedName(VIEWER, id));
  const told = (type: string) =>
    fixture.published.filter(({ attributes }) => attributes['eventType'] === type);
  const idsOf = (type: string) => new Set(told(type).map(({ attributes }) => attributes['ce-id']));

  /** Dies before its nth write or event, or right after it. @returns whether it came so far */
  function dying(nth: number, withLast: boolean): { hook: Hook; reached: () => boolean } {
    const steps: ReadonlySet<Operation> = new Set<Operation>(['insert', 'patch', 'delete', 'publish']);
    let count = 0;
    const hook: Hook = async (operation, _, run) => {
      if (count >= nth) throw new Crash();
      if (!steps.has(operation) || ++count < nth) return run();
      if (withLast) await run();
      throw new Crash();
    };
    return { hook, reached: () => count >= nth };
  }
  const publishing =
    (hook: Hook): Publish =>
    (event) =>
      hook('publish', 'event', () => fixture.sweeper.publish(event));

  it('say a day before that a file ends, once for each end, and again after a crash by the same id', async () => {
    const id = await fixture.clean('something');
    await end(id, at(3 * DAY));
    await fixture.run();
    fixture.now += 2 * DAY - MINUTE;
    await fixture.run();
    assert.equal(told('file.expiring.v1').length, 0);
    fixture.now += MINUTE;
    for (let sweeps = 0; sweeps < 2; sweeps++) await fixture.run();
    assert.equal(told('file.expiring.v1').length, 1);
    await end(id, at(DAY - HOUR));
    fixture.storage.emulator.faults.add({
      operation: 'objects.patch',
      namePrefix: 'files/',
      effect: { kind: 'error', status: 403 },
    });
    assert.deepEqual((await fixture.run()).records, { error: 1 });
    fixture.storage.emulator.faults.clear();
    assert.deepEqual((await fixture.run()).records, { expiring: 1 });
    assert.deepEqual([told('file.expiring.v1').length, idsOf('file.expiring.v1').size], [3, 2]);
    await removeEnd(deps(), id, undefined);
    assert.deepEqual((await fixture.run()).records, { unchanged: 1 });
  });

  it('say nothing of the end of a file that had less than a day from its upload on', async () => {
    const id = await fixture.clean('something');
    await end(id, at(DAY - MINUTE));
    assert.deepEqual((await fixture.run()).records, { unchanged: 1 });
    assert.equal(told('file.expiring.v1').length, 0);
  });

  it('delete a file at its end, with its content and its event, also after a crash at any step', async () => {
    for (const withLast of [false, true]) {
      for (let nth = 1, reached = true; reached; nth++) {
        await fixture.renew();
        const id = await fixture.clean('something');
        await end(id, at(2 * DAY));
        fixture.now += 2 * DAY;
        assert.equal(await fixture.state(id), 'deleted');
        const death = dying(nth, withLast);
        const { collector } = fixture.actor(death.hook);
        const publish = publishing(death.hook);
        await fixture
          .collect({ ...fixture.actor(), collector: { ...collector, publish } })
          .catch(() => undefined);
        reached = death.reached();
        for (let cycles = 0; cycles < 4; cycles++) {
          await fixture.collect();
          fixture.now += 2 * DAY;
        }
        assert.equal(idsOf('file.deleted.v1').size, 1);
        assert.deepEqual(await fixture.blobs(), []);
        fixture.now += 31 * DAY;
        await fixture.collect();
        assert.deepEqual(await fixture.names('files/'), []);
      }
    }
  });

  it('cannot be moved once the collection has seen that the end is reached', async () => {
    const id = await fixture.clean('something');
    const expiresAt = at(HOUR);
    await end(id, expiresAt);
    const before = new Date(fixture.now);
    // An instance whose clock is behind moves the end, right before the collection writes.
    fixture.now += 2 * HOUR;
    let outcome = '';
    const late: Hook = async (operation, name, run) => {
      if (operation === 'patch' && name === `files/${id}` && outcome === '') {
        outcome = 'moved';
        const { collector } = fixture.actor();
        const behind = new Records(collector.permanent, () => before);
        const writer = new RecordWriter(behind, FAST_RETRY);
        await setEnd({ ...collector, writer, now: () => before }, id, at(DAY), undefined);
      }
      return run();
    };
    const { records } = await fixture.collect(fixture.actor(late));
    assert.deepEqual([outcome, records], ['moved', { conflict: 1 }]);
    assert.equal(told('file.deleted.v1').length, 0);
    assert.equal(await fixture.state(id), 'clean');
  });

  it('leave bytes to a file whose end is moved at that moment, while it waits for its scan', async () => {
    const { record, object } = await fixture.upload('something', fixture.actor(), OWNER, {
      expiresAt: at(HOUR),
    });
    const { id } = record;
    const outcomes: unknown[] = [];
    let isOver = false;
    // Its owner's request has read the record before the end, and writes it after.
    const late = fixture.actor(async (operation, _, run) => {
      if (operation === 'patch' && !isOver) {
        isOver = true;
        fixture.now += HOUR + MINUTE;
        outcomes.push(await fixture.scan(object), (await fixture.run()).unscanned);
      }
      return run();
    });
    await setEnd(deps(late), id, at(3 * DAY), undefined);
    assert.deepEqual(outcomes, [{ kind: 'done' }, { ended: 1 }]);
    assert.deepEqual((await fixture.run()).unscanned, { redriven: 1 });
    await fixture.scan(object);
    assert.deepEqual([await fixture.state(id), await fixture.broken()], ['clean', []]);
  });

  it('delete the bytes of a file that ends while it waits for its scan', async () => {
    const expiresAt = at(HOUR);
    const { object } = await fixture.upload('something', fixture.actor(), OWNER, { expiresAt });
    fixture.now += 2 * HOUR;
    await fixture.scan(object);
    await fixture.collect();
    assert.equal(await fixture.sweeper.unscanned.stat(object.name), undefined);
    assert.equal(told('file.deleted.v1').length, 1);
  });

  it('keep a file with an end until then, however long nothing refers to it', async () => {
    const id = await fixture.clean('something');
    await end(id, at(30 * DAY));
    fixture.unreferencedAfterMs = DAY;
    fixture.now += 20 * DAY;
    await fixture.collect();
    assert.equal(await fixture.state(id), 'clean');
    await removeEnd(deps(), id, undefined);
    fixture.now += 2 * DAY;
    await fixture.collect();
    assert.equal(await fixture.state(id), 'deleted');
  });

  it('leave a reference alone that was never promised, and end the file', async () => {
    const id = await fixture.clean('something');
    await end(id, at(DAY));
    // Written by a process that died before it looked at the record.
    await fixture
      .actor()
      .collector.references.add(id, 'urn:1' as string as ResourceUri, { by: VIEWER, at: at(0) });
    await fixture.collect();
    assert.equal((await fixture.read(id)).record.referenced, undefined);
    fixture.now += DAY;
    await fixture.collect();
    assert.equal(await fixture.state(id), 'deleted');
  });

  it('drop grants that are over, and their entries, and keep the others', async () => {
    const id = await fixture.clean('something');
    await grant(id, at(HOUR));
    const others = [
      { principal: 'org:2' as Principal },
      { principal: 'org:3' as Principal, until: at(2 * HOUR) },
    ];
    await share(deps(), { id, grant: others, ifMatch: undefined });
    fixture.now += HOUR;
    assert.deepEqual((await fixture.run()).records, { grantsEnded: 1 });
    assert.deepEqual(namesOf((await fixture.read(id)).record), ['org:2', 'org:3']);
    assert.equal(await entry(id), undefined);
    assert.deepEqual((await fixture.run()).records, { unchanged: 1 });
    // None was announced: also the one that is over was a grant.
    const names = told('file.shared.v1').map(({ attributes }) => attributes['sharedWith']);
    assert.deepEqual(names.sort(), [VIEWER, 'org:2', 'org:3']);
  });

  it('give way to a grant that comes while they are dropped', async () => {
    const id = await fixture.clean('something');
    await grant(id, at(HOUR));
    fixture.now += HOUR;
    let granted = false;
    const late: Hook = async (operation, name, run) => {
      if (operation === 'patch' && name === `files/${id}` && !granted) {
        granted = true;
        await grant(id);
      }
      return run();
    };
    const { collector } = fixture.actor(late);
    assert.deepEqual((await fixture.run(collector)).records, { conflict: 1 });
    assert.ok(await entry(id));
    assert.deepEqual((await fixture.run()).records, { unchanged: 1 });
    assert.deepEqual(namesOf((await fixture.read(id)).record), [VIEWER]);
  });

  it('announce a grant after a crash at any step, by one id, and leave nothing where there is none', async () => {
    const outcomes = new Set<string>();
    for (const withLast of [false, true]) {
      for (let nth = 1, reached = true; reached; nth++) {
        await fixture.renew();
        const id = await fixture.clean('something');
        const death = dying(nth, withLast);
        const sharing = sharer(fixture.actor(death.hook), publishing(death.hook));
        const change = { id, grant: [{ principal: VIEWER }], ifMatch: undefined };
        await share(sharing, change).catch(() => undefined);
        await sharing.background.ended();
        reached = death.reached();
        fixture.now += 16 * MINUTE;
        for (let sweeps = 0; sweeps < 2; sweeps++) await fixture.run();
        const isGranted = namesOf((await fixture.read(id)).record).length === 1;
        assert.equal(idsOf('file.shared.v1').size, isGranted ? 1 : 0, `step ${nth}`);
        fixture.now += 2 * DAY;
        await fixture.run();
        const left = await entry(id);
        assert.equal(left && !unannouncedSince(left), isGranted ? true : undefined, `step ${nth}`);
        outcomes.add(isGranted ? 'granted' : 'not granted');
      }
    }
    assert.equal(outcomes.size, 2);
  });

  it('announce no grant that is younger than its request may take, or of a file that is gone', async () => {
    const id = await fixture.clean('something');
    await grant(id);
    assert.deepEqual((await fixture.run()).grants, { young: 1 });
    await fixture.remove(id);
    fixture.now += HOUR;
    assert.deepEqual((await fixture.run()).grants, { young: 1 });
    fixture.now += DAY;
    assert.deepEqual((await fixture.run()).grants, { dropped: 1 });
    assert.equal(told('file.shared.v1').length, 0);
    const { permanent } = fixture.sweeper;
    await permanent.insertEmpty('shared/x/y', { metadata: { grantedAt: at(0).toISOString() } });
    fixture.now += DAY;
    assert.deepEqual((await fixture.run()).grants, { foreign: 1 });
  });

  it('share one event between two requests that grant the same at once', async () => {
    const id = await fixture.clean('something');
    const first = sharer(fixture.actor(), fixture.sweeper.publish);
    let other: Promise<unknown> | undefined;
    const late: Hook = async (operation, name, run) => {
      if (operation === 'patch' && name === `files/${id}` && !other) {
        fixture.now += 5;
        other = share(first, { id, grant: [{ principal: VIEWER }], ifMatch: undefined });
        await other;
      }
      return run();
    };
    const change = { id, grant: [{ principal: VIEWER }], ifMatch: undefined };
    await share(sharer(fixture.actor(late), fixture.sweeper.publish), change);
    assert.equal(idsOf('file.shared.v1').size, 1);
  });

  it('stand where they cannot be published, and are published by the sweep', async () => {
    const id = await fixture.clean('something');
    const refusing: Publish = async () => {
      throw new Error('Pub/Sub does not answer');
    };
    const change = { id, grant: [{ principal: VIEWER }], ifMatch: undefined };
    const { record } = await share(sharer(fixture.actor(), refusing), change);
    assert.deepEqual(namesOf(record), [VIEWER]);
    fixture.now += HOUR;
    assert.deepEqual((await fixture.run({ publish: refusing })).grants, { error: 1 });
    assert.deepEqual((await fixture.run()).grants, { announced: 1 });
    assert.deepEqual((await fixture.run()).grants, { unchanged: 1 });
  });

  it('continue with the next sweep where the time is up', async () => {
    for (let files = 0; files < 3; files++) await grant(await fixture.clean(`something ${files}`));
    fixture.now += HOUR;
    for (let allowed = 1, complete = false; !complete; allowed++) {
      assert.ok(allowed < 100);
      let left = allowed;
      ({ grants: complete } = (await fixture.run({}, { stopping: () => --left < 0 })).complete);
    }
    assert.equal(idsOf('file.shared.v1').size, 3);
  });
});
