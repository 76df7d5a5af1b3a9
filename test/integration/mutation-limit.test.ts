import assert from 'node:assert/strict';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { EICAR, eventually, Service } from '../support/service.ts';
import { idOf, TusRequests } from '../support/tus.ts';

const MIB = 1024 * 1024;

describe('the main job with one mutation a second to a name', () => {
  const service = new Service();
  const tus = new TusRequests(service);

  async function tusUpload(chunks: number, chunkBytes: number): Promise<string> {
    const path = await tus.create({ 'upload-length': String(chunks * chunkBytes) });
    for (let at = 0; at < chunks; at++) {
      const answer = await tus.patch(path, at * chunkBytes, randomBytes(chunkBytes));
      assert.equal(answer.status, 204);
    }
    return idOf(path);
  }

  it('is refused nothing: uploads of every kind, verdicts, grants, references, deletions', async () => {
    await service.resetOperations();
    const small = Array.from({ length: 20 }, () => randomBytes(10_000));
    const contents = [...small, randomBytes(12 * MIB)];
    const posted = await Promise.all(contents.map((bytes) => service.upload(bytes)));
    const keyed = await service.upload(randomBytes(1_000), { 'idempotency-key': randomUUID() });
    const again = await service.upload(small[0] ?? assert.fail());
    const resumed = [await tusUpload(3, MIB), await tusUpload(2, 8 * MIB)];
    const clean = [...posted, keyed, again].map(({ id }) => id).concat(resumed);
    const infected = await service.upload(EICAR);
    for (const id of clean) assert.equal((await service.decided(id)).state, 'clean', id);
    assert.equal((await service.decided(infected.id)).state, 'infected');
    for (const [index, { id }] of posted.entries()) {
      const response = await service.call('GET', `/files/${id}`);
      assert.equal(hash(Buffer.from(await response.arrayBuffer())), hash(contents[index] ?? assert.fail()));
    }

    const [first = ''] = clean;
    const viewers = ['org:123456785', 'org:974760673', 'org:971524960'];
    for (const viewer of viewers) {
      assert.ok((await service.call('PUT', `/files/${first}/viewers/${viewer}`)).ok);
    }
    const reference = `/files/${first}/references/urn%3Ax%3A1`;
    assert.ok((await service.call('PUT', reference)).ok);
    assert.ok((await service.call('DELETE', reference)).ok);
    assert.ok((await service.call('DELETE', `/files/${first}`)).ok);
    // Sources and parts are removed once they may be.
    await eventually(async () => (await service.names('unscanned')).length === 0);
    const { namesRefused, operations } = await service.operations();
    assert.ok((operations['objects.insert']?.calls ?? 0) > 0);
    assert.deepEqual(namesRefused, []);
  });
});

const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
