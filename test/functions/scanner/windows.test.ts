import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { Admission } from '../../../functions/scanner/admission/admission.ts';
import { TempSpace } from '../../../functions/scanner/admission/temp-space.ts';
import { scanFinalized } from '../../../functions/scanner/scan.ts';
import type { ScanContext } from '../../../functions/scanner/scan-context.ts';
import { createFile } from '../../../functions/upload/create-file.ts';
import type { EventMessage } from '../../../shared/events/cloud-event.ts';
import { Blobs } from '../../../shared/files/blobs.ts';
import { Candidates } from '../../../shared/files/candidates.ts';
import { Findings } from '../../../shared/files/findings.ts';
import { toHandle } from '../../../shared/files/handle.ts';
import { type FileRecord, parseSha256 } from '../../../shared/files/record.ts';
import { Records } from '../../../shared/files/records.ts';
import type { Principal } from '../../../shared/identity/principal.ts';
import { EICAR } from '../../../shared/scanning/canary.ts';
import type { Clamd } from '../../../shared/scanning/clamd.ts';
import { sizesFor } from '../../../shared/scanning/sizes.ts';
import { ScanFault } from '../../../shared/scanning/verdict.ts';
import { Bucket } from '../../../shared/storage/bucket.ts';
import { connectStorage } from '../../../shared/storage/connect.ts';
import { EmulatorFixture } from '../../infra/emulators/storage/emulator-fixture.ts';
import { FAST_RETRY } from '../../shared/storage/streams.ts';
import { sharedScanner } from '../../support/clamd.ts';

const OWNER = 'org:889640782' as Principal;
const WINDOW = 100_000;
const OVERLAP = 10_000;
const POLICY = { maxBytes: 1_000_000, overlapBytes: OVERLAP, timeoutMs: 60_000 };
const never = new AbortController().signal;

describe('a file over the maximum of the engine', () => {
  const fixture = new EmulatorFixture({ buckets: ['unscanned', 'permanent', 'quarantine'] });
  let clamd: Clamd;
  let scan: ScanContext;
  let published: EventMessage[];
  before(async () => {
    // It refuses what is larger than a window.
    clamd = await sharedScanner({ maxBytes: WINDOW });
  });
  beforeEach(() => {
    const storage = connectStorage(fixture.url);
    const bucket = (name: string) =>
      new Bucket(storage, name, { retry: FAST_RETRY, paced: true, timeoutMs: 30_000 });
    const permanent = bucket('permanent');
    const sizes = sizesFor(WINDOW);
    // Room for one window and what it may unpack to, and no more.
    const free = sizes.temporary + 32 * 1024 * 1024;
    published = [];
    scan = {
      records: new Records(permanent),
      candidates: new Candidates(permanent),
      findings: new Findings(permanent),
      blobs: new Blobs(permanent),
      unscanned: bucket('unscanned'),
      quarantine: bucket('quarantine'),
      publish: async (event) => void published.push(event),
      scanner: clamd,
      engine: { fit: () => clamd.version() },
      admission: new Admission({
        slots: 1,
        maxWaiting: 5,
        maxWaitMs: 10_000,
        tempSpace: new TempSpace(() => free, sizes),
      }),
      accepts: new Set(),
      maxScanBytes: WINDOW,
      windows: POLICY,
      verdictMaxAgeMs: 3_600_000,
      lease: { aboveBytes: WINDOW + 1, durationMs: 60_000, holder: 'this', now: () => new Date() },
      now: () => new Date(),
      log: pino({ level: 'silent' }),
    };
  });
  afterEach(() => fixture.emulator.faults.clear());

  async function uploaded(bytes: Buffer) {
    async function* source() {
      yield bytes;
    }
    const upload = { owner: OWNER, contentType: 'text/plain', fileName: undefined, bytes: source() };
    const record = await createFile(scan, upload);
    const object = await scan.unscanned.stat(record.id);
    assert.ok(object);
    fixture.emulator.operations.reset();
    const run = (how: Partial<ScanContext> = {}) => scanFinalized({ ...scan, ...how }, object, never);
    const now = async (): Promise<FileRecord> => {
      const read = await scan.records.get(record.id);
      assert.ok(read);
      return read.record;
    };
    return { record, object, run, now };
  }
  const bytesRead = () => fixture.emulator.operations.of('objects.getMedia').bytesOut;
  const blobOf = async (bytes: Buffer) => {
    const sha256 = parseSha256(createHash('sha256').update(bytes).digest('hex'));
    const content = sha256 && { sha256, size: bytes.length, crc32c: '' };
    const blob = content && (await scan.blobs.find({ owner: OWNER, content }));
    return blob && 'scannedAt' in blob ? blob : undefined;
  };
  function withEicarAt(at: number, size = 250_000): Buffer {
    const bytes = Buffer.alloc(size, 'harmless ');
    EICAR.copy(bytes, at);
    return bytes;
  }

  it('is unscannable without a byte being read, by default', async () => {
    const { run, now } = await uploaded(Buffer.alloc(WINDOW + 1));
    await run({ windows: undefined });
    const record = await now();
    assert.deepEqual(
      [record.state, 'reason' in record && record.reason, bytesRead()],
      ['unscannable', 'tooLarge', 0],
    );
  });

  it('is unscannable without a byte being read where it is over the maximum of the policy', async () => {
    const { run, now } = await uploaded(Buffer.alloc(POLICY.maxBytes + 1));
    await run();
    assert.deepEqual([(await now()).state, bytesRead()], ['unscannable', 0]);
  });

  it('is read once, clean in three windows, and says everywhere that it was windows', async () => {
    const bytes = randomBytes(250_000);
    const { run, now } = await uploaded(bytes);
    let scans = 0;
    const counting: Clamd = {
      ...clamd,
      scan: (...given) => {
        scans++;
        return clamd.scan(...given);
      },
    };
    assert.deepEqual(await run({ scanner: counting }), { kind: 'done' });
    const record = await now();
    assert.ok(record.state === 'clean');
    assert.deepEqual(
      [record.scan.coverage, toHandle(record, undefined).coverage, scans],
      ['windows', 'windows', 3],
    );
    assert.equal(record.content.sha256, createHash('sha256').update(bytes).digest('hex'));
    assert.equal(JSON.parse(`${published[0]?.data}`).coverage, 'windows');
    assert.equal((await blobOf(bytes))?.coverage, 'windows');
    assert.equal(bytesRead(), bytes.length, 'no byte twice: the overlap is kept');
  });

  it('says nothing of windows where it is scanned whole', async () => {
    const { run, now } = await uploaded(randomBytes(WINDOW));
    await run();
    const record = await now();
    assert.ok(record.state === 'clean' && record.scan.coverage === undefined);
    assert.equal('coverage' in JSON.parse(`${published[0]?.data}`), false);
  });

  for (const [where, at] of [
    ['in the first window', 500],
    ['across the border of two windows', WINDOW - EICAR.length / 2],
    ['in the overlap', WINDOW - OVERLAP / 2],
    ['across the beginning of the second window', WINDOW - OVERLAP - EICAR.length / 2],
    ['in the second window alone', WINDOW + 20_000],
    ['at the very end', 250_000 - EICAR.length],
  ] as const) {
    it(`is infected where malware is ${where}`, async () => {
      const bytes = withEicarAt(at);
      const { run, now } = await uploaded(bytes);
      assert.deepEqual(await run(), { kind: 'done' });
      const record = await now();
      assert.ok(record.state === 'infected' && record.scan.coverage === 'windows');
      assert.equal(record.content.sha256, createHash('sha256').update(bytes).digest('hex'));
      assert.equal(await blobOf(bytes), undefined);
      assert.ok(await scan.quarantine?.stat(record.id));
      assert.equal(bytesRead(), bytes.length);
    });
  }

  it('is never clean where bytes arrive changed from storage', async () => {
    const { run, now } = await uploaded(randomBytes(250_000));
    fixture.emulator.faults.add({ operation: 'objects.getMedia', effect: { kind: 'corrupt' } });
    await assert.rejects(run(), /not those that are stored/);
    assert.equal((await now()).state, 'pending');
  });

  it('is scanned anew after its second window broke off, under a lease that is given back', async () => {
    const { run, now } = await uploaded(withEicarAt(220_000));
    let scans = 0;
    const breaking: Clamd = {
      ...clamd,
      scan: async (source, options) => {
        if (++scans < 2) return clamd.scan(source, options);
        const pending = await now();
        assert.ok(pending.state === 'pending' && pending.lease?.holder === 'this');
        const other = await run({ lease: { ...scan.lease, holder: 'other' } });
        assert.equal(other.kind, 'later', 'meanwhile another instance backs off');
        throw new ScanFault('connectionLost', 'clamd died');
      },
    };
    await assert.rejects(run({ scanner: breaking }), /clamd died/);
    const pending = await now();
    assert.ok(pending.state === 'pending' && pending.lease === undefined);
    assert.deepEqual(await run(), { kind: 'done' });
    assert.equal((await now()).state, 'infected');
  });

  it('goes on where the connection to storage breaks between two windows', async () => {
    const { run, now } = await uploaded(withEicarAt(220_000));
    const effect = { kind: 'truncate', bytes: 130_000 } as const;
    fixture.emulator.faults.add({ operation: 'objects.getMedia', nth: 1, effect });
    assert.deepEqual(await run(), { kind: 'done' });
    assert.equal((await now()).state, 'infected');
  });

  it('comes back where all its windows together take too long', async () => {
    const { run, now } = await uploaded(randomBytes(250_000));
    const hanging: Clamd = {
      ...clamd,
      scan: (_, { signal }) =>
        new Promise((__, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
    };
    await assert.rejects(run({ scanner: hanging, windows: { ...POLICY, timeoutMs: 20 } }), /timeout/i);
    assert.equal((await now()).state, 'pending');
  });

  it('answers for the same content as long as that would be scanned in windows too', async () => {
    const bytes = randomBytes(250_000);
    await (await uploaded(bytes)).run();
    const same = await uploaded(bytes);
    await same.run();
    const record = await same.now();
    assert.ok(record.state === 'clean' && record.scan.coverage === 'windows');
    assert.equal(bytesRead(), 0);

    const strict = await uploaded(bytes);
    await strict.run({ windows: undefined });
    assert.equal((await strict.now()).state, 'unscannable');

    const whole = await uploaded(bytes);
    const tempSpace = new TempSpace(() => Number.MAX_SAFE_INTEGER, sizesFor(300_000));
    const admission = new Admission({ slots: 1, maxWaiting: 5, maxWaitMs: 10_000, tempSpace });
    await whole.run({ scanner: await sharedScanner(), maxScanBytes: 300_000, admission });
    const found = await whole.now();
    assert.ok(found.state === 'clean' && found.scan.coverage === undefined);
    assert.ok((await blobOf(bytes))?.coverage === undefined, 'and the blob is known to be clean as a whole');
    const after = await uploaded(bytes);
    await after.run({ windows: undefined });
    assert.equal((await after.now()).state, 'clean');
  });
});
