import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isInstalled, runClient } from './command-line.ts';
import { BUCKET, EmulatorFixture } from './emulator-fixture.ts';

describe('storage emulator: rclone', () => {
  const fixture = new EmulatorFixture();
  const big = randomBytes(40_000_000);
  let folder: string;

  before(async function () {
    if (!(await isInstalled('rclone', 'the storage emulator with rclone'))) this.skip();
    folder = await mkdtemp(join(tmpdir(), 'storage-rclone-'));
    await mkdir(join(folder, 'up', 'sub folder'), { recursive: true });
    await writeFile(join(folder, 'up', 'big.bin'), big);
    await writeFile(join(folder, 'up', 'sub folder', 'små.txt'), 'small\r');
    await writeFile(join(folder, 'up', 'empty'), '');
  });
  after(async () => {
    if (folder !== undefined) await rm(folder, { recursive: true });
  });

  const rclone = (...args: string[]) =>
    runClient('rclone', ['--retries', '1', ...args], {
      RCLONE_CONFIG: join(folder, 'none.conf'),
      RCLONE_CONFIG_GCS_TYPE: 'google cloud storage',
      RCLONE_CONFIG_GCS_ANONYMOUS: 'true',
      RCLONE_CONFIG_GCS_ENDPOINT: `${fixture.url}/storage/v1/`,
      RCLONE_CONFIG_GCS_PROJECT_NUMBER: '1',
      RCLONE_CONFIG_GCS_BUCKET_POLICY_ONLY: 'true',
      RCLONE_CONFIG_GCS_NO_CHECK_BUCKET: 'true',
    });
  const remote = `gcs:${BUCKET}/tree`;

  it('copies up, and finds every hash equal', async () => {
    await rclone('copy', join(folder, 'up'), remote);
    await rclone('check', join(folder, 'up'), remote);
    assert.equal(fixture.emulator.operations.of('resumable.start').calls, 1);
    assert.ok(fixture.emulator.operations.of('resumable.chunk').calls >= 3);
  });

  it('lists, shows and copies down', async () => {
    const listed = (await rclone('lsf', '-R', remote)).trim().split('\n').sort();
    assert.deepEqual(listed, ['big.bin', 'empty', 'sub folder/', 'sub folder/små.txt']);
    assert.equal(await rclone('cat', `${remote}/sub folder/små.txt`), 'small\r');
    await rclone('copy', remote, join(folder, 'down'));
    assert.ok((await readFile(join(folder, 'down', 'big.bin'))).equals(big));
  });

  it('copies within the server, and deletes a tree', async () => {
    await rclone('copy', remote, `gcs:${BUCKET}/other`);
    assert.ok(fixture.emulator.operations.of('objects.rewrite').calls > 0);
    await rclone('check', remote, `gcs:${BUCKET}/other`);
    await rclone('delete', remote);
    assert.equal(await rclone('lsf', '-R', '--files-only', remote), '');
  });
});
