import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { openDownload } from '../../../functions/files/download.ts';
import type { Redirect } from '../../../functions/files/redirect.ts';
import { blobName } from '../../../shared/files/blob-name.ts';
import { type Ahead, acceptedName, Blobs } from '../../../shared/files/blobs.ts';
import { newFileId } from '../../../shared/files/file-id.ts';
import { Findings } from '../../../shared/files/findings.ts';
import type { ReadableRecord } from '../../../shared/files/readable.ts';
import { parseSha256 } from '../../../shared/files/record.ts';
import type { Problem } from '../../../shared/http/problems.ts';
import type { Generation } from '../../../shared/storage/object.ts';
import { Tally } from '../../../shared/storage/tally.ts';
import { collect } from '../../shared/storage/streams.ts';
import { OWNER, problemOf, RecordsFixture } from './fixture.ts';

/** Tells what was read before anybody knew whether it may be, and says that only once `until` is over. */
class WatchedBlobs extends Blobs {
  ahead: Ahead | undefined;
  until: Promise<void> | undefined;

  override async readAhead(...args: Parameters<Blobs['readAhead']>): Promise<Ahead | undefined> {
    this.ahead = await super.readAhead(...args);
    return this.ahead;
  }

  override async find(...args: Parameters<Blobs['find']>) {
    await this.until;
    return super.find(...args);
  }
}

/** Says what malware was found only once `until` is over. */
class SlowFindings extends Findings {
  until: Promise<void> | undefined;

  override async get(...args: Parameters<Findings['get']>) {
    await this.until;
    return super.get(...args);
  }
}

describe('a download, which is read while it is still asked whether it may be', () => {
  const fixture = new RecordsFixture();
  const bytes = randomBytes(3_000_000);
  const metadata = { scannedAt: new Date().toISOString(), engine: '1.4.6' };
  const reads = () => fixture.storage.emulator.operations.of('objects.getMedia').calls;
  let blobs: WatchedBlobs;
  let findings: SlowFindings;
  let record: ReadableRecord;
  let before = 0;

  beforeEach(async () => {
    blobs = new WatchedBlobs(fixture.bucket());
    findings = new SlowFindings(fixture.bucket());
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
  afterEach(() => remove());

  const name = () => blobName(`sha256/${record.content.sha256}`);
  const found = async () => (await fixture.bucket().stat(name())) ?? assert.fail('it is not there');

  function contentOf(content: Buffer) {
    const tally = new Tally();
    tally.update(content);
    const { size, crc32c, sha256 } = tally.digests();
    return { size, crc32c, sha256: parseSha256(sha256) ?? assert.fail() };
  }

  async function put(content: Buffer, fields: Readonly<Record<string, string>> = metadata, at = name()) {
    async function* source() {
      yield content;
    }
    const options = { contentType: 'application/octet-stream', metadata: fields };
    await (await fixture.bucket().stage(at, source(), options)).commit();
  }

  async function remove(at = name()): Promise<void> {
    const object = await fixture.bucket().stat(at);
    if (object) await fixture.bucket().delete(at, object);
  }

  function open(
    headers: Readonly<Record<string, string>> = {},
    method: 'GET' | 'HEAD' = 'GET',
    redirect?: Redirect,
  ) {
    return openDownload({ blobs, findings, redirect }, record, {
      method,
      reader: OWNER,
      headers,
      signal: new AbortController().signal,
    });
  }

  /** The answer to whether it may be read comes late, and `meanwhile` was first. */
  async function slowly<T>(
    download: () => Promise<T>,
    meanwhile: () => Promise<void>,
    asked: WatchedBlobs | SlowFindings = blobs,
  ): Promise<T> {
    const over = Promise.withResolvers<void>();
    asked.until = over.promise;
    const downloading = download();
    downloading.catch(() => undefined);
    while (!blobs.ahead) await new Promise((resolve) => setTimeout(resolve, 5));
    await meanwhile();
    over.resolve();
    return downloading;
  }

  it('is one read, of the whole or of a range', async () => {
    const ahead = async (download: ReturnType<typeof open>): Promise<Ahead> => {
      blobs.ahead = undefined;
      assert.ok((await collect((await download).bytes)).length > 0);
      return blobs.ahead ?? assert.fail('nothing was read ahead');
    };
    await ahead(open());
    await ahead(open({ range: 'bytes=0-0' }));
    before = reads();
    assert.deepEqual(await collect((await open()).bytes), bytes);
    assert.equal(reads() - before, 1);
    const { status, bytes: range } = await open({ range: 'bytes=5-2000004' });
    assert.equal(status, 206);
    assert.deepEqual(await collect(range), bytes.subarray(5, 2_000_005));
    assert.equal(reads() - before, 2);
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

  it('sends the headers of the whole for GET and HEAD, and no bytes for HEAD', async () => {
    record = { ...record, fileName: 'røntgen.txt' };
    const download = await open();
    assert.equal(download.status, 200);
    assert.deepEqual(download.headers, {
      ...common(),
      ...ofContent(),
      'content-disposition': `attachment; filename="r?ntgen.txt"; filename*=UTF-8''r%C3%B8ntgen.txt`,
      'content-length': '3000000',
    });
    assert.deepEqual(await collect(download.bytes), bytes);
    before = reads();
    const head = await open({ range: 'bytes=0-1' }, 'HEAD');
    assert.deepEqual([head.status, head.headers], [200, download.headers]);
    assert.deepEqual([await collect(head.bytes), reads()], [Buffer.of(), before]);
  });

  function common() {
    return {
      'cache-control': 'private, no-cache',
      vary: 'Authorization',
      etag: `"${record.content.sha256}"`,
      'last-modified': record.createdAt.toUTCString(),
    };
  }
  function ofContent() {
    return {
      'accept-ranges': 'bytes',
      'content-type': 'text/plain',
      'content-disposition': 'attachment',
      'content-security-policy': "default-src 'none'; sandbox",
      'repr-digest': `sha-256=:${Buffer.from(record.content.sha256, 'hex').toString('base64')}:`,
    };
  }

  it('answers 304 with the common headers if the client has the file already', async () => {
    for (const method of ['GET', 'HEAD'] as const) {
      const since = { 'if-modified-since': record.createdAt.toUTCString() };
      for (const headers of [{ 'if-none-match': common().etag, range: 'bytes=3000000-' }, since]) {
        const download = await open(headers, method);
        assert.deepEqual([download.status, download.headers], [304, common()]);
        assert.deepEqual(await collect(download.bytes), Buffer.of());
      }
    }
    assert.equal(reads() - before, 0);
  });

  it('answers a range with its position and the size of the whole', async () => {
    const { status, headers, bytes: range } = await open({ range: 'bytes=7-7', 'if-range': common().etag });
    const expected = {
      ...common(),
      ...ofContent(),
      'content-length': '1',
      'content-range': 'bytes 7-7/3000000',
    };
    assert.deepEqual([status, headers], [206, expected]);
    assert.deepEqual(await collect(range), bytes.subarray(7, 8));
    assert.equal((await open({ range: 'bytes=7-7', 'if-range': '"another"' })).status, 200);
  });

  it('answers several ranges with the type in each part and the length of the whole body', async () => {
    const { status, headers, bytes: parts } = await open({ range: 'bytes=5-9,2000000-' });
    const { 'content-type': type, 'content-length': length, ...others } = headers;
    const { 'content-type': _, ...expected } = { ...common(), ...ofContent() };
    assert.deepEqual([status, others], [206, expected]);
    assert.match(type ?? '', /^multipart\/byteranges; boundary=/);
    const body = await collect(parts);
    assert.equal(length, String(body.length));
    assert.ok(body.includes(bytes.subarray(5, 10)) && body.includes(bytes.subarray(2_000_000)));
    assert.ok(body.includes('Content-Type: text/plain\r\nContent-Range: bytes 5-9/3000000\r\n'));
  });

  it('answers 416 with the size to GET, and ignores the range for HEAD', async () => {
    const expected = { 'content-range': 'bytes */3000000', 'accept-ranges': 'bytes' };
    await assert.rejects(open({ range: 'bytes=3000000-' }), (error: Problem) => {
      assert.deepEqual([error.type, error.extras.headers], ['range-not-satisfiable', expected]);
      return true;
    });
    assert.equal((await open({ range: 'bytes=3000000-' }, 'HEAD')).status, 200);
  });

  it('reads nothing for an empty file', async () => {
    await remove();
    record = { ...record, content: contentOf(Buffer.of()) };
    await put(Buffer.of());
    const { status, headers, bytes: none } = await open();
    assert.deepEqual([status, headers['content-length']], [200, '0']);
    assert.deepEqual([await collect(none), blobs.ahead, reads()], [Buffer.of(), undefined, before]);
  });

  for (const range of [undefined, 'bytes=0-', 'bytes=-3000000']) {
    it(`never completes ${range ?? 'the whole'} if a bit changed on the way`, async () => {
      const effect = { kind: 'corrupt' } as const;
      fixture.storage.emulator.faults.add({ operation: 'objects.getMedia', effect });
      const { bytes: corrupt } = await open(range === undefined ? {} : { range });
      await assert.rejects(collect(corrupt), { name: 'ContentMismatch' });
    });
  }

  it('does not compare a part with the checksum of the whole, wherever it begins or ends', async () => {
    for (const [start, end] of [
      [0, 2_999_998],
      [1, 2_999_999],
    ] as const) {
      const { bytes: range } = await open({ range: `bytes=${start}-${end}` });
      assert.deepEqual(await collect(range), bytes.subarray(start, end + 1));
    }
  });

  for (const [what, twist] of [
    ['size', { size: 2_999_999 }],
    ['checksum', { crc32c: 'AAAAAA==' }],
  ] as const) {
    it(`throws if the stored object has another ${what} than the record`, async () => {
      record = { ...record, content: { ...record.content, ...twist } };
      for (const method of ['GET', 'HEAD'] as const) {
        const message = `what is stored is not what the record of ${record.id} names`;
        await assert.rejects(open({ 'if-none-match': '*' }, method), { message });
      }
    });
  }

  it('breaks off several ranges if the object goes away before they are read', async () => {
    const { bytes: parts } = await open({ range: 'bytes=0-1,1000-1001' });
    await remove();
    await assert.rejects(collect(parts), { message: `${name()} went away` });
  });

  describe('of an unscannable file that a policy accepts', () => {
    const accepted = () => acceptedName(record.id);
    beforeEach(async () => {
      const { state: _, ...others } = record;
      record = { ...others, state: 'unscannable', reason: 'encrypted', accepted: true } as ReadableRecord;
      await put(bytes, {}, accepted());
    });

    it('reads the bytes of this file alone, and not ahead', async () => {
      assert.deepEqual(await collect((await open()).bytes), bytes);
      assert.deepEqual([reads() - before, blobs.ahead], [1, undefined]);
      await remove(accepted());
      // The same content is a clean file of somebody: that is another policy's word.
      await assert.rejects(open(), /not what the record/);
    });

    it('is refused if malware has been found in it since', async () => {
      const other = randomBytes(10);
      await Promise.all([remove(), remove(accepted())]);
      record = { ...record, content: contentOf(other) };
      await put(other, {}, accepted());
      const finding = { signature: 'Eicar', scannedAt: new Date(), engine: { engine: '1.4.6' } };
      await findings.add(record.content.sha256, finding);
      assert.equal(await problemOf(open()), 'file-infected');
    });
  });

  describe('of a large file', () => {
    const redirect = (aboveBytes: number): Redirect => ({
      aboveBytes,
      seconds: 60,
      origin: 'https://storage.example',
      signer: { email: async () => 'files@example.org', sign: async () => Buffer.from('signature') },
    });

    it('redirects GET without reading a byte, from the size on that is configured', async () => {
      const { status, headers, bytes: none } = await open({}, 'GET', redirect(2_999_999));
      const { location = '', ...others } = headers;
      assert.deepEqual([status, others], [307, { 'content-length': '0' }]);
      const path = `https://storage.example/${fixture.bucket().name}/${name()}?`;
      assert.ok(location.startsWith(path), location);
      assert.ok(location.includes(`generation=${(await found()).generation}`));
      assert.deepEqual([await collect(none), reads() - before], [Buffer.of(), 0]);
      assert.equal((await open({}, 'HEAD', redirect(2_999_999))).status, 200);
      assert.equal((await open({}, 'GET', redirect(3_000_000))).status, 200);
    });

    it('is not redirected if malware has been found in it, or the range does not exist', async () => {
      const beyond = open({ range: 'bytes=3000000-' }, 'GET', redirect(0));
      assert.equal(await problemOf(beyond), 'range-not-satisfiable');
      const marked = { signature: 'Eicar' };
      await fixture.bucket().patch(name(), await found(), marked);
      await assert.rejects(open({}, 'GET', redirect(0)), (error: Problem) => {
        assert.deepEqual([error.type, error.extras.members], ['file-infected', marked]);
        return true;
      });
    });
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

  it('is no byte of what is found infected meanwhile, and holds no connection', async () => {
    const condemned = { signature: 'Eicar', condemnedAt: new Date().toISOString(), engine: '1.4.6' };
    const download = slowly(open, async () => {
      await fixture.bucket().patch(name(), await found(), condemned);
    });
    assert.equal(await problemOf(download), 'file-infected');
    await assert.rejects(collect(blobs.ahead?.bytes ?? assert.fail()), /aborted/);
  });

  it('is no byte of what malware was found in meanwhile, whatever its blob says', async () => {
    const { sha256 } = record.content;
    const finding = { signature: 'Eicar', scannedAt: new Date(), engine: { engine: '1.4.6' } };
    const downloading = slowly(open, async () => void (await findings.add(sha256, finding)), findings);
    assert.equal(await problemOf(downloading), 'file-infected');
    await assert.rejects(collect(blobs.ahead?.bytes ?? assert.fail()), /aborted/);
    assert.equal(await problemOf(open({}, 'HEAD')), 'file-infected');
    const known = (await findings.get(sha256)) ?? assert.fail();
    assert.ok(
      await findings.release(known, { by: 'operator@example.org', at: new Date(), reason: 'harmless' }),
    );
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
});
