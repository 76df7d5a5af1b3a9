import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import type { CollectReport } from '../../functions/sweeper/collect.ts';
import { parseFileId } from '../../shared/files/file-id.ts';
import { Records } from '../../shared/files/records.ts';
import { References } from '../../shared/files/references.ts';
import { withdraw } from '../../shared/files/withdraw.ts';
import { overHosts } from '../support/over-hosts.ts';
import { eventually, Service } from '../support/service.ts';

const LONG_AGO = '2020-01-01T00:00:00.000Z';

overHosts('what nobody needs any more', (hosts) => {
  const service = new Service({
    HOSTS: hosts,
    COLLECT_UNREFERENCED_AFTER_SECONDS: '86400',
    DEDUPLICATE: 'owner',
  });

  async function collect(): Promise<CollectReport> {
    const response = await service.sweeper('/collect');
    assert.equal(response.status, 200);
    return (await response.json()) as CollectReport;
  }

  async function backdate(name: string, fields: readonly string[]): Promise<void> {
    const permanent = service.bucket('permanent');
    const object = await permanent.stat(name);
    assert.ok(object, name);
    await permanent.patch(name, object, Object.fromEntries(fields.map((field) => [field, LONG_AGO])));
  }

  it('is collected by POST /collect: a file that nothing refers to, then its blob; what is referred to stays', async () => {
    const files = [randomBytes(100), randomBytes(100)];
    const [unused, used] = await Promise.all(files.map((bytes) => service.upload(bytes)));
    assert.ok(unused && used);
    for (const { id } of [unused, used]) {
      assert.equal((await service.decided(id)).state, 'clean');
      await eventually(async () => (await service.names('unscanned', id)).length === 0);
      await backdate(`files/${id}`, ['createdAt', 'scannedAt', 'unreferencedSince']);
    }
    const metadata = { uri: 'urn:uuid:1', addedAt: LONG_AGO };
    const reference = { contentType: 'application/x-empty', metadata };
    await service.bucket('permanent').insertEmpty(`references/${used.id}/1`, reference);
    for (const name of await service.names('permanent', 'blobs/')) await backdate(name, ['usedAt']);

    const first = await collect();
    assert.deepEqual(first.records, { collected: 1, referenced: 1 });
    assert.equal((await service.call('GET', `/files/${unused.id}`)).status, 410);
    const event = await eventually(async () =>
      (await service.events()).find(({ data }) => data.fileId === unused.id && data.verdict === 'deleted'),
    );
    assert.equal(event.attributes['ce-type'], 'no.nav.hops.fileshare.file.deleted.v1');

    const second = await collect();
    assert.deepEqual([second.candidates, second.blobs], [{ claimed: 1 }, { deleted: 1 }]);
    assert.equal((await service.names('permanent', 'blobs/')).length, 1);
    const download = await service.call('GET', `/files/${used.id}`);
    const digest = createHash('sha256').update(Buffer.from(await download.arrayBuffer()));
    assert.equal(digest.digest('hex'), used.sha256);
  });

  it('is not what another owner has stored too, where contents are shared by one owner alone', async () => {
    const bytes = randomBytes(100);
    const mine = await service.upload(bytes);
    await service.decided(mine.id);
    await service.resetOperations();
    const response = await service.call('POST', '/files', {
      as: 'org:123456789',
      body: bytes,
      headers: { prefer: 'wait=30' },
    });
    assert.equal(response.status, 201);
    const { operations } = await service.operations();
    assert.equal(operations['objects.getMedia']?.calls, 1, 'scanned for this owner too');
    assert.equal(
      (await service.names('permanent', 'blobs/')).filter((name) => name.endsWith(mine.sha256 ?? '')).length,
      2,
    );
  });

  it('leaves a trace that GET answers with 410, and no other', async () => {
    const { id } = await service.upload(randomBytes(10));
    await service.decided(id);
    const permanent = service.bucket('permanent');
    const records = new Records(permanent);
    const fileId = parseFileId(id);
    const read = fileId && (await records.get(fileId));
    assert.ok(read);
    assert.ok(
      typeof (await withdraw(
        { references: new References(permanent), records, now: () => new Date() },
        read,
      )) === 'object',
    );
    assert.equal((await service.call('GET', `/files/${id}`)).status, 410);
    assert.equal((await service.status(id)).state, 'deleted');
  });

  it('is asked for with POST alone', async () => {
    assert.equal((await service.sweeper('/collect', { method: 'GET' })).status, 405);
  });
});
