import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { Admission } from '../../../functions/scanner/admission/admission.ts';
import { TempSpace } from '../../../functions/scanner/admission/temp-space.ts';
import { EarlyReads } from '../../../functions/scanner/early-reads.ts';
import { scanFinalized } from '../../../functions/scanner/scan.ts';
import type { ScanContext } from '../../../functions/scanner/scan-context.ts';
import { createFile } from '../../../functions/upload/create-file.ts';
import { openDirect } from '../../../functions/upload/direct.ts';
import type { EventMessage } from '../../../shared/events/cloud-event.ts';
import { BlobMismatch } from '../../../shared/files/blob.ts';
import { Blobs } from '../../../shared/files/blobs.ts';
import { Candidates } from '../../../shared/files/candidates.ts';
import { toDeleted } from '../../../shared/files/ends.ts';
import { type FileId, newFileId } from '../../../shared/files/file-id.ts';
import { Findings } from '../../../shared/files/findings.ts';
import { assemble, NO_PARTS, partName, withPart } from '../../../shared/files/parts.ts';
import {
  type Content,
  type FileRecord,
  type PendingRecord,
  parseSha256,
  type Sha256,
} from '../../../shared/files/record.ts';
import { Records } from '../../../shared/files/records.ts';
import type { TusRecord } from '../../../shared/files/uploading.ts';
import type { Principal } from '../../../shared/identity/principal.ts';
import { EICAR } from '../../../shared/scanning/canary.ts';
import type { Clamd } from '../../../shared/scanning/clamd.ts';
import { sizesFor } from '../../../shared/scanning/sizes.ts';
import { ScanFault, type Verdict } from '../../../shared/scanning/verdict.ts';
import { Bucket } from '../../../shared/storage/bucket.ts';
import { connectStorage } from '../../../shared/storage/connect.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';
import { EmulatorFixture } from '../../infra/emulators/storage/emulator-fixture.ts';
import { zip } from '../../infra/local/clamav/zip.ts';
import { FAST_RETRY } from '../../shared/storage/streams.ts';
import { sharedScanner } from '../../support/clamd.ts';
import { viewersNamed } from '../../support/records.ts';

const OWNER = 'org:889640782' as Principal;
function admissionOf(slots: number, maxWaiting: number, free = Number.MAX_SAFE_INTEGER): Admission {
  const tempSpace = new TempSpace(() => free, sizesFor(10_000_000));
  return new Admission({ slots, maxWaiting, maxWaitMs: 10_000, tempSpace });
}

const never = new AbortController().signal;

function contentOf(bytes: Buffer): Content {
  const sha256 = parseSha256(createHash('sha256').update(bytes).digest('hex'));
  assert.ok(sha256);
  return { size: bytes.length, sha256, crc32c: '' };
}

describe('the steps of a scan', () => {
  const fixture = new EmulatorFixture({ buckets: ['unscanned', 'permanent', 'quarantine'] });
  let clamd: Clamd;
  let scan: ScanContext;
  let permanent: Bucket;
  let published: EventMessage[];
  let now: number;
  before(async () => {
    clamd = await sharedScanner();
  });
  beforeEach(() => {
    const storage = connectStorage(fixture.url);
    const bucket = (name: string) =>
      new Bucket(storage, name, { retry: FAST_RETRY, paced: true, timeoutMs: 30_000 });
    permanent = bucket('permanent');
    published = [];
    now = Date.now();
    scan = {
      records: new Records(permanent),
      candidates: new Candidates(permanent),
      findings: new Findings(permanent),
      blobs: new Blobs(permanent, { now: () => new Date(now) }),
      unscanned: bucket('unscanned'),
      quarantine: bucket('quarantine'),
      publish: async (event) => void published.push(event),
      scanner: clamd,
      engine: { fit: () => clamd.version() },
      admission: admissionOf(2, 50),
      accepts: new Set(),
      maxScanBytes: 10_000_000,
      verdictMaxAgeMs: 3_600_000,
      lease: { aboveBytes: 1_000_000, durationMs: 60_000, holder: 'this', now: () => new Date(now) },
      now: () => new Date(now),
      log: pino({ level: 'silent' }),
    };
    // Contents of more are read once they have a slot.
    scan = { ...scan, early: new EarlyReads({ ...scan, smallBytes: 700, totalBytes: 10_000 }) };
  });
  afterEach(() => fixture.emulator.faults.clear());

  /** An upload, and the object that its event names. */
  async function uploaded(
    bytes: Buffer,
    owner = OWNER,
  ): Promise<{ record: PendingRecord; object: StoredObject }> {
    async function* source() {
      yield bytes;
    }
    const upload = { owner, contentType: 'text/plain', fileName: undefined, bytes: source() };
    const record = await createFile({ ...scan, now: scan.now }, upload);
    const object = await scan.unscanned.stat(record.id);
    assert.ok(object);
    return { record, object };
  }
  async function recordOf({ id }: FileRecord): Promise<FileRecord> {
    const read = await scan.records.get(id);
    assert.ok(read);
    return read.record;
  }
  const run = (object: StoredObject, how: Partial<ScanContext> = {}) =>
    scanFinalized({ ...scan, ...how }, object, never);
  const findingOf = (bytes: Buffer) => scan.findings.get(contentOf(bytes).sha256);
  const blobOf = (bytes: Buffer) => scan.blobs.find({ owner: OWNER, content: contentOf(bytes) });
  const ids = () => published.map(({ attributes }) => attributes['ce-id']);

  it('are idempotent: an event that comes again and again changes nothing, and says the same', async () => {
    const bytes = randomBytes(1000);
    const { record, object } = await uploaded(bytes);
    for (let i = 0; i < 3; i++) assert.deepEqual(await run(object), { kind: 'done' });
    assert.equal((await recordOf(record)).state, 'clean');
    assert.equal(await scan.unscanned.stat(record.id), undefined);
    assert.equal(new Set(ids()).size, 1);
  });

  it('have one outcome for fifty deliveries at once', async () => {
    const { record, object } = await uploaded(randomBytes(1000));
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => run(object)));
    assert.ok(outcomes.every(({ kind }) => kind === 'done'));
    assert.equal((await recordOf(record)).state, 'clean');
    assert.equal(new Set(ids()).size, 1);
  });

  for (const [what, size, durationMs] of [
    ['a small file', 1000, 60_000],
    ['a file under a lease', 1_500_000, 30],
  ] as const) {
    it(`scan ${what} once, with any grant or revocation meanwhile`, async () => {
      const { record, object } = await uploaded(randomBytes(size));
      let scans = 0;
      const share = async (change: Partial<FileRecord>): Promise<void> => {
        for (let written = false; !written; ) {
          const read = await scan.records.get(record.id);
          assert.ok(read?.record.state === 'pending');
          written =
            (await scan.records.replace(read, { ...read.record, ...change } as FileRecord)) !== undefined;
        }
      };
      const scanner: Clamd = {
        ...clamd,
        scan: async (...parameters) => {
          scans++;
          const verdict = await clamd.scan(...parameters);
          await share({ viewers: viewersNamed('org:1') });
          // Until the lease has been renewed over it.
          const held = async () => (await scan.records.get(record.id))?.verdict?.metageneration ?? '0';
          for (const from = Number(await held()); size > 1_000_000 && Number(await held()) < from + 2; );
          await share({ viewers: viewersNamed('org:2'), referenced: true });
          return verdict;
        },
      };
      const lease = { ...scan.lease, durationMs, now: () => new Date() };
      assert.deepEqual(await run(object, { scanner, lease }), { kind: 'done' });
      const { state, viewers, referenced } = await recordOf(record);
      assert.deepEqual([scans, state, viewers, referenced], [1, 'clean', viewersNamed('org:2'), true]);
    });
  }
  it('hold no connection to storage after a scan that took no byte', async () => {
    const { object } = await uploaded(randomBytes(1000));
    const reads: (AbortSignal | undefined)[] = [];
    class Watched extends Bucket {
      override read(...[name, options]: Parameters<Bucket['read']>) {
        reads.push(options.signal);
        return super.read(name, options);
      }
    }
    const unscanned = new Watched(connectStorage(fixture.url), 'unscanned', {
      retry: FAST_RETRY,
      paced: true,
    });
    const scanner: Clamd = { ...clamd, scan: () => Promise.reject(new ScanFault('unreachable', 'no clamd')) };
    await assert.rejects(run(object, { unscanned, scanner }), { code: 'unreachable' });
    assert.deepEqual(
      reads.map((signal) => signal?.aborted),
      [true],
    );
  });

  it('take the bucket at its word, not the event, where nobody saw the bytes go by', async () => {
    const bytes = randomBytes(3000);
    const { record, object } = await uploaded(bytes);
    const { content: _, ...unseen } = record;
    const read = await scan.records.get(record.id);
    assert.ok(read);
    await scan.records.replace(read, unseen);
    // Of a file this small ClamAV would find nothing, and the rest would never be looked at.
    const forged = { ...object, size: 10, crc32c: 'AAAAAA==' };
    assert.deepEqual(await run(forged), { kind: 'done' });
    const decided = await recordOf(record);
    assert.ok(decided.state === 'clean');
    assert.deepEqual([decided.content.size, decided.content.crc32c], [3000, object.crc32c]);
  });

  it('end for an object that is gone, or a generation that is, as if its event had been right', async () => {
    const { record, object } = await uploaded(randomBytes(3000));
    const { content: _, ...unseen } = record;
    const read = await scan.records.get(record.id);
    assert.ok(read);
    await scan.records.replace(read, unseen);
    const other = { ...object, generation: '17' as typeof object.generation };
    assert.deepEqual(await run(other), { kind: 'done' });
    assert.equal((await recordOf(record)).state, 'pending');
    await scan.unscanned.delete(object.name, object);
    assert.deepEqual(await run(object), { kind: 'done' });
    const failed = await recordOf(record);
    assert.ok(failed.state === 'failed' && failed.failure === 'sourceGone');
  });

  it('give no file up by an event of another generation, whatever it says of its bytes', async () => {
    const { record, object } = await uploaded(randomBytes(3000));
    const other = { ...object, generation: '17' as typeof object.generation, size: 10, crc32c: 'AAAAAA==' };
    assert.deepEqual(await run(other), { kind: 'done' });
    assert.equal((await recordOf(record)).state, 'pending');
    assert.deepEqual(await run(object), { kind: 'done' });
    assert.equal((await recordOf(record)).state, 'clean');
  });

  /** Scans a file once, and grants a viewer while it does. */
  async function scannedOnce({
    record,
    object,
  }: {
    record: FileRecord;
    object: StoredObject;
  }): Promise<void> {
    let scans = 0;
    const scanner: Clamd = {
      ...clamd,
      scan: async (...parameters) => {
        scans++;
        const read = (await scan.records.get(record.id)) ?? assert.fail();
        await scan.records.replace(read, { ...read.record, viewers: viewersNamed('org:1') });
        return clamd.scan(...parameters);
      },
    };
    assert.deepEqual(await run(object, { scanner }), { kind: 'done' });
    const { state, viewers } = await recordOf(record);
    assert.deepEqual([scans, state, viewers], [1, 'clean', viewersNamed('org:1')]);
  }

  async function direct(bytes: Buffer, claims: { size?: number; sha256?: string } = {}) {
    const order = { owner: OWNER, contentType: 'text/plain', size: bytes.length, origin: undefined };
    const sha256 = claims.sha256 as Sha256 | undefined;
    const opened = await openDirect({ ...scan, expiresMs: 1000, now: scan.now }, { ...order, sha256 });
    await fetch(opened.upload.session, { method: 'PUT', body: new Uint8Array(bytes) });
    const read = await scan.records.get(opened.id);
    assert.ok(read);
    // Cloud Storage holds a session to its size; should it not one day, this is noticed.
    const upload = { ...opened.upload, length: claims.size ?? bytes.length };
    await scan.records.replace(read, { ...opened, upload });
    const object = await scan.unscanned.stat(opened.id);
    assert.ok(object);
    return { record: opened, object };
  }

  describe('of bytes that a client sent to Cloud Storage itself', () => {
    const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

    it('find the record as the client left it, and lead to the verdict', async () => {
      const bytes = randomBytes(2_000_000);
      const { record, object } = await direct(bytes, { sha256: digest(bytes) });
      assert.deepEqual(await run(object), { kind: 'done' });
      const decided = await recordOf(record);
      assert.ok(decided.state === 'clean');
      assert.equal(decided.content.sha256, digest(bytes));
      assert.equal(await scan.unscanned.stat(record.id), undefined);
    });

    it('scan them once, with any grant meanwhile', async () => scannedOnce(await direct(randomBytes(1000))));

    it('fail where the size is not the announced one, also when somebody redrives them', async () => {
      const { record, object } = await direct(randomBytes(1000), { size: 999 });
      await run(object);
      const failed = await recordOf(record);
      assert.ok(failed.state === 'failed');
      assert.deepEqual([failed.failure, failed.claims], ['contentMismatch', { size: 999 }]);
    });

    it('fail where the digest is not the claimed one, under a lease too', async () => {
      const { record, object } = await direct(randomBytes(1_500_000), { sha256: digest(Buffer.from('x')) });
      await run(object);
      const failed = await recordOf(record);
      assert.ok(failed.state === 'failed' && failed.failure === 'contentMismatch');
    });

    it('are scanned even where the claimed digest is known to be clean', async () => {
      const known = randomBytes(1000);
      await run((await uploaded(known)).object);
      const { record, object } = await direct(Buffer.from(EICAR), { sha256: digest(known) });
      await run(object);
      assert.equal((await recordOf(record)).state, 'infected');
    });
  });

  describe('of bytes that came by tus', () => {
    /** Its object as the upload function makes it. */
    async function tus(bytes: Buffer, sha256 = digest(bytes)) {
      const upload = { kind: 'tus', length: bytes.length, expiresAt: scan.now() } as const;
      const id = newFileId(OWNER);
      const stored = { owner: OWNER, viewers: [], createdAt: scan.now(), contentType: 'text/plain' };
      const { record } = await scan.records.insert<TusRecord>({ ...stored, id, state: 'uploading', upload });
      async function* part() {
        yield bytes;
      }
      const metadata = { running: '' };
      const options = { contentType: 'text/plain', metadata };
      const object = await (await scan.unscanned.stage(partName(id, 0), part(), options)).commit();
      const made = await assemble(scan.unscanned, id, withPart(NO_PARTS, object), sha256 as Sha256);
      return { record, object: made ?? assert.fail() };
    }
    const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

    it('find the record as it was created, and lead to the verdict', async () => {
      for (const [bytes, verdict] of [
        [randomBytes(2_000_000), 'clean'],
        [Buffer.from(EICAR), 'infected'],
      ] as const) {
        const { record, object } = await tus(bytes);
        assert.deepEqual(await run(object), { kind: 'done' });
        const decided = await recordOf(record);
        assert.equal(decided.state, verdict);
        assert.equal(decided.content?.sha256, digest(bytes));
        assert.equal(await scan.unscanned.stat(record.id), undefined);
      }
    });

    it('are not scanned again where they are known, by the digest that the object was made with', async () => {
      const known = randomBytes(1000);
      await run((await uploaded(known)).object);
      const { record, object } = await tus(known);
      assert.deepEqual(await run(object, { scanner: { ...clamd, scan: () => assert.fail('scanned') } }), {
        kind: 'done',
      });
      assert.equal((await recordOf(record)).state, 'clean');
    });

    it('fail where the object does not have the digest that it was made with', async () => {
      const { record, object } = await tus(randomBytes(1000), digest(Buffer.from('x')));
      await run(object);
      const failed = await recordOf(record);
      assert.ok(failed.state === 'failed' && failed.failure === 'contentMismatch');
    });

    it('are scanned where the digest of the object is that of other bytes which are clean', async () => {
      const known = randomBytes(1000);
      await run((await uploaded(known)).object);
      const { record, object } = await tus(Buffer.from(EICAR), digest(known));
      await run(object);
      const failed = await recordOf(record);
      assert.ok(failed.state === 'failed' && failed.failure === 'contentMismatch');
      assert.equal(published.filter(({ data }) => data.includes('"clean"')).length, 1);
    });

    it('go by what the bucket says of the object, not by what its event says', async () => {
      const known = randomBytes(1000);
      await run((await uploaded(known)).object);
      const bytes = Buffer.from(EICAR);
      const { record, object } = await tus(bytes);
      const blob = { size: known.length, metadata: { sha256: digest(known) } };
      await run({ ...object, ...blob });
      assert.equal((await recordOf(record)).state, 'infected');
    });

    it('are scanned without a digest, or with one that is none', async () => {
      for (const sha256 of ['', 'A'.repeat(64)]) {
        const bytes = randomBytes(1000);
        const { record, object } = await tus(bytes, sha256);
        await run(object);
        const decided = await recordOf(record);
        assert.ok(decided.state === 'clean' && decided.content.sha256 === digest(bytes));
      }
    });

    it('scan them once, with any grant meanwhile', async () => scannedOnce(await tus(randomBytes(1000))));

    it('have failed where the object is gone before they are read', async () => {
      const { record, object } = await tus(randomBytes(10));
      await scan.unscanned.delete(object.name, object);
      assert.deepEqual(await run(object), { kind: 'done' });
      const failed = await recordOf(record);
      assert.ok(failed.state === 'failed' && failed.failure === 'sourceGone');
    });

    it('are dropped where their owner ended the upload while they were put together', async () => {
      const { record, object } = await tus(randomBytes(10));
      const read = (await scan.records.get(record.id)) ?? assert.fail();
      const { upload: _, content: __, ...stored } = record;
      await scan.records.replace(read, { ...stored, state: 'expired' });
      assert.deepEqual(await run(object), { kind: 'done' });
      assert.equal(await scan.unscanned.stat(record.id), undefined);
    });

    it('are looked for by the collector where they were promoted before their file was deleted', async () => {
      const bytes = randomBytes(10);
      const { record, object } = await tus(bytes);
      const verdict = { operation: 'objects.insert', namePrefix: 'verdicts/' } as const;
      fixture.emulator.faults.add({ ...verdict, effect: { kind: 'error', status: 403 } });
      await assert.rejects(run(object));
      fixture.emulator.faults.clear();
      assert.ok(await blobOf(bytes));
      const read = (await scan.records.get(record.id)) ?? assert.fail();
      await scan.records.replace(read, toDeleted(read.record, scan.now()));
      assert.deepEqual(await run(object), { kind: 'done' });
      const permanent = new Bucket(connectStorage(fixture.url), 'permanent');
      assert.ok(await permanent.stat(`collect/sha256/${digest(bytes)}`));
    });
  });

  it('are none for a part of an upload: not even its record is read', async () => {
    const { object } = await uploaded(randomBytes(10));
    const deaf = new Proxy(scan.records, {
      get: () => assert.fail('the records were asked'),
    });
    const part = { ...object, name: partName(object.name as FileId, 0) };
    assert.deepEqual(await run(part, { records: deaf }), { kind: 'done' });
  });

  it('make one blob of the same content uploaded twice at the same time', async () => {
    const bytes = randomBytes(1000);
    const files = await Promise.all([uploaded(bytes), uploaded(bytes, 'org:123456789' as Principal)]);
    await Promise.all(files.map(({ object }) => run(object)));
    for (const { record } of files) assert.equal((await recordOf(record)).state, 'clean');
    assert.ok(await blobOf(bytes));
    assert.equal(published.length, 2);
  });

  for (const [after, broken] of [
    ['reading the record', { operation: 'objects.getMedia' }],
    ['scanning', { operation: 'objects.rewrite' }],
    ['promoting', { operation: 'objects.insert', namePrefix: 'verdicts/' }],
    ['publishing', { operation: 'objects.delete' }],
  ] as const) {
    for (const [what, bytes, verdict] of [
      ['clean', randomBytes(500), 'clean'],
      ['infected', EICAR, 'infected'],
    ] as const) {
      it(`end the same for a ${what} file after they broke off after ${after}`, async () => {
        const { record, object } = await uploaded(bytes);
        fixture.emulator.faults.add({ ...broken, effect: { kind: 'error', status: 403 } });
        await assert.rejects(run(object));
        fixture.emulator.faults.clear();
        assert.deepEqual(await run(object), { kind: 'done' });
        assert.equal((await recordOf(record)).state, verdict);
        assert.equal(await scan.unscanned.stat(record.id), undefined);
        assert.ok(published.length >= 1);
        assert.equal(new Set(ids()).size, 1);
      });
    }
  }

  it('end the same after publishing failed: the source stays until the event is out', async () => {
    const { record, object } = await uploaded(randomBytes(500));
    await assert.rejects(run(object, { publish: () => Promise.reject(new Error('Pub/Sub is down')) }));
    assert.ok(await scan.unscanned.stat(record.id));
    assert.deepEqual(await run(object), { kind: 'done' });
    assert.equal(published.length, 1);
    assert.equal(await scan.unscanned.stat(record.id), undefined);
  });

  it('never promote bytes that arrive changed from storage', async () => {
    const bytes = randomBytes(500);
    const { record, object } = await uploaded(bytes);
    fixture.emulator.faults.add({ operation: 'objects.getMedia', effect: { kind: 'corrupt' } });
    await assert.rejects(run(object), /not those that are stored/);
    assert.equal((await recordOf(record)).state, 'pending');
    assert.equal(await blobOf(bytes), undefined);
  });

  it('fail a file whose object is not what the upload saw', async () => {
    const { record, object } = await uploaded(randomBytes(500));
    await scan.unscanned.delete(object.name, object);
    const staged = await scan.unscanned.stage(object.name, Readable.from([randomBytes(500)]), {
      contentType: 'text/plain',
    });
    assert.deepEqual(await run(await staged.commit()), { kind: 'done' });
    const failed = await recordOf(record);
    assert.deepEqual([failed.state, 'failure' in failed && failed.failure], ['failed', 'contentMismatch']);
    assert.ok(await scan.unscanned.stat(record.id), 'the bytes are kept');
    assert.equal(published[0]?.attributes['verdict'], 'failed');
  });

  it('believe the bucket, not an event that says something else about the same generation', async () => {
    for (const lie of [{ crc32c: 'AAAAAA==' }, { size: 7 }]) {
      const { record, object } = await uploaded(randomBytes(500));
      assert.deepEqual(await run({ ...object, ...lie }), { kind: 'done' });
      assert.equal((await recordOf(record)).state, 'clean');
    }
  });

  it('fail a file whose bytes are gone, rather than leave it pending for ever', async () => {
    const { record, object } = await uploaded(randomBytes(500));
    await scan.unscanned.delete(object.name, object);
    assert.deepEqual(await run(object), { kind: 'done' });
    const failed = await recordOf(record);
    assert.deepEqual([failed.state, 'failure' in failed && failed.failure], ['failed', 'sourceGone']);
  });

  it('log a wrong claim of a client as a warning, and bytes that changed with us as an error', async () => {
    const lines: Record<string, unknown>[] = [];
    const log = pino({ messageKey: 'message' }, { write: (line) => void lines.push(JSON.parse(line)) });
    const bytes = randomBytes(500);
    const claimed = contentOf(Buffer.from('x')).sha256;
    const wrongSize = await direct(bytes, { size: 499 });
    const wrongDigest = await direct(bytes, { sha256: claimed });
    const changed = await uploaded(bytes);
    const { content } = changed.record;
    assert.ok(content);
    const current = await scan.records.get(changed.record.id);
    assert.ok(current);
    await scan.records.judge(current, { ...changed.record, content: { ...content, sha256: claimed } });
    const damaged = await uploaded(bytes);
    await scan.unscanned.delete(damaged.object.name, damaged.object);
    const options = { contentType: 'text/plain' };
    const staged = await scan.unscanned.stage(
      damaged.object.name,
      Readable.from([randomBytes(500)]),
      options,
    );
    const written = await staged.commit();
    for (const object of [wrongDigest.object, wrongSize.object, changed.object, written]) {
      await run(object, { log });
      // Its event comes again: no line that alerts.
      await run(object, { log });
    }
    const told = lines.map(({ level, message, refutedClaim }) => [level, message, refutedClaim]);
    const { info, warn, error } = pino.levels.values;
    const again = [info, 'event of a failed file', undefined];
    assert.deepEqual(told, [
      [warn, 'file failed', true],
      again,
      [error, 'file failed', undefined],
      again,
      [error, 'file failed', undefined],
      again,
      [error, 'file failed', undefined],
      again,
    ]);
  });

  it('say where the time of a file went, and nothing where they do not know', async () => {
    const lines: Record<string, unknown>[] = [];
    const log = pino({ messageKey: 'message' }, { write: (line) => void lines.push(JSON.parse(line)) });
    const bytes = randomBytes(1000);
    const { object } = await uploaded(bytes);
    const arrived = object.timeCreated.getTime();
    now = arrived + 70;
    const slow: Clamd = {
      ...clamd,
      scan: async (source, options) => {
        const verdict = await clamd.scan(source, options);
        now += 500;
        return verdict;
      },
    };
    const publish: ScanContext['publish'] = () => Promise.reject(new Error('nobody can be told'));
    await assert.rejects(run(object, { log, scanner: slow, publish }), /nobody/);
    await run(object, { log });
    const again = await uploaded(bytes);
    now = again.object.timeCreated.getTime() + 30;
    await run(again.object, { log });
    const third = await uploaded(randomBytes(1000));
    now = third.object.timeCreated.getTime() - 5;
    await run(third.object, { log, scanner: slow });
    const told = lines.map(({ arrivedAt, waitMs, scanMs, moveMs, verdictSeconds }) => [
      arrivedAt,
      waitMs,
      scanMs,
      moveMs,
      verdictSeconds,
    ]);
    const at = ({ timeCreated }: StoredObject) => timeCreated.toISOString();
    assert.deepEqual(told, [
      [undefined, undefined, undefined, undefined, undefined],
      [at(again.object), 30, undefined, undefined, 0.03],
      [at(third.object), 0, 500, 0, 0.495],
    ]);
  });

  it('say which signatures decided, and how old they were, where these have a date', async () => {
    const lines: Record<string, unknown>[] = [];
    const log = pino({ messageKey: 'message' }, { write: (line) => void lines.push(JSON.parse(line)) });
    const databaseDate = new Date(now - 3_600_000).toISOString();
    const dated = { engine: '1.4.6', database: 27_654, databaseDate };
    const engine = { fit: async () => dated };
    await run((await uploaded(randomBytes(1000))).object, {
      log,
      engine,
      scanner: { ...clamd, version: async () => dated },
    });
    await run((await uploaded(randomBytes(1000))).object, { log });
    const told = lines.map(({ database, signatureAgeSeconds }) => [database, signatureAgeSeconds]);
    assert.deepEqual(told, [
      [27_654, 3_600],
      [undefined, undefined],
    ]);
  });

  it('tell an event to come later after five conflicts with a record that keeps changing', async () => {
    const { record, object } = await uploaded(randomBytes(500));
    const { operations, faults } = fixture.emulator;
    const verdict = { operation: 'objects.insert', namePrefix: 'verdicts/' } as const;
    faults.add({ ...verdict, effect: { kind: 'error', status: 412 } });
    operations.reset();
    const why = 'its record keeps changing';
    assert.deepEqual(await run(object), { kind: 'later', why, retryAfterSeconds: 1 });
    // Five verdicts, and a candidate of the collection for what was promoted.
    assert.equal(operations.of('objects.insert').calls, 6);
    assert.deepEqual([(await recordOf(record)).state, published.length], ['pending', 0]);
    faults.clear();
    assert.deepEqual(await run(object), { kind: 'done' });
    assert.equal((await recordOf(record)).state, 'clean');
  });

  it('leave a file to the event of its newer generation', async () => {
    const bytes = randomBytes(500);
    const { record, object } = await uploaded(bytes);
    await scan.unscanned.delete(object.name, object);
    const staged = await scan.unscanned.stage(object.name, Readable.from([bytes]), {
      contentType: 'text/plain',
    });
    const newer = await staged.commit();
    assert.deepEqual(await run(object), { kind: 'done' });
    assert.equal((await recordOf(record)).state, 'pending');
    assert.deepEqual(await run(newer), { kind: 'done' });
    assert.equal((await recordOf(record)).state, 'clean');
  });

  it('acknowledge what is no file of ours, and leave it alone', async () => {
    const staged = await scan.unscanned.stage('stray', Readable.from([]), { contentType: 'text/plain' });
    const stray = await staged.commit();
    assert.deepEqual(await run(stray), { kind: 'done' });
    assert.ok(await scan.unscanned.stat('stray'));
  });

  it('wait a moment for a record that is behind its object, then for the event to come again, but not for ever', async () => {
    const { record, object } = await uploaded(randomBytes(5));
    const { metadata } = (await scan.records.get(record.id))?.object ?? assert.fail();
    const file = await permanent.stat(`files/${record.id}`);
    assert.ok(file);
    await permanent.delete(file.name, file);
    const later = { kind: 'later', why: 'its record is not there yet', retryAfterSeconds: 1 };
    assert.deepEqual(await run(object), later);
    now += 301_000;
    assert.deepEqual(await run(object), { kind: 'done' });
    assert.ok(
      await scan.unscanned.stat(object.name),
      'the sweeper decides, should the record come all the same',
    );
    now -= 301_000;
    const running = run(object);
    await delay(60);
    await permanent.insertEmpty(file.name, { metadata });
    assert.deepEqual(await running, { kind: 'done' });
    assert.equal((await recordOf(record)).state, 'clean');
  });

  it('drop the bytes of an upload that the client was told had failed', async () => {
    const { record, object } = await uploaded(randomBytes(5));
    const read = await scan.records.get(record.id);
    assert.ok(read);
    await scan.records.replace(read, { ...record, state: 'expired' });
    assert.deepEqual(await run(object), { kind: 'done' });
    assert.equal(await scan.unscanned.stat(record.id), undefined);
    assert.equal(published.length, 0);
  });

  it('scan again what was found clean too long ago', async () => {
    const bytes = randomBytes(500);
    const first = await uploaded(bytes);
    await run(first.object);
    now += 3_600_001;
    const second = await uploaded(bytes);
    fixture.emulator.operations.reset();
    await run(second.object);
    assert.equal(fixture.emulator.operations.of('objects.getMedia').calls, 1);
    const blob = await blobOf(bytes);
    assert.ok(blob && 'scannedAt' in blob);
    assert.equal(blob.scannedAt.getTime(), now, 'and the newer word stands in the blob');
  });

  describe('of a content that newer signatures find', () => {
    let bytes: Buffer;
    let second: Awaited<ReturnType<typeof uploaded>>;
    let newer: Clamd;
    beforeEach(async () => {
      bytes = randomBytes(500);
      await run((await uploaded(bytes)).object);
      now += 3_600_001;
      second = await uploaded(bytes);
      newer = { ...clamd, scan: scanAndFind('Win.New.Signature') };
      published.length = 0;
    });
    const types = () => published.map(({ attributes }) => attributes['eventType']);
    const CHANGED = 'verdict.changed.v1';
    const COMPLETED = 'scan.completed.v1';

    it('mark it as infected for all who have it', async () => {
      await run(second.object, { scanner: newer });
      assert.equal((await recordOf(second.record)).state, 'infected');
      assert.equal((await findingOf(bytes))?.signature, 'Win.New.Signature');
      const third = await uploaded(bytes);
      await run(third.object);
      assert.equal((await recordOf(third.record)).state, 'infected');
    });

    it('say so once, and before the verdict of the file that showed it', async () => {
      await run(second.object, { scanner: newer });
      assert.deepEqual(types(), [CHANGED, COMPLETED]);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      assert.deepEqual(JSON.parse(published[0]?.data.toString() ?? ''), {
        sha256,
        verdict: 'infected',
        signature: 'Win.New.Signature',
        changedAt: new Date(now).toISOString(),
        engine: { version: (await clamd.version()).engine },
      });
      now += 3_600_001;
      const third = await uploaded(bytes);
      await run(third.object, { scanner: { ...clamd, scan: scanAndFind('Win.Other.Name') } });
      assert.deepEqual(types(), [CHANGED, COMPLETED, COMPLETED]);
    });

    it('mark it as infected even where nobody can be told, and say so when the event comes back', async () => {
      const down = () => Promise.reject(new Error('Pub/Sub is down'));
      await assert.rejects(run(second.object, { scanner: newer, publish: down }), /down/);
      assert.ok(await findingOf(bytes), 'nobody gets it any more');
      assert.equal((await recordOf(second.record)).state, 'pending');
      now += 1000;
      await run(second.object);
      assert.deepEqual(types(), [CHANGED, COMPLETED]);
      const { changedAt, engine } = JSON.parse(published[0]?.data.toString() ?? '');
      assert.equal(changedAt, new Date(now - 1000).toISOString(), 'when it was found');
      assert.ok(engine);
    });

    it('say so again, by the same id, where they broke off before they could note that it was published', async () => {
      fixture.emulator.faults.add({
        operation: 'objects.patch',
        namePrefix: 'findings/',
        bucket: 'permanent',
        effect: { kind: 'error', status: 403 },
      });
      await assert.rejects(run(second.object, { scanner: newer }));
      fixture.emulator.faults.clear();
      await run(second.object);
      assert.deepEqual(types(), [CHANGED, CHANGED, COMPLETED]);
      assert.equal(new Set(ids()).size, 2);
    });

    it('say so where it was found clean by another scanner since it was found', async () => {
      const down = () => Promise.reject(new Error('Pub/Sub is down'));
      await assert.rejects(run(second.object, { scanner: newer, publish: down }), /down/);
      const { record } = second;
      const read = await scan.records.get(record.id);
      assert.ok(read);
      const { content: _, ...unknown } = record;
      await scan.records.replace(read, unknown);
      await run(second.object);
      assert.equal((await recordOf(record)).state, 'infected');
      assert.deepEqual(types(), [CHANGED, COMPLETED]);
    });

    it('say nothing of a content that nobody was given', async () => {
      await run((await uploaded(randomBytes(500))).object, { scanner: newer });
      assert.deepEqual(types(), [COMPLETED]);
    });
  });

  /** Newer signatures, as far as this test is concerned: the bytes are read to their end, and found. */
  function scanAndFind(signature: string): Clamd['scan'] {
    return async (source, options) => {
      assert.equal((await clamd.scan(source, options)).kind, 'clean');
      return { kind: 'infected', signature };
    };
  }

  it('wait, without reading a byte, for an engine that is fit', async () => {
    const { record, object } = await uploaded(randomBytes(800));
    fixture.emulator.operations.reset();
    const unfit = { fit: () => Promise.reject(new ScanFault('unfit', 'the signatures are stale')) };
    await assert.rejects(run(object, { engine: unfit }), /stale/);
    assert.equal(fixture.emulator.operations.of('objects.getMedia').calls, 0);
    assert.equal((await recordOf(record)).state, 'pending');
  });

  it('wait, without reading a byte, for temporary space', async () => {
    const { record, object } = await uploaded(randomBytes(800));
    fixture.emulator.operations.reset();
    const outcome = await run(object, { admission: admissionOf(2, 50, 1_000_000) });
    assert.deepEqual([outcome.kind, 'why' in outcome && outcome.why], ['later', 'temporary space is short']);
    assert.equal(fixture.emulator.operations.of('objects.getMedia').calls, 0);
    assert.equal((await recordOf(record)).state, 'pending');
  });

  describe('of what could not be scanned', () => {
    const encrypted: Clamd['scan'] = async (source, options) => {
      await clamd.scan(source, options);
      return { kind: 'unscannable', reason: 'encrypted', detail: 'Heuristics.Encrypted.Zip' };
    };

    it('quarantine it, by default', async () => {
      const { record, object } = await uploaded(randomBytes(500));
      await run(object, { scanner: { ...clamd, scan: encrypted } });
      const rejected = await recordOf(record);
      assert.ok(rejected.state === 'unscannable' && !rejected.accepted);
      assert.ok(await scan.quarantine?.stat(record.id));
      assert.equal(await scan.blobs.findAccepted(record.id, never), undefined);
    });

    it('keep it apart from what was found clean where the policy accepts its reason, and say so', async () => {
      const bytes = randomBytes(500);
      const how = { scanner: { ...clamd, scan: encrypted }, accepts: new Set(['encrypted'] as const) };
      const { record, object } = await uploaded(bytes);
      for (let i = 0; i < 2; i++) assert.deepEqual(await run(object, how), { kind: 'done' });
      const accepted = await recordOf(record);
      assert.ok(accepted.state === 'unscannable' && accepted.accepted);
      assert.equal((await scan.blobs.findAccepted(record.id, never))?.size, 500);
      assert.equal(await blobOf(bytes), undefined, 'a blob is always clean');
      assert.equal(JSON.parse(published[0]?.data.toString() ?? '').accepted, true);
      const other = await uploaded(bytes);
      await run(other.object, { scanner: { ...clamd, scan: encrypted } });
      const rejected = await recordOf(other.record);
      assert.ok(rejected.state === 'unscannable' && !rejected.accepted);
    });

    it('do not accept another reason', async () => {
      const { record, object } = await uploaded(randomBytes(500));
      await run(object, {
        scanner: { ...clamd, scan: encrypted },
        accepts: new Set(['limitExceeded'] as const),
      });
      const rejected = await recordOf(record);
      assert.ok(rejected.state === 'unscannable' && !rejected.accepted);
    });
  });

  it('calls a zip malformed in which unpackers find another than ClamAV, and infected what is', async () => {
    const answering = (verdict: Verdict) => async (source: AsyncIterable<Uint8Array>) => {
      for await (const _ of source);
      return verdict;
    };
    const inner = (data: string) => zip({ name: 'a', data: Buffer.from(data) });
    const malformed = await uploaded(Buffer.concat([inner('one'), inner('other')]));
    await run(malformed.object, { scanner: { ...clamd, scan: answering({ kind: 'clean' }) } });
    const rejected = await recordOf(malformed.record);
    assert.ok(rejected.state === 'unscannable' && rejected.reason === 'malformed' && !rejected.accepted);
    assert.equal(rejected.detail, 'directory not at its place');

    const infected = await uploaded(Buffer.concat([inner('two'), inner('another')]));
    await run(infected.object, {
      scanner: { ...clamd, scan: answering({ kind: 'infected', signature: 'X' }) },
    });
    assert.equal((await recordOf(infected.record)).state, 'infected');
  });

  describe('of a file that was redriven', () => {
    /** The file, as a sweep left it. */
    async function redriven(size: number) {
      const file = await uploaded(randomBytes(size));
      const read = await scan.records.get(file.record.id);
      assert.ok(read?.record.state === 'pending');
      const record = { ...read.record, redriven: { times: 1, at: new Date(now) } };
      assert.ok(await scan.records.judge(read, record));
      return file;
    }
    async function tried(record: FileRecord) {
      const current = await recordOf(record);
      assert.ok(current.state === 'pending');
      return current.redriven?.tried ?? false;
    }
    const lying = { scanner: { ...clamd, scan: () => Promise.reject(new ScanFault('unreachable', '')) } };
    const broken = (): Partial<ScanContext> => ({
      scanner: {
        ...clamd,
        scan: async (bytes) => {
          for await (const _ of bytes) throw new ScanFault('connectionLost', 'ClamAV died of it');
          return assert.fail();
        },
      },
    });

    for (const [what, size] of [
      ['a small one', 1_000],
      ['one under a lease', 1_500_000],
    ] as const) {
      it(`count as a try of ${what} once ClamAV got bytes of it, whatever became of the scan`, async () => {
        const { record, object } = await redriven(size);
        await assert.rejects(run(object, broken()));
        assert.equal(await tried(record), true);
        assert.deepEqual(await run(object), { kind: 'done' });
        assert.equal((await recordOf(record)).state, 'clean');
      });

      it(`are no try of ${what} in an outage, or in a queue`, async () => {
        const { record, object } = await redriven(size);
        const unfit = { fit: () => Promise.reject(new ScanFault('unfit', 'the signatures are old')) };
        await assert.rejects(run(object, { engine: unfit }));
        await assert.rejects(run(object, lying));
        assert.equal((await run(object, { admission: admissionOf(0, 0) })).kind, 'later');
        assert.equal((await run(object, { admission: admissionOf(1, 1, 0) })).kind, 'later');
        fixture.emulator.faults.add({
          operation: 'objects.getMedia',
          effect: { kind: 'error', status: 403 },
        });
        await assert.rejects(run(object));
        assert.equal(await tried(record), false);
      });

      it(`are no try of ${what} where its verdict cannot be carried out, unless its bytes are to blame`, async () => {
        const { record, object } = await redriven(size);
        const refusal = { operation: 'objects.rewrite', effect: { kind: 'error', status: 403 } } as const;
        fixture.emulator.faults.add(refusal);
        await assert.rejects(run(object), /403/);
        fixture.emulator.faults.clear();
        assert.equal(await tried(record), false);
        const waiting = await recordOf(record);
        assert.ok(waiting.state === 'pending' && waiting.lease === undefined);
        const mismatch = new Proxy(scan.blobs, {
          get: (target, name) =>
            name === 'promote'
              ? () => Promise.reject(new BlobMismatch('another content'))
              : Reflect.get(target, name).bind(target),
        });
        await assert.rejects(run(object, { blobs: mismatch }), /another content/);
        assert.equal(await tried(record), true);
        assert.deepEqual(await run(object), { kind: 'done' });
        assert.equal((await recordOf(record)).state, 'clean');
      });

      it(`lead to the verdict of ${what} where its owner shares it while the try is written`, async () => {
        const { record, object } = await redriven(size);
        let shared = 0;
        const records = new Proxy(scan.records, {
          get: (target, name) => {
            if (name !== 'judge') return Reflect.get(target, name).bind(target);
            return async (...[read, next]: Parameters<Records['judge']>) => {
              if (next.state === 'pending' && next.redriven?.tried && shared++ === 0) {
                const current = await target.get(record.id);
                assert.ok(current);
                const viewers = viewersNamed('org:111111111');
                assert.ok(await target.replace(current, { ...current.record, viewers }));
              }
              return target.judge(read, next);
            };
          },
        });
        assert.deepEqual(await run(object, { records }), { kind: 'done' });
        const { state, viewers } = await recordOf(record);
        assert.deepEqual([state, viewers, shared], ['clean', viewersNamed('org:111111111'), 1]);
      });
    }
  });

  it('tell an event to come later where every slot is taken, without reading a byte', async () => {
    const admission = admissionOf(1, 0);
    const gate = Promise.withResolvers<void>();
    const busy = admission.run('org:1', 1, () => gate.promise);
    const { record, object } = await uploaded(randomBytes(800));
    fixture.emulator.operations.reset();
    const outcome = await run(object, { admission });
    assert.equal(outcome.kind, 'later');
    assert.equal(fixture.emulator.operations.of('objects.getMedia').calls, 0);
    assert.equal((await recordOf(record)).state, 'pending');
    gate.resolve();
    await busy;
    assert.deepEqual(await run(object, { admission }), { kind: 'done' });
  });

  describe('of a large file', () => {
    it('are taken by one instance: another backs off until the lease is over', async () => {
      const { record, object } = await uploaded(randomBytes(1_000_000));
      const gate = Promise.withResolvers<void>();
      const started = Promise.withResolvers<void>();
      const slow: Clamd = {
        ...clamd,
        scan: async (source, options) => {
          started.resolve();
          await gate.promise;
          return clamd.scan(source, options);
        },
      };
      const first = run(object, { scanner: slow });
      await started.promise;
      const other = { ...scan.lease, holder: 'other' };
      const second = await run(object, { lease: other });
      assert.ok(second.kind === 'later' && second.retryAfterSeconds > 0);
      gate.resolve();
      assert.deepEqual(await first, { kind: 'done' });
      assert.equal((await recordOf(record)).state, 'clean');
      assert.deepEqual(await run(object, { lease: other }), { kind: 'done' });
    });

    it('are taken over from an instance that died, once its lease is over', async () => {
      const { record, object } = await uploaded(randomBytes(1_000_000));
      const read = await scan.records.get(record.id);
      assert.ok(read);
      const until = new Date(now + 60_000);
      await scan.records.judge(read, { ...record, lease: { holder: 'dead', until } });
      assert.equal((await run(object)).kind, 'later');
      now += 60_001;
      assert.deepEqual(await run(object), { kind: 'done' });
      assert.equal((await recordOf(record)).state, 'clean');
    });

    it('release their lease where they fail, so that the event need not wait', async () => {
      const { record, object } = await uploaded(randomBytes(1_000_000));
      fixture.emulator.faults.add({ operation: 'objects.getMedia', effect: { kind: 'error', status: 403 } });
      await assert.rejects(run(object));
      fixture.emulator.faults.clear();
      const pending = await recordOf(record);
      assert.ok(pending.state === 'pending' && pending.lease === undefined);
      assert.deepEqual(await run(object, { lease: { ...scan.lease, holder: 'other' } }), { kind: 'done' });
    });

    it('let go of it where their instance shuts down', async () => {
      const { record, object } = await uploaded(randomBytes(1_000_000));
      const shutdown = new AbortController();
      const hanging: Clamd = {
        ...clamd,
        scan: (_, { signal }) =>
          new Promise((_, reject) => {
            signal?.addEventListener('abort', () => reject(signal.reason));
            shutdown.abort(new Error('shutting down'));
          }),
      };
      await assert.rejects(
        scanFinalized({ ...scan, scanner: hanging }, object, shutdown.signal),
        /shutting down/,
      );
      const pending = await recordOf(record);
      assert.ok(pending.state === 'pending' && pending.lease === undefined);
    });

    it('keep their lease for as long as they take', async () => {
      const { record, object } = await uploaded(randomBytes(1_000_000));
      const renewed = Promise.withResolvers<void>();
      const lease = { ...scan.lease, durationMs: 30, now: () => new Date() };
      const waiting: Clamd = {
        ...clamd,
        scan: async (source, options) => {
          // Several renewals of 10 ms each, seen from outside.
          for (let seen = ''; ; ) {
            const { metageneration = '' } = (await scan.records.get(record.id))?.verdict ?? {};
            if (seen !== '' && Number(metageneration) > Number(seen) + 2) break;
            seen ||= metageneration;
          }
          renewed.resolve();
          return clamd.scan(source, options);
        },
      };
      assert.deepEqual(await run(object, { scanner: waiting, lease }), { kind: 'done' });
      await renewed.promise;
      assert.equal((await recordOf(record)).state, 'clean');
    });
  });
});
