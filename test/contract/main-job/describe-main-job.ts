import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { CollectReport } from '../../../functions/sweeper/collect.ts';
import type { Handle } from '../../../shared/files/handle.ts';
import { EICAR, eventually, OWNER } from '../../support/service.ts';
import { sha256 } from '../../support/tus.ts';
import { type Cases, registerCases } from '../cases.ts';
import { faultsOfTheMainJob } from './fault-cases.ts';
import { MainJob } from './main-job.ts';
import { assertClean, assertInfected, WAYS } from './uploads.ts';

const MEBIBYTE = 2 ** 20;
const READER = 'org:123456789';
const STRANGER = 'org:987654321';
const LONG_AGO = '2020-01-01T00:00:00.000Z';

function mainJob(cases: Cases<MainJob>): void {
  for (const [name, way] of Object.entries(WAYS)) {
    for (const [amount, bytes] of [
      ['little', 1000],
      ['several MiB', 3 * MEBIBYTE],
      ['several chunks', 17 * MEBIBYTE + 5],
    ] as const) {
      cases(`${name}: ${amount} comes out clean, as it went in`, async (job) => {
        const content = randomBytes(bytes);
        await assertClean(job, await way(job, content), content);
      });
    }
    cases(`${name}: malware is found, refused and quarantined`, async (job) => {
      await assertInfected(job, await way(job, Buffer.from(EICAR)));
    });
  }

  cases('an empty file is scanned and handed out', async (job) => {
    const { id } = await job.service.upload('');
    await assertClean(job, id, Buffer.alloc(0));
  });

  cases('a content is stored once, for two files', async (job) => {
    const bytes = randomBytes(300_000);
    const [first, second] = [await job.service.upload(bytes), await job.service.upload(bytes)];
    for (const { id } of [first, second]) await assertClean(job, id, bytes);
    assert.equal((await job.names('permanent', `blobs/sha256/${sha256(bytes)}`)).length, 1);
  });

  cases('an upload that is repeated with its Idempotency-Key is one file', async (job) => {
    const bytes = randomBytes(1000);
    const headers = { 'idempotency-key': `"${randomBytes(8).toString('hex')}"` };
    const first = await job.service.upload(bytes, headers);
    // 201 where it is clean by then.
    const repeat = await job.service.call('POST', '/files', { body: bytes, headers });
    assert.ok(repeat.status === 202 || repeat.status === 201, String(repeat.status));
    assert.equal(((await repeat.json()) as Handle).id, first.id);
    await assertClean(job, first.id, bytes);
  });

  cases('a download answers ranges, a HEAD, and a range beyond the end', async (job) => {
    const bytes = randomBytes(1_000_000);
    const { id } = await job.service.upload(bytes);
    await job.service.decided(id);
    for (const [range, start, end] of [
      ['bytes=0-0', 0, 0],
      ['bytes=100-199', 100, 199],
      ['bytes=999990-', 999_990, 999_999],
      ['bytes=-5', 999_995, 999_999],
      ['bytes=0-999999', 0, 999_999],
    ] as const) {
      const response = await job.service.call('GET', `/files/${id}`, { headers: { range } });
      assert.equal(response.status, 206, range);
      assert.ok(Buffer.from(await response.arrayBuffer()).equals(bytes.subarray(start, end + 1)), range);
    }
    const head = await job.service.call('HEAD', `/files/${id}`);
    assert.equal(head.headers.get('content-length'), '1000000');
    const beyond = await job.service.call('GET', `/files/${id}`, { headers: { range: 'bytes=1000000-' } });
    assert.equal(beyond.status, 416);
  });

  cases('a file is shared with a viewer, listed, and withheld from a stranger', async (job) => {
    const { service } = job;
    const { id } = await service.upload(randomBytes(100));
    await service.decided(id);
    const path = `/files/${id}`;
    assert.equal((await service.call('GET', path, { as: READER })).status, 404);
    const granted = await service.call('PUT', `${path}/viewers/${encodeURIComponent(READER)}`);
    assert.ok(granted.ok, `${granted.status}`);
    assert.equal((await service.call('GET', path, { as: READER })).status, 200);
    assert.equal((await service.call('GET', path, { as: STRANGER })).status, 404);
    const listed = (await (await service.call('GET', '/files', { as: OWNER })).json()) as { files: Handle[] };
    assert.ok(listed.files.some((file) => file.id === id));
    await service.call('DELETE', `${path}/viewers/${encodeURIComponent(READER)}`);
    assert.equal((await service.call('GET', path, { as: READER })).status, 404);
  });

  cases('a file that a resource refers to is not deleted; afterwards it is', async (job) => {
    const { service } = job;
    const { id } = await service.upload(randomBytes(100));
    await service.decided(id);
    const reference = `/files/${id}/references/${encodeURIComponent('urn:uuid:1')}`;
    assert.ok((await service.call('PUT', reference)).ok);
    assert.equal((await service.call('DELETE', `/files/${id}`)).status, 409);
    assert.ok((await service.call('DELETE', reference)).ok);
    assert.ok((await service.call('DELETE', `/files/${id}`)).ok);
    assert.equal((await service.call('GET', `/files/${id}`)).status, 410);
  });

  cases('a file whose event was lost is sent to the scanner by the sweeper', async (job) => {
    const { subscriber } = job.relay;
    job.relay.subscriber = undefined;
    const bytes = randomBytes(1000);
    const { id } = await job.service.upload(bytes);
    job.relay.subscriber = subscriber;
    assert.equal((await job.service.status(id)).state, 'pending');
    const swept = async () => {
      await job.service.sweeper('/sweep');
      return (await job.service.status(id)).state === 'clean';
    };
    await eventually(swept);
    await assertClean(job, id, bytes);
  });

  cases('a blob that no file needs any more is collected', async (job) => {
    const bytes = randomBytes(500);
    const { id } = await job.service.upload(bytes);
    await job.service.decided(id);
    assert.ok((await job.service.call('DELETE', `/files/${id}`)).ok);
    const [name = ''] = await job.names('permanent', `blobs/sha256/${sha256(bytes)}`);
    const permanent = job.bucket('permanent');
    const blob = await permanent.stat(name);
    assert.ok(blob);
    await permanent.patch(name, blob, { usedAt: LONG_AGO });
    const collect = async () => {
      const response = await job.service.sweeper('/collect');
      assert.equal(response.status, 200);
      const report = (await response.json()) as CollectReport;
      return report.blobs.deleted !== undefined;
    };
    await eventually(collect);
    assert.equal(await permanent.stat(name), undefined);
  });
}

/**
 * @param faults which the endpoint can inject: those of published retry cases, or also the testbench's own
 * @param endpoint is called before the first case
 */
export function describeMainJob(
  name: string,
  faults: 'none' | 'published' | 'testbench',
  endpoint: () => string,
): void {
  describe(name, () => {
    const job = new MainJob(endpoint);
    const struck = faults === 'none' ? [] : [faultsOfTheMainJob(faults === 'testbench')];
    registerCases([mainJob, ...struck], () => job);
  });
}
