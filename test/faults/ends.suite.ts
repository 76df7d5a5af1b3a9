import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { parseFileId } from '../../shared/files/file-id.ts';
import { sharedName } from '../../shared/files/shared-files.ts';
import type { Principal } from '../../shared/identity/principal.ts';
import { eventually } from '../support/service.ts';
import { Rig } from './rig.ts';
import { clean } from './samples.ts';
import { type Call, EFFECTS } from './storage-faults.ts';
import { attempt, type Trial } from './trial.ts';

const READER = 'org:974652269' as Principal;

type Hold = (rig: Rig, id: string, when: 'before' | 'after') => Promise<void>;

const entryOf = (id: string) => sharedName(READER, parseFileId(id) ?? assert.fail());
const calling =
  (call: (id: string) => Call): Hold =>
  (rig, id, when) =>
    rig.fault({ ...call(id), effect: { kind: 'stall', when } });
const publishing: Hold = (rig, _, when) =>
  rig.pubsubFault({ kind: 'stall', method: 'Publish', times: 10, after: when === 'after' });

const about =
  (operation: Call['operation'], nameOf: (id: string) => string, others: { nth?: number } = {}) =>
  (id: string): Call => ({ operation, bucket: 'permanent', namePrefix: nameOf(id), ...others });
const record = (id: string) => `files/${id}`;

/** Calls of a grant, in their order. */
const GRANT_CALLS: Readonly<Record<string, (id: string) => Call>> = {
  'write the entry': about('objects.insert', entryOf),
  'write the record': about('objects.patch', record),
  'note that it is announced': about('objects.patch', entryOf),
};

/** Steps of the sweep about a file whose end is near, with a grant that is over. */
const SWEEP_STEPS: Readonly<Record<string, Hold>> = {
  publish: publishing,
  'write the record': calling(about('objects.patch', record)),
  'remove the entry': calling(about('objects.delete', entryOf)),
};

/** Steps of the collection about a file whose end is reached. */
const COLLECT_STEPS: Readonly<Record<string, Hold>> = {
  'write that it is deleted': calling(about('objects.patch', record, { nth: 1 })),
  publish: publishing,
  'write that it is announced': calling(about('objects.patch', record, { nth: 2 })),
};

const KINDS = new Set([
  '503',
  '500 although it took effect',
  'reset before',
  'reset although it took effect',
  '403',
]);

describe('grants and ends under faults', () => {
  const rig = new Rig();

  /** The status, or `cut`. */
  const grant = (id: string): Promise<number | 'cut'> =>
    rig.call('PUT', `/files/${id}/viewers/${READER}`).then(
      ({ status }) => status,
      () => 'cut' as const,
    );
  const idsOf = async (type: string, id: string) =>
    new Set(
      (await rig.events())
        .filter(({ attributes, data }) => attributes['eventType'] === type && data.fileId === id)
        .map(({ attributes }) => attributes['ce-id']),
    );
  const isGranted = async (id: string) =>
    (await rig.bucket('permanent').stat(record(id)))?.metadata['viewers'] === READER;
  async function sent(trial: Trial): Promise<string> {
    const [upload] = await trial.send(clean());
    assert.ok(upload?.id !== undefined);
    await rig.decided(upload.id);
    return upload.id;
  }

  /** A grant has one event, and its entry notes that; what is no grant has none. */
  async function announcedOnce(id: string): Promise<void> {
    const granted = await isGranted(id);
    if (granted) {
      await eventually(async () => {
        const entry = await rig.bucket('permanent').stat(entryOf(id));
        return entry !== undefined && entry.metadata['grantedAt'] === undefined;
      });
      await eventually(async () => (await idsOf('file.shared.v1', id)).size > 0);
    }
    assert.equal((await idsOf('file.shared.v1', id)).size, granted ? 1 : 0);
  }

  /** Kills a function at a step of `work`, and lets the next one start in a world without faults. */
  async function killed(
    trial: Trial,
    victim: 'files' | 'sweeper',
    hold: () => Promise<void>,
    work: () => Promise<unknown>,
  ): Promise<void> {
    await hold();
    const working = work();
    await trial.struck(1);
    const { restarted } = rig.kill(victim);
    await trial.clear();
    await restarted;
    await working;
  }

  const holds: Readonly<Record<string, Hold>> = {
    publish: publishing,
    ...Object.fromEntries(Object.entries(GRANT_CALLS).map(([what, call]) => [what, calling(call)])),
  };
  for (const [what, hold] of Object.entries(holds)) {
    for (const when of ['before', 'after'] as const) {
      for (const repeated of [false, true]) {
        const how = repeated ? 'and repeated' : 'and not repeated';
        it(`a files function killed ${when} "${what}" of a grant, ${how}: each grant has one event`, () =>
          attempt(rig, `files killed: grant: ${what}, ${when} it took effect, ${how}`, async (trial) => {
            const id = await sent(trial);
            await killed(
              trial,
              'files',
              () => hold(rig, id, when),
              () => grant(id),
            );
            if (repeated) await eventually(async () => (await grant(id)) === 204);
            await announcedOnce(id);
          }));
      }
    }
  }

  for (const [what, call] of Object.entries(GRANT_CALLS)) {
    it(`"${what}" of a grant fails in each way, for a file each: each grant has one event`, () =>
      attempt(rig, `grant: ${what}: ${[...KINDS].join(', ')}`, async (trial) => {
        const ways = EFFECTS.filter(([name]) => KINDS.has(name));
        assert.equal(ways.length, KINDS.size);
        const granting = ways.map(async ([, effect]) => {
          const id = await sent(trial);
          await rig.fault({ ...call(id), times: 3, effect });
          await eventually(async () => (await grant(id)) === 204);
          await announcedOnce(id);
        });
        await Promise.all(granting);
      }));
  }

  /** Writes ends into the record, as if time had passed. */
  async function age(id: string, change: Readonly<Record<string, string>>): Promise<void> {
    const permanent = rig.bucket('permanent');
    await eventually(async () => {
      const object = await permanent.stat(record(id));
      return object && permanent.patch(object.name, object, change);
    });
  }
  const call = (path: string) =>
    rig.sweeper(path).then(
      ({ ok }) => ok,
      () => false,
    );

  for (const [what, hold] of Object.entries(SWEEP_STEPS)) {
    for (const when of ['before', 'after'] as const) {
      it(`a sweeper killed ${when} "${what}" of ends: the next one does it, with one event`, () =>
        attempt(rig, `sweeper killed: ends: ${what}, ${when} it took effect`, async (trial) => {
          const id = await sent(trial);
          assert.equal(await grant(id), 204);
          await announcedOnce(id);
          const near = new Date(Date.now() + 3_600_000).toISOString();
          const createdAt = new Date(Date.now() - 2 * 86_400_000).toISOString();
          const ends = { createdAt, fileExpiresAt: near, viewers: `${READER};${Date.now() - 1}` };
          // It sweeps on schedule.
          await killed(
            trial,
            'sweeper',
            () => hold(rig, id, when),
            () => age(id, ends),
          );
          await eventually(async () => {
            const { metadata } = (await rig.bucket('permanent').stat(record(id))) ?? assert.fail();
            return metadata['viewers'] === undefined && metadata['expiringAnnounced'] === 'true';
          });
          assert.equal((await idsOf('file.expiring.v1', id)).size, 1);
        }));
    }
  }

  for (const [what, hold] of Object.entries(COLLECT_STEPS)) {
    for (const when of ['before', 'after'] as const) {
      it(`a sweeper killed ${when} "${what}" of a file that has ended: it ends once`, () =>
        attempt(
          rig,
          `sweeper killed: collection of an end: ${what}, ${when} it took effect`,
          async (trial) => {
            const { bytes } = clean();
            rig.cleanDigests.add(createHash('sha256').update(bytes).digest('hex'));
            // No upload of the trial: in the end the file is not handed out.
            const { id } = await rig.upload(bytes);
            await rig.decided(id);
            await age(id, { fileExpiresAt: new Date(Date.now() - 1).toISOString() });
            assert.equal((await rig.call('GET', `/files/${id}`)).status, 410);
            await killed(
              trial,
              'sweeper',
              () => hold(rig, id, when),
              () => call('/collect'),
            );
            await eventually(async () => {
              const { metadata } = (await rig.bucket('permanent').stat(record(id))) ?? assert.fail();
              return metadata['announced'] === 'true' || ((await call('/collect')) && false);
            });
            assert.equal((await idsOf('file.deleted.v1', id)).size, 1);
            assert.equal((await rig.call('GET', `/files/${id}`)).status, 410);
          },
        ));
    }
  }
});
