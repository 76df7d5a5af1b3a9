import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { SweepReport } from '../../functions/sweeper/sweep.ts';
import { EICAR, eventually, Service } from '../support/service.ts';

const NO_EVENT = { operation: 'notify', effect: { kind: 'error', status: 503 } } as const;

describe('limits of at-least-once delivery', () => {
  const service = new Service(
    { STUCK_AFTER_SECONDS: '2' },
    {
      adapt: (spec) =>
        spec.name === 'sweeper' ? { ...spec, env: { ...spec.env, MAX_REDRIVES: '1' } } : spec,
    },
  );
  before(async () => {
    const name = 'projects/fileshare-local/subscriptions/finalized-scanner';
    const deadLetterTopic = 'projects/fileshare-local/topics/finalized-dead';
    const deadLetterPolicy = { deadLetterTopic, maxDeliveryAttempts: 5 };
    const response = await fetch(`http://${service.platform.pubsubHost}/v1/${name}`, {
      method: 'PATCH',
      body: JSON.stringify({ subscription: { name, deadLetterPolicy }, updateMask: 'deadLetterPolicy' }),
    });
    assert.equal(response.status, 200, await response.text());
  });
  afterEach(() => service.clearFaults());

  async function post(path: string, body: unknown = {}): Promise<unknown> {
    const response = await service.sweeper(path, { body: JSON.stringify(body) });
    assert.equal(response.status, 200, path);
    return response.json();
  }
  /** Sweeps until one of them did this to an object of the unscanned bucket. */
  const sweepUntil = (outcome: keyof SweepReport['unscanned']) =>
    eventually(async () => ((await post('/sweep')) as SweepReport).unscanned[outcome]);
  const eventsOf = async (id: string) => (await service.events()).filter(({ data }) => data.fileId === id);
  const eventIdsOf = async (id: string) =>
    new Set((await eventsOf(id)).map(({ attributes }) => attributes['ce-id']));

  it('a file whose event never comes is sent to the scanner by the sweeper, and becomes clean', async () => {
    await service.fault(NO_EVENT);
    const { id } = await service.upload(randomBytes(1000));
    assert.equal(await sweepUntil('redriven'), 1);
    assert.equal((await service.decided(id)).state, 'clean');
    await eventually(async () => (await service.names('unscanned', id)).length === 0);
  });

  it('a recall that fails keeps no file from being swept, and the sweep says that it failed', async () => {
    await service.fault(NO_EVENT);
    await service.fault({
      operation: 'objects.get',
      namePrefix: 'sweeper/recall',
      effect: { kind: 'error', status: 400 },
    });
    const { id } = await service.upload(randomBytes(1000));
    await eventually(async () => {
      assert.equal((await service.sweeper('/sweep', { body: '{}' })).status, 500);
      // One more sweep could give a file up whose scan takes long.
      return service.bucket('permanent').stat(`verdicts/${id}`);
    });
    assert.equal((await service.decided(id)).state, 'clean');
  });

  it('a file that is swept while it is scanned is scanned to the same end, and said once', async () => {
    await service.fault({ operation: 'objects.getMedia', times: 1, effect: { kind: 'delay', ms: 120_000 } });
    const { id } = await service.upload(randomBytes(1000));
    assert.equal(await sweepUntil('redriven'), 1);
    await service.clearFaults();
    assert.equal((await service.decided(id)).state, 'clean');
    await eventually(async () => (await service.names('unscanned', id)).length === 0);
    assert.equal((await eventIdsOf(id)).size, 1);
  });

  it('a finding is released by an operator alone, with a reason, and the audit log says who did', async () => {
    // The finding is a moment old.
    service.contends();
    const { sha256 } = await service.decided((await service.upload(EICAR)).id);
    const body = JSON.stringify({ sha256, reason: 'a test' });
    assert.equal((await service.sweeper('/release', { as: 'schedule', body })).status, 403);
    for (const wrong of [{ sha256 }, { sha256, reason: ' ' }, { sha256: 'a', reason: 'b' }]) {
      assert.equal((await service.sweeper('/release', { body: JSON.stringify(wrong) })).status, 400);
    }
    const finding = async () =>
      (await service.bucket('permanent').stat(`findings/sha256/${sha256}`))?.metadata;
    assert.equal((await finding())?.['releasedAt'], undefined);
    assert.deepEqual(await post('/release', { sha256, reason: 'a test' }), { released: 1 });
    assert.equal((await finding())?.['releasedReason'], 'a test');
    const by = (await finding())?.['releasedBy'] ?? '';
    assert.match(by, /^fileshare-operator@/);
    assert.deepEqual(await post('/release', { sha256, reason: 'a test' }), { released: 0 });
    const file = join(service.platform.status().data, 'logs', 'sweeper.log');
    const lines = () => readFileSync(file, 'utf8').split('\n');
    const log = await eventually(async () => lines().find((line) => line.includes('finding released')));
    for (const part of [by, String(sha256)]) assert.ok(log.includes(part), part);
    const { id } = await service.upload(EICAR);
    assert.equal((await service.decided(id)).state, 'clean', 'ClamAV still finds it, and it is allowed');
    assert.ok((await finding())?.['releasedAt']);
  });

  it('bytes that a crash left behind a verdict are cleaned away', async () => {
    const bytes = randomBytes(1000);
    const { id } = await service.upload(bytes);
    await service.decided(id);
    await eventually(async () => (await service.names('unscanned', id)).length === 0);
    await service.fault(NO_EVENT);
    const unscanned = service.bucket('unscanned');
    await (await unscanned.stage(id, Readable.from([bytes]), { contentType: 'text/plain' })).commit();
    assert.equal(await sweepUntil('concluded'), 1);
    assert.deepEqual(await service.names('unscanned', id), []);
    assert.equal((await eventIdsOf(id)).size, 1);
  });

  it('a file that fails for ever has failed, an event says so, its bytes are kept, and a redrive makes it clean', async () => {
    await service.fault(NO_EVENT);
    const { id } = await service.upload(randomBytes(1000));
    // Its bytes arrive changed each time: a fault of the file, not of the service.
    const changed = { operation: 'objects.getMedia', effect: { kind: 'corrupt' } } as const;
    await service.fault({ ...changed, namePrefix: id });
    assert.equal(await sweepUntil('redriven'), 1);
    const handle = await service.decided(id);
    assert.deepEqual([handle.state, handle.reason], ['failed', 'gaveUp']);
    const [event] = await eventually(async () => {
      const events = await eventsOf(id);
      return events.length > 0 && events;
    });
    assert.equal(event?.attributes['ce-type'], 'no.nav.hops.fileshare.scan.failed.v1');
    assert.deepEqual([event?.data.verdict, event?.data['reason']], ['failed', 'gaveUp']);
    assert.deepEqual(await service.names('unscanned'), [id]);
    assert.equal((await service.call('GET', `/files/${id}`)).status, 410);

    await service.clearFaults();
    assert.deepEqual(await post('/redrive', { fileId: id }), { redriven: 1 });
    assert.equal((await service.decided(id)).state, 'clean');
    assert.deepEqual(await post('/redrive', { fileId: id }), { notFailed: 1 });
    await eventually(async () => (await service.names('unscanned')).length === 0);
  });

  for (const [method, path, body, status] of [
    ['GET', '/sweep', undefined, 405],
    ['POST', '/', '{}', 404],
    ['POST', '/redrive', '{"fileId": 1}', 400],
    ['POST', '/redrive', '{"state": "clean"}', 400],
    ['POST', '/redrive', undefined, 400],
    ['POST', '/redrive', '{"fileId": ', 400],
    ['POST', '/redrive', JSON.stringify({ fileId: 'a'.repeat(1_048_576) }), 400],
    ['POST', '/dead-letters', '{"message": {"data": "e30="}}', 204],
    ['POST', '/dead-letters', '[]', 204],
    ['POST', '/dead-letters', '{"message', 204],
  ] as const) {
    it(`${method} ${path} ${body?.slice(0, 80) ?? ''} is answered with ${status}`, async () => {
      const as = path === '/dead-letters' ? 'push' : 'operator';
      const response = await service.sweeper(path, { as, method, ...(body && { body }) });
      assert.equal(response.status, status);
      const type = status < 400 ? null : 'application/problem+json';
      assert.equal(response.headers.get('content-type'), type);
    });
  }

  for (const [as, path] of [
    ['push', '/sweep'],
    ['push', '/collect'],
    ['push', '/redrive'],
    ['schedule', '/redrive'],
    ['schedule', '/dead-letters'],
    ['operator', '/dead-letters'],
  ] as const) {
    it(`${path} is not for the account ${as}`, async () => {
      assert.equal((await service.sweeper(path, { as, body: '{}' })).status, 403);
    });
  }

  it('refuses a caller without a token', async () => {
    assert.equal((await fetch(`${service.platform.sweeperUrl}/sweep`, { method: 'POST' })).status, 403);
  });

  it('nothing but the sweeper itself leads to its duties', async () => {
    for (const path of ['/sweep', '/redrive', '/dead-letters']) {
      assert.equal((await service.call('POST', path, { body: '{}' })).status, 404);
    }
  });
});

describe('the schedule of the local platform', () => {
  const service = new Service({ STUCK_AFTER_SECONDS: '5', SWEEP_INTERVAL_SECONDS: '1' });

  it('sweeps on schedule', async () => {
    await service.fault(NO_EVENT);
    const { id } = await service.upload(randomBytes(1000));
    assert.equal((await service.decided(id)).state, 'clean');
  });
});
