import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { addSignature } from '../support/new-signature.ts';
import { eventually, OWNER, Service } from '../support/service.ts';

const READER = 'org:123456785';
const DAY = 86_400_000;

describe('signatures that come after the malware', () => {
  const service = new Service();
  const { sweeper, bucket } = {
    sweeper: service.sweeper.bind(service),
    bucket: service.bucket.bind(service),
  };

  const blobOf = async (sha256: string) =>
    (await bucket('permanent').stat(`blobs/sha256/${sha256}`)) ?? assert.fail('the blob is gone');
  /** Makes a content two days older. */
  async function age(sha256: string): Promise<void> {
    const at = new Date(Date.now() - 2 * DAY).toISOString();
    const blob = await blobOf(sha256);
    assert.ok(await bucket('permanent').patch(blob.name, blob, { cleanSince: at, scannedAt: at }));
  }
  async function asked(path: string, body: object): Promise<Record<string, unknown>> {
    const response = await sweeper(path, { body: JSON.stringify(body) });
    const text = await response.text();
    assert.equal(response.status, 200, text);
    return JSON.parse(text) as Record<string, unknown>;
  }
  async function walk(): Promise<Record<string, number>> {
    const response = await sweeper('/rescan');
    assert.equal(response.status, 200);
    const { blobs } = (await response.json()) as { blobs: Record<string, number> };
    return blobs;
  }

  it('turn a clean file away within one walk', async () => {
    const bytes = randomBytes(2_000);
    const { id } = await service.upload(bytes);
    const { sha256 = '', state } = await service.decided(id);
    assert.equal(state, 'clean');
    const other = await service.decided((await service.upload(randomBytes(2_000))).id);
    assert.equal((await service.call('GET', `/files/${id}`)).status, 200);
    assert.equal((await service.call('PUT', `/files/${id}/viewers/${READER}`)).status, 204);
    assert.equal((await service.call('GET', `/files/${id}`, { as: READER })).status, 200);
    for (const digest of [sha256, other.sha256 ?? '']) await age(digest);

    await addSignature(service, bytes, 'Late.Signature');
    assert.deepEqual(await walk(), { requested: 2 });

    const refused = await eventually(async () => {
      const response = await service.call('GET', `/files/${id}`);
      return response.status !== 200 && response;
    });
    assert.equal(refused.status, 410);
    const problem = (await refused.json()) as { type: string; signature: string };
    assert.match(problem.type, /file-infected$/);
    assert.equal(problem.signature, 'Late.Signature.UNOFFICIAL');
    const event = await eventually(async () =>
      (await service.events()).find(({ attributes }) => attributes['eventType'] === 'verdict.changed.v1'),
    );
    assert.equal(event.attributes['ce-subject'], sha256);
    await eventually(async () => (await blobOf(sha256)).metadata['rescannedAt']);

    await eventually(async () => {
      assert.ok((await sweeper('/sweep')).ok);
      return (await service.status(id)).state === 'infected';
    });
    assert.equal((await service.status(id)).signature, 'Late.Signature.UNOFFICIAL');
    const recalled = await eventually(async () =>
      (await service.events()).find(({ attributes }) => attributes['eventType'] === 'file.recalled.v1'),
    );
    assert.equal(recalled.attributes['ce-subject'], id);
    assert.equal(recalled.attributes['owner'], OWNER);
    const readers = recalled.data['receipts'] as readonly { principal: string }[];
    assert.deepEqual(readers.map(({ principal }) => principal).sort(), [OWNER, READER].sort());
    const listed = await service.call('GET', `/files/${id}/receipts`);
    assert.deepEqual(await listed.json(), { receipts: readers });
    const kept = (await bucket('quarantine').stat(`sha256/${sha256}`)) ?? assert.fail('not in quarantine');
    assert.equal(kept.size, bytes.length);
    await eventually(async () => (await service.names('permanent', 'recalls/')).length === 0);

    const isScanned = async () => {
      const { scannedAt = '' } = (await blobOf(other.sha256 ?? '')).metadata;
      return Date.now() - Date.parse(scannedAt) < DAY;
    };
    await eventually(isScanned);
    assert.equal((await service.call('GET', `/files/${other.id}`)).status, 200);
    assert.deepEqual(await walk(), { young: 2 });
  });

  it('are asked for each order, also where an older request for the content arrives at the same time', async () => {
    const { sha256 = '' } = await service.decided((await service.upload(randomBytes(2_000))).id);
    const { name, generation } = await blobOf(sha256);
    const send = (dueAt: Date) => {
      const data = Buffer.from(JSON.stringify({ name, generation, dueAt })).toString('base64');
      return fetch(service.platform.functionUrl('rescanner'), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ message: { messageId: '1', attributes: {}, data }, subscription: 'rescan' }),
      });
    };
    const ordered = new Date();
    const [older, newer] = await Promise.all([send(new Date(0)), send(ordered)]);
    assert.equal(older.status, 204);
    if (newer.status !== 204) {
      assert.equal(newer.status, 503);
      await eventually(async () => (await send(ordered)).status === 204);
    }
    assert.ok(Date.parse((await blobOf(sha256)).metadata['scannedAt'] ?? '') >= ordered.getTime());
  });

  it('have what one version of them found clean scanned again, on order', async () => {
    const { sha256 = '' } = await service.decided((await service.upload(randomBytes(2_000))).id);
    const at = new Date(Date.now() - 1000).toISOString();
    const { generation } = await blobOf(sha256);
    assert.ok(
      await bucket('permanent').patch(`blobs/sha256/${sha256}`, await blobOf(sha256), {
        database: '27654',
        cleanSince: at,
        scannedAt: at,
      }),
    );
    const order = { job: 'roll-back', database: 27654 };
    const estimate = await asked('/rescans', { ...order, dryRun: true });
    assert.deepEqual((estimate['estimate'] as { files: number }).files, 1);
    assert.equal((await asked('/rescans', order))['state'], 'waiting');
    const first = await asked('/rescans', order);
    const response = await sweeper('/rescan');
    assert.equal(response.status, 200);
    const { jobs } = (await response.json()) as { jobs: Record<string, number> };
    assert.deepEqual(jobs, { requested: 1, errors: 0, open: 0 });
    await eventually(async () => {
      const blob = await blobOf(sha256);
      assert.equal(blob.generation, generation);
      return blob.metadata['database'] !== '27654';
    });
    const listed = await sweeper('/rescans', { method: 'GET' });
    const { items } = (await listed.json()) as { items: Record<string, unknown>[] };
    const [done] = items;
    assert.deepEqual(items.length, 1);
    assert.deepEqual(
      [done?.['job'], done?.['state'], done?.['at'], done?.['requested'], done?.['share']],
      ['roll-back', 'completed', first['at'], { files: 1, bytes: 2_000 }, 1],
    );
    assert.deepEqual(await asked('/rescans/cancel', { job: 'roll-back' }), done, 'it is over');
  });

  it('have what an operator orders scanned again, while the operator wants it', async () => {
    const order = { job: 'all', everything: true };
    assert.equal((await asked('/rescans', order))['state'], 'waiting');
    assert.equal((await asked('/rescans/pause', { job: 'all' }))['state'], 'paused');
    assert.equal((await asked('/rescans/pause', { job: 'all' }))['state'], 'paused');
    assert.equal((await asked('/rescans/resume', { job: 'all' }))['state'], 'waiting');
    assert.equal((await asked('/rescans/cancel', { job: 'all' }))['state'], 'cancelled');
    for (const [method, path, body, status] of [
      ['POST', '/rescans/resume', { job: 'all' }, 400],
      ['POST', '/rescans', { ...order, everything: undefined, prefix: 'ab' }, 400],
      ['POST', '/rescans', { job: 'other' }, 400],
      ['POST', '/rescans/pause', { job: 'none' }, 404],
      ['POST', '/rescans/pause', {}, 400],
      ['GET', '/rescans?job=none', undefined, 404],
      ['GET', '/rescans?job=../all', undefined, 404],
      ['PUT', '/rescans', order, 405],
      ['GET', '/rescans/pause', undefined, 405],
    ] as const) {
      const response = await sweeper(path, {
        method,
        as: 'operator',
        ...(body && { body: JSON.stringify(body) }),
      });
      assert.equal(response.status, status, `${method} ${path}`);
    }
    const asMachine = await sweeper('/rescans', { as: 'schedule', body: JSON.stringify(order) });
    assert.equal(asMachine.status, 403);
  });

  it('turn a clean file away when its owner asks for a scan', async () => {
    const bytes = randomBytes(2_000);
    const undecided = await service.upload(randomBytes(2_000));
    const early = await service.call('POST', `/files/${undecided.id}/rescan`);
    assert.ok([202, 409].includes(early.status));
    const { id } = await service.upload(bytes);
    const rescan = (as?: string) =>
      service.call('POST', `/files/${id}/rescan`, as === undefined ? {} : { as });
    await service.decided(id);
    assert.equal((await rescan('org:1')).status, 404);
    await addSignature(service, bytes, 'Asked.Signature');
    const asked = await rescan();
    assert.equal(asked.status, 202);
    assert.equal(((await asked.json()) as { state: string }).state, 'clean');
    await eventually(async () => (await service.call('GET', `/files/${id}`)).status === 410);
    assert.equal((await rescan()).status, 410);
  });
});
