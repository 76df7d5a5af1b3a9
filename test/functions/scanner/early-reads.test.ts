import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { EarlyReads } from '../../../functions/scanner/early-reads.ts';
import { Blobs } from '../../../shared/files/blobs.ts';
import { Findings } from '../../../shared/files/findings.ts';
import { parseSha256 } from '../../../shared/files/record.ts';
import { ScanFault } from '../../../shared/scanning/verdict.ts';
import { Bucket } from '../../../shared/storage/bucket.ts';
import { connectStorage } from '../../../shared/storage/connect.ts';
import { EmulatorFixture } from '../../infra/emulators/storage/emulator-fixture.ts';
import { collect, FAST_RETRY } from '../../shared/storage/streams.ts';

const SMALL = 1_000;
const ENGINE = { engine: '1.4.6' };
const never = new AbortController().signal;
const OTHER = parseSha256('0'.repeat(64)) ?? assert.fail();

describe('early reads', () => {
  const storage = new EmulatorFixture({ buckets: ['unscanned', 'permanent'] });
  let unscanned: Bucket;
  let permanent: Bucket;
  beforeEach(() => {
    const connection = connectStorage(storage.url);
    [unscanned, permanent] = ['unscanned', 'permanent'].map(
      (name) => new Bucket(connection, name, { retry: FAST_RETRY, paced: true }),
    ) as [Bucket, Bucket];
  });
  afterEach(() => storage.emulator.faults.clear());

  const readsWith = (how: Partial<ConstructorParameters<typeof EarlyReads>[0]> = {}) =>
    new EarlyReads({
      unscanned,
      engine: { fit: async () => ENGINE },
      blobs: new Blobs(permanent),
      findings: new Findings(permanent),
      smallBytes: SMALL,
      totalBytes: 2 * SMALL,
      ...how,
    });
  async function stored(bytes: Buffer, describe?: (known: { sha256: string }) => { sha256: string }) {
    const name = `object-${randomBytes(4).toString('hex')}`;
    const staged = await unscanned.stage(name, Readable.from([bytes]), { contentType: 'a/b' }, describe);
    return staged.commit();
  }
  const calls = (operation: 'objects.get' | 'objects.getMedia') =>
    storage.emulator.operations.of(operation).calls;

  it('are of small files alone, and hand their bytes to the first who takes them', async () => {
    const bytes = randomBytes(SMALL);
    const object = await stored(bytes);
    using early = readsWith().begin(object, never);
    assert.ok(early);
    assert.equal(early.takeBytes(SMALL - 1), undefined, 'a size that the bucket says otherwise');
    const taken = (await early.takeBytes(SMALL)) ?? assert.fail();
    assert.ok((await collect(taken)).equals(bytes));
    assert.equal(early.takeBytes(SMALL), undefined);
    assert.equal(readsWith().begin({ ...object, size: SMALL + 1 }, never), undefined);
  });

  it('are as many as there is room for, which comes back with each that is over', async () => {
    const object = await stored(randomBytes(SMALL));
    const reads = readsWith();
    const first = reads.begin(object, never);
    using second = reads.begin(object, never);
    assert.ok(first && second);
    assert.equal(reads.begin(object, never), undefined);
    first[Symbol.dispose]();
    using third = reads.begin(object, never);
    assert.ok(third);
  });

  it('look up what is known of the content that the object names, and of no other', async () => {
    const bytes = randomBytes(10);
    const sha256 = parseSha256(createHash('sha256').update(bytes).digest('hex')) ?? assert.fail();
    const finding = { signature: 'X', scannedAt: new Date(0), engine: ENGINE };
    await new Findings(permanent).add(sha256, finding);
    using early = readsWith().begin(await stored(bytes, (known) => ({ sha256: known.sha256 })), never);
    assert.equal(early?.takeKnown(OTHER), undefined);
    const known = await early?.takeKnown(sha256);
    assert.deepEqual([known?.blob, known?.finding?.signature], [undefined, 'X']);
    assert.equal(early?.takeKnown(sha256), undefined);
  });

  it('look up nothing where the object names no content, or owners have separate contents', async () => {
    const before = calls('objects.get');
    using unnamed = readsWith().begin(await stored(randomBytes(10)), never);
    const blobs = new Blobs(permanent, { deduplicate: 'owner' });
    using apart = readsWith({ blobs }).begin(await stored(randomBytes(10), () => ({ sha256: OTHER })), never);
    assert.deepEqual([unnamed?.takeKnown(OTHER), apart?.takeKnown(OTHER)], [undefined, undefined]);
    assert.equal(calls('objects.get'), before);
  });

  it('read no byte, and say why, without an engine that is fit', async () => {
    const before = calls('objects.getMedia');
    const engine = { fit: () => Promise.reject(new ScanFault('unfit', 'stale')) };
    using early = readsWith({ engine }).begin(await stored(randomBytes(10)), never);
    await assert.rejects(early?.takeBytes(10) ?? assert.fail(), { code: 'unfit' });
    assert.equal(calls('objects.getMedia'), before);
  });

  it('say that the bytes are gone, or cannot be read, to who takes them alone', async () => {
    const object = await stored(randomBytes(10));
    await unscanned.delete(object.name, object);
    using gone = readsWith().begin(object, never);
    assert.equal(await gone?.takeBytes(10), undefined);
    storage.emulator.faults.add({ operation: 'objects.getMedia', effect: { kind: 'error', status: 403 } });
    using refused = readsWith().begin(object, never);
    await assert.rejects(refused?.takeBytes(10) ?? assert.fail(), { status: 403 });
    using left = readsWith().begin(object, never);
    assert.ok(left, 'and nobody takes it');
  });

  it('end with their scan, and with the process', async () => {
    const object = await stored(randomBytes(10));
    storage.emulator.faults.add({
      operation: 'objects.getMedia',
      times: 2,
      effect: { kind: 'delay', ms: 5_000 },
    });
    const early = readsWith().begin(object, never);
    const bytes = early?.takeBytes(10) ?? assert.fail();
    early?.[Symbol.dispose]();
    await assert.rejects(bytes);
    const shutdown = new AbortController();
    using other = readsWith().begin(object, shutdown.signal);
    const others = other?.takeBytes(10) ?? assert.fail();
    shutdown.abort(new Error('shutting down'));
    await assert.rejects(others);
  });
});
