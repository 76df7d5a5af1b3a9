import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventMessage } from '../../shared/events/cloud-event.ts';
import { notificationOf } from '../../shared/events/finalized.ts';
import { named } from '../support/deployments.ts';
import { eventually, OWNER, Service } from '../support/service.ts';

const NO_EVENT = { operation: 'notify', effect: { kind: 'error', status: 503 } } as const;
const SERVICE_ACCOUNTS = 'iam-secret';

describe('a second deployment on the buckets of another', () => {
  const first = new Service({}, { adapt: named('first') });
  const folder = mkdtempSync(join(tmpdir(), 'fileshare-second-'));
  const second = new Service(
    () => {
      // The same project: the storage of the first knows its service accounts.
      copyFileSync(join(first.platform.status().data, SERVICE_ACCOUNTS), join(folder, SERVICE_ACCOUNTS));
      return { DATA: folder, STORAGE_EMULATOR_HOST: first.platform.storageUrl };
    },
    { adapt: named('second') },
  );
  after(() => rmSync(folder, { recursive: true, force: true }));

  before(async () => {
    // Its storage is gone before it is asked what it was told twice.
    second.contends();
    assert.equal((await first.sweeper('/sweep')).status, 200);
  });

  /** Cloud Storage tells both of an object; the emulator tells the first alone. */
  async function deliver(service: Service, id: string): Promise<number> {
    const object = await eventually(() => first.bucket('unscanned').stat(id));
    return push(service.platform.scannerUrl, notificationOf(object, new Date()));
  }
  async function push(url: string, { data, attributes }: Omit<EventMessage, 'orderingKey'>): Promise<number> {
    const message = { data: data.toString('base64'), attributes, messageId: '1' };
    const body = JSON.stringify({ message, subscription: 'projects/p/subscriptions/s' });
    return (await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body }))
      .status;
  }
  /** The answer to a message that is acknowledged by those who own the buckets, because it is none for them. */
  const pushNothing = (service: Service, name: 'scanner' | 'rescanner') =>
    push(service.platform.functionUrl(name), { data: Buffer.from('{}'), attributes: {} });
  const adopt = (service: Service, from: string) =>
    service.sweeper('/deployment/adopt', { body: JSON.stringify({ from }) });
  const problemOf = async (response: Response) => {
    const { type, detail } = (await response.json()) as { type: string; detail?: string };
    return [response.status, type.split('/').at(-1), detail];
  };
  const eventsOf = async (service: Service, id: string) =>
    (await service.events()).filter(({ data }) => data.fileId === id).length;

  /** The service that owns the buckets works, and the other refuses. */
  function works(
    owner: Service,
    other: Service,
    names: { readonly owner: string; readonly other: string },
  ): void {
    it(`has each call of the sweeper of ${names.other} refused, with the name of the owner`, async () => {
      for (const path of ['/sweep', '/collect', '/rescan', '/redrive', '/intake/pause']) {
        const [status, type, detail] = await problemOf(await other.sweeper(path));
        assert.deepEqual([status, type], [503, 'wrong-deployment']);
        assert.match(String(detail), new RegExp(`belong to ${names.owner}, .* --from ${names.owner}$`));
      }
      const letter = await other.sweeper('/dead-letters', { as: 'push', body: '{}' });
      assert.equal(letter.status, 503);
    });

    it(`has ${names.other} take no upload, and tell nobody whose the buckets are`, async () => {
      await eventually(async () => (await other.call('POST', '/files', { body: 'x' })).status === 503);
      const [status, type, detail] = await problemOf(await other.call('POST', '/files', { body: 'x' }));
      assert.deepEqual([status, type, detail], [503, 'wrong-deployment', undefined]);
    });

    it(`has scanner and rescanner of ${names.other} refuse their messages, and ${names.owner} scan`, async () => {
      for (const name of ['scanner', 'rescanner'] as const) {
        await eventually(async () => (await pushNothing(other, name)) === 503);
        await eventually(async () => (await pushNothing(owner, name)) === 204);
      }
      await eventually(async () => (await owner.call('POST', '/files', { body: 'x' })).status === 202);
      await first.fault(NO_EVENT);
      const { id } = await owner.upload(randomBytes(1_000));
      assert.equal(await deliver(other, id), 503);
      assert.equal((await owner.status(id)).state, 'pending');
      assert.deepEqual(await first.names('permanent', `verdicts/${id}`), []);
      assert.equal(await deliver(owner, id), 204);
      assert.equal((await owner.decided(id)).state, 'clean');
      await first.clearFaults();
      assert.equal(await eventually(async () => (await eventsOf(owner, id)) || undefined), 1);
      assert.equal(await eventsOf(other, id), 0);
      // Readers get the file by either.
      assert.equal((await other.call('GET', `/files/${id}`, { as: OWNER })).status, 200);
    });

    it(`has the sweeper of ${names.owner} work`, async () => {
      assert.equal((await owner.sweeper('/sweep')).status, 200);
      const intake = await owner.sweeper('/intake', { method: 'GET' });
      const { deployment } = (await intake.json()) as { deployment: { name: string } };
      assert.equal(deployment.name, names.owner);
    });
  }

  describe('that it does not own', () => {
    works(first, second, { owner: 'first', other: 'second' });

    it('is not let take them over from another than their owner', async () => {
      const [status, type, detail] = await problemOf(await adopt(second, 'third'));
      assert.deepEqual(
        [status, type, detail],
        [400, 'invalid-request', 'The buckets belong to first, not to third.'],
      );
    });
  });

  describe('that it has taken over', () => {
    before(async () => {
      await eventually(async () => (await adopt(second, 'first')).status === 200);
    });

    it('says so again where it is asked to again, and writes nothing', async () => {
      const before = await first.bucket('permanent').stat('deployment/state');
      assert.equal((await adopt(second, 'first')).status, 200);
      assert.deepEqual(await first.bucket('permanent').stat('deployment/state'), before);
      assert.match(before?.metadata['claimedBy'] ?? '', /operator@/);
    });

    works(second, first, { owner: 'second', other: 'first' });
  });
});
