import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { roughUpload } from '../support/rough-upload.ts';
import { eventually, Service } from '../support/service.ts';

const MIB = 2 ** 20;
/** MiB; `PARALLEL_MIB=2048` is above what ClamAV scans, so the file is then scanned in windows. */
const SIZE_MIB = Number(process.env['PARALLEL_MIB'] ?? 256);
const CUTS = 20;
const KILLS = 5;

describe('tus-js-client with parallelUploads', function () {
  this.timeout(300_000 + SIZE_MIB * 2_000);
  const service = new Service(
    { STUCK_AFTER_SECONDS: '3', WINDOWED_SCAN_MAX_BYTES: String(4096 * MIB) },
    { restartAfterMs: 100 },
  );

  it(`sends ${SIZE_MIB} MiB as four uploads over a line that is cut ${CUTS} times, to a process that is killed ${KILLS} times: one file`, async () => {
    const started = performance.now();
    const { id, sha256 } = await roughUpload(service, {
      bytes: SIZE_MIB * MIB,
      chunkBytes: 8 * MIB,
      cuts: CUTS,
      kills: KILLS,
      parallel: 4,
    });
    const sent = performance.now();
    const { state, size, sha256: digest } = await service.decided(id, 120 + SIZE_MIB);
    assert.deepEqual([state, size, digest], ['clean', SIZE_MIB * MIB, sha256]);
    process.stdout.write(
      `      sent in ${Math.round((sent - started) / 1000)} s, decided after ${Math.round((performance.now() - sent) / 1000)} s\n`,
    );
    const listed = (await (await service.call('GET', '/files')).json()) as { files: { id: string }[] };
    assert.deepEqual(
      listed.files.map((file) => file.id),
      [id],
    );
    await eventually(async () => (await service.events()).length > 0);
    const events = new Set(
      (await service.events()).map(({ attributes, data }) => `${attributes['ce-id']} ${data.fileId}`),
    );
    assert.equal(events.size, 1);
    assert.ok([...events][0]?.endsWith(` ${id}`));
    const download = await service.call('GET', `/files/${id}`);
    const hash = createHash('sha256');
    for await (const piece of download.body ?? []) hash.update(piece);
    assert.equal(hash.digest('hex'), sha256);
    // A process that was killed right after an answer leaves what the sweeper removes.
    await eventually(async () => {
      await service.sweeper('/sweep');
      return (await service.names('unscanned')).every(
        (name) => !name.includes(id) && !name.endsWith('/final'),
      );
    }, 60);
    // Partial uploads that the client began anew, because an answer was cut, are parts of no file, and wait for their expiry.
    const left = await service.names('unscanned');
    for (const name of left) assert.ok(left.includes(name.replace(/[^/]+$/, 'partial')), name);
  });
});
