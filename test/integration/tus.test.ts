import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { overHosts } from '../support/over-hosts.ts';
import { roughUpload } from '../support/rough-upload.ts';
import { EICAR, eventually, OWNER, Service } from '../support/service.ts';
import { idOf, sha256, TusRequests } from '../support/tus.ts';

const MIB = 2 ** 20;
/** Bytes and mishaps; `ROUGH=1024,20,5` makes it an hour of a bad train. */
const [SIZE_MIB = 48, CUTS = 5, KILLS = 2] = (process.env['ROUGH'] ?? '')
  .split(',')
  .filter(Boolean)
  .map(Number);

overHosts('an upload in many requests', function (hosts) {
  this.timeout(180_000 + SIZE_MIB * 1000);
  const service = new Service({ HOSTS: hosts }, { restartAfterMs: 100 });
  const tus = new TusRequests(service);

  it(`of ${SIZE_MIB} MiB over a line that breaks ${CUTS} times, to a process that is killed ${KILLS} times, is the same file`, async () => {
    const { id, sha256: sent } = await roughUpload(service, {
      bytes: SIZE_MIB * MIB,
      chunkBytes: 8 * MIB,
      cuts: CUTS,
      kills: KILLS,
    });
    const { state, size, sha256: digest } = await service.decided(id, 60 + SIZE_MIB);
    assert.deepEqual([state, size, digest], ['clean', SIZE_MIB * MIB, sent]);
    await eventually(async () => (await service.events()).some(({ data }) => data.fileId === id));
    const events = (await service.events()).filter(({ data }) => data.fileId === id);
    assert.equal(new Set(events.map(({ attributes }) => attributes['ce-id'])).size, 1);
    await eventually(
      async () => (await service.names('unscanned')).filter((name) => name === id).length === 0,
    );
  });

  it('is malware when its pieces are', async () => {
    const bytes = Buffer.from(EICAR);
    const path = await tus.create({ 'upload-length': String(bytes.length) }, bytes.subarray(0, 20));
    await tus.patch(path, 20, bytes.subarray(20));
    assert.equal((await service.decided(idOf(path))).state, 'infected');
  });

  it('is finished by the next request, where the process died before it could make the object', async () => {
    await eventually(async () => service.platform.status().ready);
    const bytes = randomBytes(1000);
    const path = await tus.create({ 'upload-length': '1000' });
    await service.resetOperations();
    await service.fault({ operation: 'objects.compose', effect: { kind: 'stall' } });
    const sending = tus.patch(path, 0, bytes).catch(() => undefined);
    await eventually(
      async () => ((await service.operations()).operations['objects.compose']?.calls ?? 0) > 0,
    );
    process.kill(service.pid('upload'), 'SIGKILL');
    await sending;
    await service.clearFaults();
    assert.equal((await service.status(idOf(path))).state, 'uploading');
    const offset = await eventually(() => tus.offset(path).catch(() => undefined));
    assert.equal(offset, 1000);
    const { state, sha256: digest } = await service.decided(idOf(path));
    assert.deepEqual([state, digest], ['clean', sha256(bytes)]);
  });

  it('gives a silently dead PATCH of 20 MB up, so that the successor sends only what is missing', async () => {
    await eventually(async () => service.platform.status().ready);
    const bytes = randomBytes(20_000_000);
    const there = 12_000_000;
    const path = await tus.create({ 'upload-length': String(bytes.length) });
    const { hostname, port } = new URL(service.uploadUrl);
    const token = await service.platform.token(OWNER);
    const line = connect(Number(port), hostname);
    const head = [
      `PATCH ${path} HTTP/1.1`,
      `host: ${hostname}:${port}`,
      `authorization: Bearer ${token}`,
      'tus-resumable: 1.0.0',
      'upload-offset: 0',
      'content-type: application/offset+octet-stream',
      `content-length: ${bytes.length}`,
    ];
    await service.resetOperations();
    line.write(`${head.join('\r\n')}\r\n\r\n`);
    line.write(bytes.subarray(0, there));
    try {
      // The function, and not only the system, has them: a chunk of them was sent on.
      await eventually(
        async () => ((await service.operations()).operations['resumable.start']?.calls ?? 0) > 0,
      );
      // Bytes on their way to the function may be missing, or keep the request alive until the next HEAD.
      const offset = await eventually(async () => (await tus.offset(path)) || undefined);
      assert.ok(offset >= 8 * MIB && offset <= there, `${offset}`);
      assert.equal((await tus.patch(path, offset, bytes.subarray(offset))).status, 204);
    } finally {
      line.destroy();
    }
    const { state, sha256: digest } = await service.decided(idOf(path));
    assert.deepEqual([state, digest], ['clean', sha256(bytes)]);
  });

  it('keeps what had arrived when the process is asked to end', async () => {
    await eventually(async () => service.platform.status().ready);
    const path = await tus.create({ 'upload-length': String(10 * MIB) });
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(randomBytes(9 * MIB));
      },
      pull: () => new Promise(() => undefined),
    });
    await service.resetOperations();
    const sending = tus.patch(path, 0, body).catch(() => undefined);
    // The function, and not only the gateway, has more than a chunk of them.
    await eventually(
      async () => ((await service.operations()).operations['resumable.start']?.calls ?? 0) > 0,
    );
    process.kill(service.pid('upload'), 'SIGTERM');
    await sending;
    const offset = await eventually(async () => (await tus.offset(path).catch(() => 0)) || undefined);
    assert.ok(offset > 8 * MIB && offset <= 9 * MIB, `${offset}`);
  });
});
