import assert from 'node:assert/strict';
import { cloudEvent, FORMS, post, type Resource, resources } from './events.ts';
import { Rig } from './rig.ts';
import { clean, infected, type Sample, unscannable } from './samples.ts';
import { attempt, type Trial } from './trial.ts';

/** Longer than any trial: the emulator's own deliveries stay away until faults are cleared. */
const LOST = { operation: 'notify', effect: { kind: 'error', status: 503 } } as const;

describe('notifications', () => {
  const rig = new Rig();

  for (const [how, effect] of [
    ['twice', { kind: 'duplicate' }],
    ['late', { kind: 'delay', ms: 700 }],
    ['again although acknowledged', { kind: 'error', status: 500, when: 'after' }],
    ['again after a reset', { kind: 'reset', when: 'after' }],
    ['not at first', { kind: 'reset', when: 'before' }],
  ] as const) {
    it(`that come ${how} change nothing`, () =>
      attempt(rig, `notification: ${how}`, async (trial) => {
        await rig.fault({ operation: 'notify', times: 9, effect });
        await trial.send(clean(), infected(), unscannable());
        await trial.struck(3);
      }));
  }

  it('that are lost for a while are made up for', () =>
    attempt(rig, 'notification: lost for a while', async (trial) => {
      await rig.fault(LOST);
      await trial.send(clean(), infected(), unscannable());
      await trial.struck(9);
    }));

  for (const [form, request] of FORMS) {
    it(`of one file, as ${form}, fifty at the same time: one scan, one outcome`, () =>
      attempt(rig, `50 deliveries at once: ${form}`, async (trial) => {
        for (const sample of [clean(), infected()]) {
          const [resource] = await waiting(trial, [sample]);
          await rig.resetOperations();
          const answers = await Promise.all(
            Array.from({ length: 50 }, () => post(rig, request(resource as Resource))),
          );
          trial.injected(50);
          assert.deepEqual(new Set(answers), new Set([204]));
          const { operations } = await rig.operations();
          // A delivery that comes late may read the bytes once more, and nobody looks at them.
          assert.ok((operations['objects.rewrite']?.calls ?? 0) <= 1, 'settled more than once');
        }
      }));

    it(`as ${form}, for a generation that is not there: the file is not touched`, () =>
      attempt(rig, `event of another generation: ${form}`, async (trial) => {
        const [resource] = await waiting(trial, [clean()]);
        for (const generation of [
          '1',
          '9007199254740991',
          `${BigInt(String(resource?.['generation'])) - 1n}`,
        ]) {
          await post(rig, request({ ...(resource as Resource), generation }));
          trial.injected(1);
        }
      }));

    it(`as ${form}, after the file is done: acknowledged, and nothing comes back to life`, () =>
      attempt(rig, `event after the end: ${form}`, async (trial) => {
        const found = await waiting(trial, [clean(), infected(), unscannable()]);
        await trial.clear();
        for (const { id } of trial.uploads) if (id) await rig.decided(id);
        for (const resource of found) {
          assert.equal(await post(rig, request(resource)), 204);
          trial.injected(1);
        }
      }));
  }

  it('of nonsense are answered, and change nothing', () =>
    attempt(rig, 'garbage for an event', async (trial) => {
      const [resource] = await waiting(trial, [clean()]);
      const whole = cloudEvent(resource as Resource);
      const json = { 'content-type': 'application/json' };
      const requests = [
        { headers: json, body: '{}' },
        { headers: json, body: '[]' },
        { headers: json, body: 'null' },
        { headers: json, body: '{"message":{"attributes":{"eventType":"OBJECT_FINALIZE"},"data":"!"}}' },
        { headers: json, body: '{"message":{"attributes":{"eventType":"OBJECT_DELETE"}}}' },
        { headers: { 'content-type': 'application/octet-stream' }, body: '\u0000' },
        { ...whole, headers: { ...whole.headers, 'ce-type': 'google.cloud.storage.object.v1.deleted' } },
        ...['name', 'bucket', 'generation', 'metageneration', 'size'].map((member) =>
          cloudEvent({ ...(resource as Resource), [member]: '../..' }),
        ),
        cloudEvent({ ...(resource as Resource), bucket: 'permanent' }),
        cloudEvent({ ...(resource as Resource), name: 'not-a-file-id' }),
      ];
      for (const request of requests) {
        const status = await post(rig, request);
        trial.injected(1);
        trial.note(`answered ${status}`);
      }
    }));

  it('that belie their object decide nothing about it', () =>
    attempt(rig, 'event that belies its object', async (trial) => {
      for (const lie of [{ crc32c: 'AAAAAA==' }, { size: '1' }, { size: '0', crc32c: 'AAAAAA==' }]) {
        const [resource] = await waiting(trial, [clean()]);
        const answer = await post(rig, cloudEvent({ ...(resource as Resource), ...lie }));
        trial.injected(1);
        trial.note(`answered ${answer}`);
      }
    }));

  it('of an object that nobody recorded come again while it is young, and are acknowledged once it is not', () =>
    attempt(rig, 'event without a record', async (trial) => {
      const [resource] = await waiting(trial, [clean()]);
      const last = resource?.name.endsWith('0') ? '1' : '0';
      const name = `${resource?.name.slice(0, -1)}${last}`;
      const unrecorded = { ...(resource as Resource), name };
      assert.equal(await post(rig, cloudEvent(unrecorded)), 503);
      const timeCreated = new Date(Date.now() - 600_000).toISOString();
      assert.equal(await post(rig, cloudEvent({ ...unrecorded, timeCreated })), 204);
      trial.injected(2);
    }));

  /** Uploads while notifications are held back. */
  async function waiting(trial: Trial, samples: readonly Sample[]): Promise<Resource[]> {
    await rig.fault(LOST);
    const sent = await trial.send(...samples);
    return resources(
      rig,
      sent.map(({ id }) => id),
    );
  }
});
