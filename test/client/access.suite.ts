import assert from 'node:assert/strict';
import { type Fileshare, FileshareProblem, isNotFound } from '../../client/src/index.ts';
import { Service } from '../support/service.ts';
import { all, clientOf } from './fixture.ts';

const OTHER = 'org:974652269';

describe('client: who may view, what refers, lists and deletion', () => {
  const service = new Service();
  let mine: Fileshare;
  let theirs: Fileshare;
  let id: string;

  before(() => {
    mine = clientOf(service);
    theirs = clientOf(service, {}, OTHER);
  });
  beforeEach(async () => {
    ({ id } = await mine.upload(new Blob([`a${Math.random()}`]), { name: 'a.txt' }));
  });

  it('shares a file, tells who may view it, and ends that', async () => {
    await assert.rejects(theirs.status(id), isNotFound);
    await mine.share(id, OTHER);
    await mine.share(id, 'group:radiology');
    assert.deepEqual(await mine.viewers(id), {
      owner: 'org:889640782',
      viewers: [OTHER, 'group:radiology'],
    });
    assert.equal((await theirs.status(id)).id, id);
    await mine.unshare(id, OTHER);
    await assert.rejects(theirs.status(id), isNotFound);
  });

  it('tells what the service has against it', async () => {
    await assert.rejects(
      mine.share(id, 'nobody'),
      (error: unknown) =>
        error instanceof FileshareProblem &&
        error.code === 'invalid-request' &&
        error.status === 400 &&
        error.type === `${service.filesUrl}/problems/invalid-request` &&
        /principal/.test(error.detail ?? '') &&
        error.message.includes(error.title),
    );
  });

  it('tells who has downloaded it, in pages', async () => {
    await mine.wait(id);
    await mine.share(id, OTHER);
    for (const reader of [mine, theirs, theirs]) await (await reader.download(id)).stream.cancel();
    const listed = await all(mine.receipts(id, { pageSize: 1 }));
    assert.deepEqual(listed.map(({ principal }) => principal).sort(), ['org:889640782', OTHER].sort());
    assert.ok(listed.every(({ at }) => new Date(at).toISOString() === at));
    await assert.rejects(all(theirs.receipts(id)), { code: 'forbidden' });
  });

  it('adds, lists and removes references, in pages', async () => {
    const uris = [
      'https://ehr.example/fhir/DocumentReference/1?a=b#c',
      'urn:uuid:1',
      'https://ehr.example/å',
    ].map((uri) => encodeURI(decodeURI(uri)));
    for (const uri of uris) await mine.references.add(id, uri);
    const listed = await all(mine.references.list(id, { pageSize: 1 }));
    assert.deepEqual(listed.sort(), uris.sort());
    await assert.rejects(mine.delete(id), { code: 'file-referenced', members: { references: 3 } });
    for (const uri of uris) await mine.references.remove(id, uri);
    assert.deepEqual(await all(mine.references.list(id)), []);
  });

  it('lists files, newest first, in pages, by state', async () => {
    const second = await mine.upload(new Blob(['b']));
    await mine.wait(second.id, { timeout: 20 });
    await mine.wait(id, { timeout: 20 });
    const ids = [];
    for await (const handle of mine.list({ pageSize: 1 })) {
      ids.push(handle.id);
      if (ids.length === 2) break;
    }
    assert.deepEqual(ids, [second.id, id]);
    assert.deepEqual(await all(mine.list({ state: ['infected', 'failed'] })), []);
    const clean = await all(mine.list({ state: 'clean' }));
    assert.ok(clean.some((handle) => handle.id === id));
  });

  it('deletes a file, as often as it likes', async () => {
    await mine.delete(id);
    await mine.delete(id);
    const handle = await mine.status(id);
    assert.equal(handle.state, 'deleted');
    await assert.rejects(mine.download(id), { code: 'file-deleted' });
  });
});
