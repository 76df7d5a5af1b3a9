import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Bucket, IdempotencyStrategy, Storage } from '@google-cloud/storage';
import { UNHURRIED } from '../../../shared/storage/streams.ts';
import { BUCKET, EmulatorFixture } from './emulator-fixture.ts';

const CHUNK = 256 * 1024;

describe('storage emulator: Google’s own client, @google-cloud/storage', () => {
  const fixture = new EmulatorFixture({ mutationLimit: UNHURRIED });
  const bytes = randomBytes(5 * CHUNK + 17);
  let bucket: Bucket;
  let storage: Storage;
  let folder: string;

  before(async () => {
    storage = new Storage({ apiEndpoint: fixture.url, projectId: 'p', useAuthWithCustomEndpoint: false });
    bucket = storage.bucket(BUCKET);
    folder = await mkdtemp(join(tmpdir(), 'storage-clients-'));
    await writeFile(join(folder, 'file'), bytes);
  });
  after(() => rm(folder, { recursive: true }));

  it('uploads simply and resumably, in one request and in chunks', async () => {
    const file = join(folder, 'file');
    await bucket.upload(file, { destination: 'simple', resumable: false, validation: 'md5' });
    await bucket.upload(file, { destination: 'resumable', resumable: true, validation: 'crc32c' });
    await bucket.upload(file, { destination: 'chunked', resumable: true, chunkSize: 2 * CHUNK });
    for (const name of ['simple', 'resumable', 'chunked']) {
      const [content] = await bucket.file(name).download({ validation: 'crc32c' });
      assert.ok(content.equals(bytes), name);
    }
  });

  it('streams up without knowing the size, and saves small contents', async () => {
    await pipeline(
      Readable.from([bytes.subarray(0, 100), bytes.subarray(100)]),
      bucket.file('stream').createWriteStream(),
    );
    await bucket
      .file('saved')
      .save('text', { contentType: 'text/plain', metadata: { metadata: { a: '1' } } });
    await bucket.file('empty').save('');
    const [metadata] = await bucket.file('stream').getMetadata();
    assert.equal(metadata.md5Hash, createHash('md5').update(bytes).digest('base64'));
    assert.equal((await bucket.file('saved').getMetadata())[0].contentType, 'text/plain');
    assert.equal((await bucket.file('empty').download())[0].length, 0);
  });

  it('resumes after a chunk failed', async () => {
    fixture.emulator.faults.add({
      operation: 'resumable.chunk',
      nth: 2,
      effect: { kind: 'error', status: 503 },
    });
    const persistent = new Storage({
      apiEndpoint: fixture.url,
      projectId: 'p',
      useAuthWithCustomEndpoint: false,
      retryOptions: { idempotencyStrategy: IdempotencyStrategy.RetryAlways, maxRetryDelay: 1 },
    });
    await persistent.bucket(BUCKET).upload(join(folder, 'file'), {
      destination: 'resumed',
      resumable: true,
      chunkSize: CHUNK,
    });
    fixture.emulator.faults.clear();
    assert.ok((await bucket.file('resumed').download())[0].equals(bytes));
  });

  it('downloads to a file, and streams a range', async () => {
    await bucket.file('simple').download({ destination: join(folder, 'copy'), validation: 'md5' });
    assert.ok((await readFile(join(folder, 'copy'))).equals(bytes));
    const part: Buffer[] = [];
    for await (const chunk of bucket.file('simple').createReadStream({ start: 1000, end: 300_000 }))
      part.push(chunk);
    assert.ok(Buffer.concat(part).equals(bytes.subarray(1000, 300_001)));
  });

  it('notices a corrupted download', async () => {
    fixture.emulator.faults.add({ operation: 'objects.getMedia', nth: 1, effect: { kind: 'corrupt' } });
    await assert.rejects(
      bucket.file('simple').download({ validation: 'crc32c' }),
      /did not match the data from the server/,
    );
  });

  it('sets and reads metadata, copies, moves and deletes', async () => {
    const file = bucket.file('saved');
    await file.setMetadata({ metadata: { a: null, b: 2 }, cacheControl: 'no-store' });
    const [metadata] = await file.getMetadata();
    assert.deepEqual(metadata.metadata, { b: '2' });
    assert.equal(metadata.cacheControl, 'no-store');
    const [copy] = await file.copy(bucket.file('copies/one'));
    assert.equal((await copy.getMetadata())[0].cacheControl, 'no-store');
    await copy.move('copies/two');
    assert.deepEqual(await bucket.file('copies/one').exists(), [false]);
    await bucket.file('copies/two').delete();
    assert.deepEqual(await bucket.file('copies/two').exists(), [false]);
    await bucket.combine(['saved', 'stream'], 'combined');
    assert.equal((await bucket.file('combined').getMetadata())[0].size, String(bytes.length + 4));
  });

  it('sees preconditions fail', async () => {
    const options = { resumable: false, preconditionOpts: { ifGenerationMatch: 0 } };
    await assert.rejects(bucket.file('saved').save('x', options), { code: 412 });
    await assert.rejects(bucket.file('saved').delete({ ifGenerationMatch: 1 }), { code: 412 });
    await assert.rejects(bucket.file('missing').getMetadata(), { code: 404 });
  });

  it('lists page by page, and by prefix and delimiter', async () => {
    await Promise.all(
      Array.from({ length: 25 }, (_, at) => bucket.file(`list/${at}`).save('', { resumable: false })),
    );
    const [all] = await bucket.getFiles({ prefix: 'list/', maxResults: 10, autoPaginate: false });
    assert.equal(all.length, 10);
    const [files] = await bucket.getFiles({ prefix: 'list/' });
    assert.equal(files.length, 25);
    await bucket.deleteFiles({ prefix: 'list/' });
    assert.equal((await bucket.getFiles({ prefix: 'list/' }))[0].length, 0);
  });

  it('creates, configures and deletes buckets', async () => {
    const [made] = await storage.createBucket('made-by-client', { location: 'EU' });
    await made.setLabels({ team: 'files' });
    assert.deepEqual((await made.getLabels())[0], { team: 'files' });
    await made.setRetentionPeriod(1000);
    assert.equal((await made.getMetadata())[0].retentionPolicy?.retentionPeriod, '1000');
    assert.ok((await storage.getBuckets())[0].some(({ name }) => name === 'made-by-client'));
    await made.delete();
    assert.deepEqual(await made.exists(), [false]);
  });
});
