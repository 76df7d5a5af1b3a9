import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { eventually, Service } from '../support/service.ts';

describe('a process that dies', () => {
  const service = new Service();
  beforeEach(() => eventually(async () => service.platform.status().ready));

  it('of the scanner, killed in the middle of a scan: clean in the end, one blob, an event, nothing left', async () => {
    const bytes = randomBytes(30 * 1024 * 1024);
    const digest = createHash('sha256').update(bytes).digest('hex');
    const pid = service.pid('scanner');
    const { id } = await service.upload(bytes);
    await eventually(
      async () => ((await service.operations()).operations['objects.getMedia']?.calls ?? 0) > 0,
    );
    assert.equal((await service.status(id)).state, 'pending');
    process.kill(pid, 'SIGKILL');
    assert.equal((await service.decided(id, 90)).state, 'clean');
    assert.notEqual(service.pid('scanner'), pid);
    assert.equal((await service.names('permanent', 'blobs/')).length, 1);
    assert.deepEqual(await service.names('permanent', 'blobs/'), [`blobs/sha256/${digest}`]);
    await eventually(async () => (await service.events()).some(({ data }) => data.fileId === id));
    await eventually(async () => (await service.names('unscanned')).length === 0);
  });

  it('of the scanner, asked to end in the middle of a scan: it ends in time, and the file is scanned by the next', async () => {
    await service.fault({ operation: 'objects.getMedia', times: 1, effect: { kind: 'stall' } });
    const pid = service.pid('scanner');
    const { id } = await service.upload(randomBytes(1000));
    await eventually(
      async () => ((await service.operations()).operations['objects.getMedia']?.calls ?? 0) > 0,
    );
    process.kill(pid, 'SIGTERM');
    await eventually(async () => !existsSync(`/proc/${pid}`), 12);
    assert.equal((await service.decided(id, 60)).state, 'clean');
    assert.notEqual(service.pid('scanner'), pid);
  });

  it('of the upload, asked to end in the middle of one: it is finished, and answered', async () => {
    const pid = service.pid('upload');
    const release = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    let part = 0;
    const body = new ReadableStream({
      async pull(controller) {
        if (part++ === 0) {
          controller.enqueue(randomBytes(1000));
          return;
        }
        begun.resolve();
        await release.promise;
        controller.enqueue(randomBytes(1000));
        controller.close();
      },
    });
    const uploading = service.call('POST', '/files', { body });
    await begun.promise;
    // That the function has the request, and not only the gateway, shows in a second one being answered.
    await service.call('POST', '/files', { body: 'another' });
    process.kill(pid, 'SIGTERM');
    release.resolve();
    const answer = await uploading;
    assert.equal(answer.status, 202);
    const { id } = (await answer.json()) as { id: string };
    assert.equal((await service.decided(id)).state, 'clean');
    await eventually(async () => !existsSync(`/proc/${pid}`), 12);
  });

  it('of the upload, killed in the middle of one: the client knows, nothing is left, the next one works', async () => {
    const before = await service.names('permanent', 'files/');
    // Sources that a scanner did not live to delete.
    const waiting = new Set(await service.names('unscanned'));
    const pid = service.pid('upload');
    const begun = Promise.withResolvers<void>();
    const endless = new ReadableStream({
      pull(controller) {
        controller.enqueue(randomBytes(1_000_000));
        begun.resolve();
      },
    });
    const uploading = service.call('POST', '/files', { body: endless });
    await begun.promise;
    await eventually(
      async () => ((await service.operations()).operations['resumable.chunk']?.calls ?? 0) > 0,
    );
    process.kill(pid, 'SIGKILL');
    const answer = await uploading.then((response) => response.status).catch(() => 'cut');
    assert.ok(answer === 'cut' || answer === 503, String(answer));
    assert.deepEqual(await service.names('permanent', 'files/'), before);
    const added = (await service.names('unscanned')).filter((name) => !waiting.has(name));
    assert.deepEqual(added, []);
    await eventually(async () => (await service.call('POST', '/files', { body: 'again' })).status === 202);
  });

  it('of Cloud Storage: nothing that was accepted is lost', async () => {
    const { id } = await service.upload(randomBytes(1000));
    process.kill(service.pid('storage'), 'SIGKILL');
    const handle = await eventually(async () => service.decided(id).catch(() => undefined), 60);
    assert.equal(handle.state, 'clean');
  });

  it('of clamd, killed in the middle of a scan: the file waits for the next one', async () => {
    await service.resetOperations();
    const { id } = await service.upload(randomBytes(30 * 1024 * 1024));
    await eventually(
      async () => ((await service.operations()).operations['objects.getMedia']?.calls ?? 0) > 0,
    );
    process.kill(service.pid('clamd'), 'SIGKILL');
    assert.equal((await service.decided(id, 90)).state, 'clean');
  });
});
