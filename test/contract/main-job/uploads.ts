import assert from 'node:assert/strict';
import type { Handle } from '../../../shared/files/handle.ts';
import { eventually } from '../../support/service.ts';
import { idOf, sha256 } from '../../support/tus.ts';
import type { MainJob } from './main-job.ts';

type Way = (job: MainJob, bytes: Buffer<ArrayBuffer>) => Promise<string>;

/** Every way in. @returns the id of the file */
export const WAYS: Readonly<Record<string, Way>> = {
  'POST with a length': async ({ service }, bytes) => (await service.upload(bytes)).id,
  'POST in chunks': async ({ service }, bytes) => (await service.upload(new Blob([bytes]).stream())).id,
  'tus in pieces': async ({ tus }, bytes) => {
    const path = await tus.create({ 'upload-length': String(bytes.length) });
    const piece = Math.ceil(bytes.length / 3);
    for (let at = 0; at < bytes.length; at += piece) {
      const response = await tus.patch(path, at, bytes.subarray(at, at + piece));
      assert.equal(response.status, 204, await response.text());
    }
    return idOf(path);
  },
  'a direct session': async ({ service }, bytes) => {
    const response = await service.call('POST', '/uploads/direct', {
      body: JSON.stringify({ size: bytes.length }),
      headers: { 'content-type': 'application/json' },
    });
    assert.equal(response.status, 201);
    const { uploadUrl, handle } = (await response.json()) as { uploadUrl: string; handle: Handle };
    const sent = await fetch(uploadUrl, { method: 'PUT', body: bytes });
    assert.equal(sent.status, 200, await sent.text());
    return handle.id;
  },
};

/** @throws unless the file is decided clean, has these bytes, an event, and nothing unscanned is left of it */
export async function assertClean(job: MainJob, id: string, bytes: Buffer): Promise<void> {
  const { state, size, sha256: digest } = await job.service.decided(id);
  assert.deepEqual([state, size, digest], ['clean', bytes.length, sha256(bytes)]);
  assert.ok((await download(job, id)).equals(bytes));
  await settled(job, id);
}

export async function assertInfected(job: MainJob, id: string): Promise<void> {
  assert.equal((await job.service.decided(id)).state, 'infected');
  assert.equal((await job.service.call('GET', `/files/${id}`)).status, 410);
  await settled(job, id);
  assert.deepEqual(await job.names('quarantine', id), [id]);
}

export async function download({ service }: MainJob, id: string, headers = {}): Promise<Buffer> {
  const response = await service.call('GET', `/files/${id}`, { headers });
  assert.ok(response.ok, `${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}

async function settled(job: MainJob, id: string): Promise<void> {
  await eventually(async () => (await job.service.events()).some(({ data }) => data.fileId === id));
  await eventually(async () => (await job.names('unscanned', id)).length === 0);
}
