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
      until: {},
    });
    assert.equal((await theirs.status(id)).id, id);
    await mine.unshare(id, OTHER);
    await assert.rejects(theirs.status(id), isNotFound);
  });

  it('shares a file for a while, with several at once, and for good', async () => {
    const until = new Date(Date.now() + 3_600_000);
    await mine.share(id, [OTHER, 'group:radiology'], { until });
    const end = until.toISOString();
    assert.deepEqual((await mine.viewers(id)).until, { [OTHER]: end, 'group:radiology': end });
    assert.equal((await theirs.status(id)).until, end);
    const listed = await all(theirs.list({ shared: 'with-me', state: ['pending', 'clean'] }));
    assert.equal(listed.find((handle) => handle.id === id)?.until, end);
    await mine.share(id, OTHER);
    assert.deepEqual((await mine.viewers(id)).until, { 'group:radiology': end });
    await mine.share(id, []);
    const past = { until: new Date(Date.now() - 1) };
    await assert.rejects(mine.share(id, OTHER, past), { code: 'end-not-possible' });
  });

  it('gives a file an end, moves it, and removes it', async () => {
    const at = new Date(Date.now() + 3_600_000);
    await mine.expire(id, at);
    assert.equal((await mine.status(id)).expiresAt, at.toISOString());
    await assert.rejects(mine.references.add(id, 'urn:x:1'), { code: 'file-expires' });
    await mine.expire(id, '2099-01-01T00:00:00+01:00');
    assert.equal((await mine.status(id)).expiresAt, '2098-12-31T23:00:00.000Z');
    await mine.expire(id, undefined);
    assert.equal((await mine.status(id)).expiresAt, undefined);
    await mine.references.add(id, 'urn:x:1');
    await assert.rejects(mine.expire(id, at), { code: 'file-referenced' });
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
