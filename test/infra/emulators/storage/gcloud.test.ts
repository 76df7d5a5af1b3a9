import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isInstalled, runClient } from './command-line.ts';
import { BUCKET, EmulatorFixture, objectPath } from './emulator-fixture.ts';

describe('storage emulator: gcloud storage', () => {
  // gcloud needs seconds to start.
  const fixture = new EmulatorFixture();
  const big = randomBytes(40_000_000);
  let folder: string;

  before(async function () {
    if (!(await isInstalled('gcloud', 'the storage emulator with gcloud storage'))) this.skip();
    folder = await mkdtemp(join(tmpdir(), 'storage-gcloud-'));
    await mkdir(join(folder, 'up', 'sub'), { recursive: true });
    await writeFile(join(folder, 'up', 'big.bin'), big);
    await writeFile(join(folder, 'up', 'sub', 'small.txt'), 'small\r');
    await writeFile(join(folder, 'up', 'empty'), '');
  });
  after(async () => {
    if (folder !== undefined) await rm(folder, { recursive: true });
  });

  // Its own configuration folder keeps the developer's login out of the test.
  const gcloud = (...args: string[]) =>
    runClient('gcloud', ['storage', ...args, '--quiet'], {
      CLOUDSDK_CONFIG: join(folder, 'config'),
      CLOUDSDK_CORE_PROJECT: 'p',
      CLOUDSDK_CORE_DISABLE_USAGE_REPORTING: 'true',
      CLOUDSDK_AUTH_DISABLE_CREDENTIALS: 'true',
      CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE: `${fixture.url}/storage/v1/`,
      CLOUDSDK_STORAGE_PARALLEL_COMPOSITE_UPLOAD_ENABLED: 'False',
    });
  const tree = `gs://${BUCKET}/up`;

  it('copies a tree up, simply and resumably', async () => {
    await gcloud('cp', '-r', join(folder, 'up'), `gs://${BUCKET}/`);
    assert.equal(fixture.emulator.operations.of('resumable.start').calls, 1);
  });

  it('lists with sizes and hashes, and shows a file to its last carriage return', async () => {
    const listed = await gcloud('ls', '-r', '--json', `${tree}/**`);
    const entries: { url: string; metadata: { size: string; md5Hash: string } }[] = JSON.parse(listed);
    assert.deepEqual(entries.map(({ metadata }) => metadata.size).sort(), ['0', '40000000', '6']);
    assert.equal(await gcloud('cat', `${tree}/sub/small.txt`), 'small\r');
  });

  it('updates, composes, and lists notifications', async () => {
    await gcloud('buckets', 'notifications', 'list', `gs://${BUCKET}`);
    await gcloud('objects', 'update', `${tree}/empty`, '--custom-metadata=a=b');
    assert.deepEqual((await fixture.call('GET', objectPath('up/empty'))).ok()['metadata'], { a: 'b' });
    const small = `${tree}/sub/small.txt`;
    await gcloud('objects', 'compose', small, small, `${tree}/composed`);
    const composed = await fixture.call('DELETE', objectPath('up/composed'));
    assert.equal(composed.status, 204);
  });

  it('copies a tree down, verifying hashes, and deletes it', async () => {
    await mkdir(join(folder, 'down'));
    await gcloud('cp', '-r', tree, join(folder, 'down'));
    assert.ok((await readFile(join(folder, 'down', 'up', 'big.bin'))).equals(big));
    assert.equal(await readFile(join(folder, 'down', 'up', 'sub', 'small.txt'), 'utf8'), 'small\r');
    await gcloud('rm', '-r', tree);
    const left = await fixture.call('GET', `/storage/v1/b/${BUCKET}/o`);
    assert.equal(left.ok()['items'], undefined);
  });
});
