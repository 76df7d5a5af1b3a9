import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { type Download, openDownload } from '../../../functions/files/download.ts';
import { ReceiptWriter } from '../../../functions/files/receipt-writer.ts';
import type { Redirect } from '../../../functions/files/redirect.ts';
import type { EventMessage, Publish } from '../../../shared/events/cloud-event.ts';
import { blobName } from '../../../shared/files/blob-name.ts';
import { Blobs } from '../../../shared/files/blobs.ts';
import { newFileId } from '../../../shared/files/file-id.ts';
import { Findings } from '../../../shared/files/findings.ts';
import type { ReadableRecord } from '../../../shared/files/readable.ts';
import { type Receipt, Receipts, receiptsOf } from '../../../shared/files/receipts.ts';
import { parseSha256 } from '../../../shared/files/record.ts';
import type { Principal } from '../../../shared/identity/principal.ts';
import { connectStorage } from '../../../shared/storage/connect.ts';
import type { Generation } from '../../../shared/storage/object.ts';
import { Tally } from '../../../shared/storage/tally.ts';
import { collect, FAST_RETRY } from '../../shared/storage/streams.ts';
import { viewersNamed } from '../../support/records.ts';
import { type Hook, HookedBucket, straight } from '../sweeper/hooked-bucket.ts';
import { OWNER, problemOf, RecordsFixture } from './fixture.ts';

const READER = 'org:123456785' as Principal;
const OTHER = 'user:kari@example.org' as Principal;
const HOUR = 3_600_000;

/** One instance of the files function. */
interface Instance {
  readonly writer: ReceiptWriter;
  readonly hook: Hook;
}

describe('the receipt of a download', () => {
  let now = Date.now();
  const fixture = new RecordsFixture(() => now);
  let bytes: Buffer;
  const { signal } = new AbortController();
  let record: ReadableRecord;
  /** Steps in their order: `publish`, or an operation and the prefix of the name. */
  let steps: string[];
  let published: EventMessage[];

  beforeEach(async () => {
    now = Date.now();
    steps = [];
    published = [];
    bytes = randomBytes(100_000);
    const tally = new Tally();
    tally.update(bytes);
    const { size, crc32c, sha256 } = tally.digests();
    const createdAt = new Date(now);
    record = {
      id: newFileId(OWNER, createdAt),
      owner: OWNER,
      viewers: viewersNamed(READER, OTHER),
      createdAt,
      contentType: 'text/plain',
      state: 'clean',
      content: { size, crc32c, sha256: parseSha256(sha256) ?? assert.fail() },
      scan: { generation: '1' as Generation, scannedAt: createdAt },
    };
    const options = {
      contentType: 'application/octet-stream',
      metadata: { scannedAt: createdAt.toISOString(), engine: '1.4.6' },
    };
    const name = blobName(`sha256/${sha256}`);
    async function* source() {
      yield bytes;
    }
    await (await fixture.bucket().stage(name, source(), options)).commit();
  });

  const noting =
    (hook: Hook): Hook =>
    (operation, name, run) =>
      hook(operation, name, async () => {
        const done = await run();
        steps.push(operation === 'publish' ? operation : `${operation} ${name.split('/')[0]}`);
        return done;
      });

  function bucketOf(hook: Hook): HookedBucket {
    const options = { retry: FAST_RETRY, paced: true, timeoutMs: 30_000 };
    return new HookedBucket(hook, connectStorage(fixture.storage.url), fixture.bucket().name, options);
  }

  function instance(hook: Hook = straight): Instance {
    const noted = noting(hook);
    const publish: Publish = (event) =>
      noted('publish', 'event', async () => {
        published.push(event);
      });
    const receipts = new Receipts(bucketOf(noted));
    return { hook: noted, writer: new ReceiptWriter({ receipts, publish, now: () => new Date(now) }) };
  }

  function open(
    { writer, hook }: Instance,
    reader = READER,
    how: {
      headers?: Record<string, string>;
      method?: 'GET' | 'HEAD';
      redirect?: Redirect;
    } = {},
  ): Promise<Download> {
    const { headers = {}, method = 'GET', redirect } = how;
    const bucket = bucketOf(hook);
    const stored = {
      blobs: new Blobs(bucket),
      findings: new Findings(bucket),
      receiptWriter: writer,
      redirect,
    };
    return openDownload(stored, record, { method, reader, headers, signal });
  }

  async function receipts(): Promise<readonly Receipt[]> {
    const page = { after: undefined, limit: 100, signal };
    return (await new Receipts(fixture.bucket()).page(record.id, page)).items;
  }
  const readers = async () => (await receipts()).map(({ principal }) => principal).sort();
  const eventIds = () => published.map(({ attributes }) => attributes['ce-id']);
  const found = () =>
    new Findings(fixture.bucket()).add(record.content.sha256, {
      signature: 'Late',
      scannedAt: new Date(now),
      engine: { engine: '1.4.6' },
    });
  it('is there, after its event, before there is a byte to hand out', async () => {
    const download = await open(instance());
    assert.deepEqual(steps.slice(-3), ['publish', 'insert receipts', 'stat findings']);
    const at = new Date(now).toISOString();
    assert.deepEqual(await receipts(), [{ principal: READER, at }]);
    assert.deepEqual(await collect(download.bytes), bytes);
    const [{ attributes, data } = assert.fail()] = published;
    assert.equal(attributes['eventType'], 'file.downloaded.v1');
    assert.equal(attributes['owner'], OWNER);
    const { downloadedBy, downloadedAt, verdict } = JSON.parse(data.toString()) as Record<string, unknown>;
    assert.deepEqual([downloadedBy, downloadedAt, verdict], [READER, at, 'clean']);
  });

  it('is a zero-byte object by the digest of its reader', async () => {
    await open(instance(), OTHER);
    const { objects } = await fixture.bucket().list({ prefix: receiptsOf(record.id), maxResults: 10 });
    const digest = createHash('sha256').update(OTHER).digest('hex');
    assert.deepEqual(
      objects.map(({ name, size }) => [name, size]),
      [[`receipts/${record.id}/${digest}`, 0]],
    );
  });

  it('costs its first download a look, a write and a second look for a finding', async () => {
    await collect((await open(instance())).bytes);
    const counted = Object.entries(Object.groupBy(steps, (step) => step)).map(([step, all]) => [
      step,
      all?.length,
    ]);
    assert.deepEqual(Object.fromEntries(counted), {
      'stat receipts': 1,
      'stat findings': 2,
      'stat blobs': 1,
      publish: 1,
      'insert receipts': 1,
    });
  });

  it('costs the further ranges of a download nothing, and a download by another instance one look', async () => {
    const first = instance();
    await open(first);
    steps = [];
    for (const range of ['bytes=0-9', 'bytes=10-19', 'bytes=0-1,5-6'])
      await open(first, READER, { headers: { range } });
    assert.deepEqual(new Set(steps), new Set(['stat findings', 'stat blobs']));
    assert.equal(steps.length, 6);
    now += HOUR;
    steps = [];
    await open(instance());
    assert.deepEqual(steps.sort(), ['stat blobs', 'stat findings', 'stat receipts']);
    assert.deepEqual([eventIds().length, await readers()], [1, [READER]]);
  });

  it('is there for a range as well, and for several', async () => {
    await open(instance(), READER, { headers: { range: 'bytes=0-0' } });
    await open(instance(), OTHER, { headers: { range: 'bytes=0-0,9-9' } });
    assert.deepEqual(await readers(), [READER, OTHER].sort());
  });

  it('is none of HEAD, 304, 412 and 416', async () => {
    const etag = `"${record.content.sha256}"`;
    await open(instance(), READER, { method: 'HEAD' });
    assert.equal((await open(instance(), READER, { headers: { 'if-none-match': etag } })).status, 304);
    const refused = (headers: Record<string, string>) => problemOf(open(instance(), READER, { headers }));
    assert.equal(await refused({ 'if-match': '"another"' }), 'precondition-failed');
    assert.equal(await refused({ range: 'bytes=100000-' }), 'range-not-satisfiable');
    assert.deepEqual([await receipts(), published], [[], []]);
    assert.ok(!steps.includes('stat receipts'));
  });

  it('is there before a redirect is signed', async () => {
    let before: readonly Principal[] = [];
    const signer = {
      email: async () => {
        before = await readers();
        return 'files@example.org';
      },
      sign: async () => Buffer.from('signature'),
    };
    const redirect = { aboveBytes: 1, seconds: 60, origin: 'https://storage.googleapis.com', signer };
    const { status } = await open(instance(), READER, { redirect });
    assert.deepEqual([status, before, eventIds().length], [307, [READER], 1]);
  });

  it('of its owner has no event', async () => {
    await open(instance(), OWNER);
    assert.deepEqual([await readers(), published], [[OWNER], []]);
  });

  it('is one for many requests at once, of one instance or of several', async () => {
    const one = instance();
    await Promise.all(Array.from({ length: 5 }, () => open(one)));
    assert.equal(published.length, 1);
    assert.equal(steps.filter((step) => step === 'insert receipts').length, 1);
    const several = [instance(), instance(), instance()];
    await Promise.all(several.map((each) => open(each, OTHER)));
    assert.equal(new Set(eventIds()).size, 2);
    assert.deepEqual(await readers(), [READER, OTHER].sort());
  });

  for (const [what, fails] of [
    ['nobody can say whether it is there', 'stat'],
    ['it cannot be written', 'insert'],
    ['its event cannot be published', 'publish'],
  ] as const) {
    it(`is missed by no byte: 503 where ${what}`, async () => {
      const failing: Hook = (operation, name, run) => {
        const isIt = operation === fails && (fails === 'publish' || name.startsWith('receipts/'));
        return isIt ? Promise.reject(new Error('refused')) : run();
      };
      const refusal = await open(instance(failing)).catch((error: unknown) => error);
      assert.ok(refusal instanceof Error && 'status' in refusal);
      assert.equal(refusal.status, 503);
      assert.match(String(refusal.cause), /refused/);
      assert.deepEqual(await receipts(), []);
    });
  }

  it('is written after a crash between event and receipt, with the same event once more', async () => {
    let dying = true;
    const first = instance((operation, _name, run) =>
      dying && operation === 'insert' ? Promise.reject(new Error('died')) : run(),
    );
    assert.equal(await problemOf(open(first)), 'unavailable');
    await open(instance());
    assert.deepEqual([published.length, new Set(eventIds()).size], [2, 1]);
    dying = false;
    await open(first);
    assert.deepEqual(await readers(), [READER]);
    assert.equal(published.length, 2);
  });

  it('does not open a file in which malware is found while it is written', async () => {
    const first = instance(async (operation, name, run) => {
      if (operation === 'insert' && name.startsWith('receipts/')) await found();
      return run();
    });
    assert.equal(await problemOf(open(first)), 'file-infected');
    assert.deepEqual(await readers(), [READER]);
  });

  it('does not open a file either where another instance writes it meanwhile', async () => {
    const looked = Promise.withResolvers<void>();
    const late = instance(async (operation, name, run) => {
      if (operation === 'stat' && name.startsWith('findings/')) {
        const known = await run();
        looked.resolve();
        return known;
      }
      if (operation !== 'stat' || !name.startsWith('receipts/')) return run();
      await looked.promise;
      await open(instance());
      now += 2_000;
      await found();
      return run();
    });
    assert.equal(await problemOf(open(late)), 'file-infected');
  });

  it('is not listed where somebody else wrote its metadata', async () => {
    await fixture
      .bucket()
      .insertEmpty(`${receiptsOf(record.id)}${'a'.repeat(64)}`, { metadata: { principal: 'x' } });
    await open(instance());
    assert.deepEqual(await readers(), [READER]);
  });

  it('is looked for again once too many others were remembered', async () => {
    const asked: string[] = [];
    const receipts = {
      writtenAt: async (_id: string, principal: Principal) => {
        asked.push(principal);
        return new Date(0);
      },
      add: async () => undefined,
    };
    const writer = new ReceiptWriter({ receipts, publish: async () => undefined, now: () => new Date(now) });
    for (let index = 0; index <= 10_000; index++) {
      await writer.begin(record, `org:${index}` as Principal, signal).written();
    }
    await writer.begin(record, 'org:10000' as Principal, signal).written();
    assert.equal(asked.length, 10_001);
    await writer.begin(record, 'org:0' as Principal, signal).written();
    assert.equal(asked.length, 10_002);
  });
});
