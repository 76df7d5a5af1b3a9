import assert from 'node:assert/strict';
import { samples } from '../../infra/local/samples/samples.ts';
import { EICAR, Service } from '../support/service.ts';

describe('a deployment that accepts encrypted files', () => {
  const service = new Service({ ACCEPT_UNSCANNABLE: 'encrypted' });

  async function bytesOf(name: string): Promise<Buffer<ArrayBuffer>> {
    const sample = samples().find((candidate) => candidate.name === name);
    assert.ok(sample);
    const pieces: Uint8Array[] = [];
    for await (const piece of sample.open()) pieces.push(piece as Uint8Array);
    return Buffer.concat(pieces);
  }

  it('hands them out, and says in handle and event that they could not be scanned', async () => {
    const bytes = await bytesOf('encrypted.zip');
    const { id } = await service.upload(bytes);
    const handle = await service.decided(id);
    assert.deepEqual([handle.state, handle.reason, handle.accepted], ['unscannable', 'encrypted', true]);
    const download = await service.call('GET', `/files/${id}`);
    assert.equal(download.status, 200);
    assert.ok(Buffer.from(await download.arrayBuffer()).equals(bytes));
    assert.equal((await service.call('GET', `/files/${id}`, { as: 'org:999999999' })).status, 404);
    assert.deepEqual(await service.names('permanent', 'blobs/'), []);
  });

  it('still hands out nothing that is malware', async () => {
    const { id } = await service.upload(EICAR);
    assert.equal((await service.decided(id)).state, 'infected');
    assert.equal((await service.call('GET', `/files/${id}`)).status, 410);
  });
});
