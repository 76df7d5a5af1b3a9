import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { openDownload } from '../../../functions/files/download.ts';
import { blobName } from '../../../shared/files/blobName.ts';
import { type Ahead, Blobs } from '../../../shared/files/blobs.ts';
import { newFileId } from '../../../shared/files/fileId.ts';
import { Findings } from '../../../shared/files/findings.ts';
import { parseSha256 } from '../../../shared/files/record.ts';
import type { ReadableRecord } from '../../../shared/http/outcome.ts';
import type { Generation } from '../../../shared/storage/object.ts';
import { Tally } from '../../../shared/storage/tally.ts';
import { collect } from '../../shared/storage/streams.ts';
import { OWNER, problemOf, RecordsFixture } from './fixture.ts';

/** Tells what was read before anybody knew whether it may be. */
class WatchedBlobs extends Blobs {
  ahead: Ahead | undefined;

  override async readAhead(...args: Parameters<Blobs['readAhead']>): Promise<Ahead | undefined> {
    this.ahead = await super.readAhead(...args);
    return this.ahead;
  }
}

describe('a download, which is read while it is still asked whether it may be', () => {
  const fixture = new RecordsFixture();
  const bytes = randomBytes(3_000_000);
  const metadata = { scannedAt: new Date().toISOString(), engine: '1.4.6' };
  const reads = () => fixture.storage.emulator.operations.of('objects.getMedia').calls;
  let blobs: WatchedBlobs;
  let record: ReadableRecord;
  let before = 0;

  beforeEach(async () => {
    blobs = new WatchedBlobs(fixture.bucket());
    const createdAt = new Date();
    record = {
      id: newFileId(OWNER, createdAt),
      owner: OWNER,
      viewers: [],
      createdAt,
      contentType: 'text/plain',
      state: 'clean',
      content: contentOf(bytes),
      scan: { generation: '1' as Generation, scannedAt: createdAt, engine: { engine: '1.4.6' } },
    };
    await put(bytes);
    before = reads();
  });
  afterEach(remove);

  const name = () => blobName(`sha256/${record.content.sha256}`);
  const found = async () => (await fixture.bucket().stat(name())) ?? assert.fail('it is not there');

  function contentOf(content: Buffer) {
    const tally = new Tally();
    tally.update(content);
    const { size, crc32c, sha256 } = tally.digests();
    return { size, crc32c, sha256: parseSha256(sha256) ?? assert.fail() };
  }

  async function put(content: Buffer, fields: Readonly<Record<string, string>> = metadata): Promise<void> {
    async function* source() {
      yield content;
    }
    const options = { contentType: 'application/octet-stream', metadata: fields };
    await (await fixture.bucket().stage(name(), source(), options)).commit();
  }

  async function remove(): Promise<void> {
    const object = await fixture.bucket().stat(name());
    if (object) await fixture.bucket().delete(name(), object);
  }

  function open(headers: Readonly<Record<string, string>> = {}, method: 'GET' | 'HEAD' = 'GET') {
    const findings = new Findings(fixture.bucket());
    return openDownload({ blobs, findings }, record, {
      method,
      headers,
      signal: new AbortController().signal,
    });
  }

  /** The answer to whether it may be read comes late, and `meanwhile` was first. */
  async function slowly<T>(download: () => Promise<T>, meanwhile: () => Promise<void>): Promise<T> {
    const effect = { kind: 'delay', ms: 400 } as const;
    const at = { namePrefix: 'blobs/', bucket: fixture.bucket().name } as const;
    fixture.storage.emulator.faults.add({ operation: 'objects.get', ...at, nth: 1, effect });
    const downloading = download();
    downloading.catch(() => undefined);
    while (!blobs.ahead) await new Promise((resolve) => setTimeout(resolve, 5));
    await meanwhile();
    return downloading;
  }

  it('is one read, of the whole or of a range', async () => {
    assert.deepEqual(await collect((await open()).bytes), bytes);
    assert.equal(reads() - before, 1);
    const { status, bytes: range } = await open({ range: 'bytes=5-2000004' });
    assert.equal(status, 206);
    assert.deepEqual(await collect(range), bytes.subarray(5, 2_000_005));
    assert.equal(reads() - before, 2);
  });

  it('is read anew where the object is another by then', async () => {
    const download = await slowly(open, async () => {
      await remove();
      await put(bytes);
    });
    assert.deepEqual(await collect(download.bytes), bytes);
    assert.equal(reads() - before, 2);
  });

  it('is no byte of what was there before, whatever that was', async () => {
    await remove();
    await put(Buffer.alloc(bytes.length));
    before = reads();
    const download = await slowly(open, async () => {
      await remove();
      await put(bytes);
    });
    assert.deepEqual(await collect(download.bytes), bytes);
  });

  it('is no byte of what is condemned meanwhile, and holds no connection', async () => {
    const condemned = { signature: 'Eicar', condemnedAt: new Date().toISOString(), engine: '1.4.6' };
    const download = slowly(open, async () => {
      await fixture.bucket().patch(name(), await found(), condemned);
    });
    assert.equal(await problemOf(download), 'file-infected');
    await assert.rejects(collect(blobs.ahead?.bytes ?? assert.fail()), /aborted/);
  });

  it('is no byte of what malware was found in meanwhile, whatever its blob says', async () => {
    const { sha256 } = record.content;
    const findings = new Findings(fixture.bucket());
    const effect = { kind: 'delay', ms: 400 } as const;
    const at = { operation: 'objects.get', namePrefix: 'findings/', bucket: fixture.bucket().name } as const;
    fixture.storage.emulator.faults.add({ ...at, nth: 1, effect });
    const downloading = open();
    const finding = { signature: 'Eicar', scannedAt: new Date(), engine: { engine: '1.4.6' } };
    await findings.add(sha256, finding);
    assert.equal(await problemOf(downloading), 'file-infected');
    await assert.rejects(collect(blobs.ahead?.bytes ?? assert.fail()), /aborted/);
    assert.equal(await problemOf(open({}, 'HEAD')), 'file-infected');
    await findings.release(sha256, { by: 'operator@example.org', at: new Date(), reason: 'harmless' });
    assert.deepEqual(await collect((await open()).bytes), bytes);
  });

  it('is refused where nobody can say whether malware was found in it', async () => {
    const at = { operation: 'objects.get', namePrefix: 'findings/', bucket: fixture.bucket().name } as const;
    fixture.storage.emulator.faults.add({ ...at, effect: { kind: 'error', status: 403 } });
    await assert.rejects(open(), { status: 403 });
  });

  it('fails where the object is gone by then', async () => {
    await assert.rejects(slowly(open, remove), /not what the record/);
    await assert.rejects(collect(blobs.ahead?.bytes ?? assert.fail()), /aborted/);
  });

  it('fails where the bytes cannot be had', async () => {
    const effect = { kind: 'error', status: 403 } as const;
    fixture.storage.emulator.faults.add({ operation: 'objects.getMedia', effect });
    await assert.rejects(open(), /403/);
  });

  it('is not read where no byte of it will be wanted, or several ranges are', async () => {
    const etag = `"${record.content.sha256}"`;
    const unread: readonly (readonly [Readonly<Record<string, string>>, ('GET' | 'HEAD')?])[] = [
      [{}, 'HEAD'],
      [{ 'if-none-match': etag }],
      [{ range: 'bytes=0-1,1000-1001' }],
    ];
    for (const [headers, method] of unread) await open(headers, method);
    assert.equal(await problemOf(open({ 'if-match': '"another"' })), 'precondition-failed');
    assert.equal(await problemOf(open({ range: 'bytes=3000000-' })), 'range-not-satisfiable');
    assert.equal(reads() - before, 0);
  });
});
