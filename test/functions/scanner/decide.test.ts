import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { Admission } from '../../../functions/scanner/admission/admission.ts';
import { TempSpace } from '../../../functions/scanner/admission/temp-space.ts';
import { decideByScan } from '../../../functions/scanner/decide.ts';
import type { DecideDeps } from '../../../functions/scanner/decision.ts';
import { decideUnread } from '../../../functions/scanner/unread.ts';
import { blobName } from '../../../shared/files/blob-name.ts';
import { Blobs } from '../../../shared/files/blobs.ts';
import { newFileId } from '../../../shared/files/file-id.ts';
import { Findings } from '../../../shared/files/findings.ts';
import { type Content, type PendingRecord, parseSha256, type Sha256 } from '../../../shared/files/record.ts';
import type { Principal } from '../../../shared/identity/principal.ts';
import type { Scanner } from '../../../shared/scanning/clamd.ts';
import { ScanFault, type Verdict } from '../../../shared/scanning/verdict.ts';
import { Bucket } from '../../../shared/storage/bucket.ts';
import { connectStorage } from '../../../shared/storage/connect.ts';
import type { Generation, StoredObject } from '../../../shared/storage/object.ts';
import { Tally } from '../../../shared/storage/tally.ts';
import { EmulatorFixture } from '../../infra/emulators/storage/emulator-fixture.ts';
import { zip } from '../../infra/local/clamav/zip.ts';
import { collect, FAST_RETRY } from '../../shared/storage/streams.ts';

const OWNER = 'org:889640782' as Principal;
const ENGINE = { engine: '1.4.6', database: 27_000, databaseDate: '2026-11-24T04:00:00.000Z' };
const FOUND_BY = { engine: '1.4.5' };
const CLEAN: Verdict = { kind: 'clean' };
const INFECTED: Verdict = { kind: 'infected', signature: 'Eicar' };
const ENCRYPTED: Verdict = { kind: 'unscannable', reason: 'encrypted' };
const MAX = 1_000_000;
const HOUR = 3_600_000;
const T0 = Date.parse('2026-11-24T04:00:00.000Z');
const never = new AbortController().signal;
const windows = { maxBytes: 3 * MAX, overlapBytes: 100_000, timeoutMs: 60_000 };
const NOT_STORED = {
  name: 'StorageError',
  operation: 'objects.getMedia',
  status: 0,
  reason: 'checksumMismatch',
  message: /the bytes that were scanned are not those that are stored/,
};

/** Content of this CRC32C, from its fourth byte on, for any length. */
const stuck = (size: number) => Buffer.concat([Buffer.alloc(4, 0xff), Buffer.alloc(size - 4)]);

/** Tells how it was read. */
class WatchedBucket extends Bucket {
  readonly reads: Parameters<Bucket['read']>[1][] = [];

  override read(...[name, options]: Parameters<Bucket['read']>) {
    this.reads.push(options);
    return super.read(name, options);
  }
}

describe('deciding on a file', () => {
  const fixture = new EmulatorFixture({ buckets: ['unscanned', 'permanent'] });
  let decider: DecideDeps;
  let unscanned: WatchedBucket;
  let permanent: Bucket;
  let now: number;
  /** The bytes that the engine was given, one for each time that it was asked. */
  let given: Buffer[];
  let begun: number;
  beforeEach(() => {
    now = T0;
    given = [];
    begun = 0;
    const storage = connectStorage(fixture.url);
    unscanned = new WatchedBucket(storage, 'unscanned', { retry: FAST_RETRY, paced: true });
    permanent = new Bucket(storage, 'permanent', { retry: FAST_RETRY, paced: true });
    decider = {
      unscanned,
      blobs: new Blobs(permanent, { now: () => new Date(now) }),
      findings: new Findings(permanent),
      scanner: answering(CLEAN),
      engine: { fit: async () => ENGINE },
      admission: admissionOf(() => Number.MAX_SAFE_INTEGER),
      maxScanBytes: MAX,
      verdictMaxAgeMs: HOUR,
      now: () => new Date(now),
    };
  });
  afterEach(() => fixture.emulator.faults.clear());

  function admissionOf(free: () => number, slots = 1): Admission {
    const tempSpace = new TempSpace(free, { maxScan: 0, maxMember: 0 } as ConstructorParameters<
      typeof TempSpace
    >[1]);
    return new Admission({ slots, maxWaiting: 0, maxWaitMs: 0, tempSpace });
  }
  const engine = (scan: Scanner['scan']): Scanner => ({ scan, version: async () => ENGINE });
  /** Reads all of it, for a second, and says this. */
  function answering(verdict: Verdict): Scanner {
    return engine(async (source) => {
      given.push(await collect(source));
      now += 1000;
      return verdict;
    });
  }
  /** Says this of the first bytes alone. */
  function stoppingEarly(verdict: Verdict): Scanner {
    return engine(async (source) => {
      for await (const piece of source) {
        given.push(Buffer.from(piece));
        break;
      }
      return verdict;
    });
  }

  function contentOf(bytes: Buffer): Content {
    const tally = new Tally();
    tally.update(bytes);
    const { size, crc32c, sha256 } = tally.digests();
    return { size, crc32c, sha256: parseSha256(sha256) ?? assert.fail() };
  }
  async function put(
    bucket: Bucket,
    name: string,
    bytes: Buffer,
    metadata?: Readonly<Record<string, string>>,
  ) {
    async function* source() {
      yield bytes;
    }
    const options = { contentType: 'text/plain', ...(metadata && { metadata }) };
    return (await bucket.stage(name, source(), options)).commit();
  }
  interface File {
    readonly record: PendingRecord;
    readonly object: StoredObject;
    readonly content: Content;
  }
  async function uploaded(bytes: Buffer): Promise<File> {
    const content = contentOf(bytes);
    const record: PendingRecord = {
      id: newFileId(OWNER),
      owner: OWNER,
      viewers: [],
      createdAt: new Date(T0),
      contentType: 'text/plain',
      state: 'pending',
      content,
    };
    return { record, object: await put(unscanned, record.id, bytes), content };
  }
  /** Record of a file that its client sent to Cloud Storage itself. */
  const unseen = ({ record }: File, claims?: PendingRecord['claims']): PendingRecord => {
    const { content: _, ...others } = record;
    return { ...others, ...(claims && { claims }) };
  };

  describe('without reading a byte', () => {
    const unread = ({ record, object }: Pick<File, 'record' | 'object'>, how: Partial<DecideDeps> = {}) =>
      decideUnread({ ...decider, ...how }, record, object, undefined, never);
    const scanFields = (coverage?: 'windows') => ({
      scannedAt: new Date(T0).toISOString(),
      engine: '1.4.5',
      ...(coverage && { coverage }),
    });
    /** A file whose content was found clean at T0. */
    async function known(
      bytes: Buffer,
      fields: Readonly<Record<string, string>> = scanFields(),
      stored = bytes,
    ): Promise<File> {
      const file = await uploaded(bytes);
      await put(permanent, blobName(`sha256/${file.content.sha256}`), stored, fields);
      return file;
    }
    afterEach(() => assert.deepEqual([unscanned.reads.length, given.length], [0, 0]));

    it('leaves unknown content to a scan', async () => {
      assert.equal(await unread(await uploaded(randomBytes(5))), undefined);
    });

    it('takes over an earlier clean verdict of the same content until it is too old', async () => {
      const file = await known(randomBytes(5));
      now += HOUR;
      assert.deepEqual(await unread(file), {
        verdict: CLEAN,
        content: file.content,
        scan: {
          generation: file.object.generation,
          scannedAt: new Date(T0),
          reusedAt: new Date(T0 + HOUR),
          engine: FOUND_BY,
        },
        promoted: true,
      });
      now += 1;
      assert.equal(await unread(file), undefined);
    });

    it('does not rely on a digest that only the client claims', async () => {
      const file = await known(randomBytes(5));
      const { size, sha256 } = file.content;
      assert.equal(await unread({ ...file, record: unseen(file, { size, sha256 }) }), undefined);
    });

    for (const [what, stored] of [
      ['another size and the same checksum', stuck(12)],
      ['the same size and another checksum', Buffer.alloc(11)],
    ] as const) {
      it(`does not rely on a blob of ${what}`, async () => {
        assert.equal(await unread(await known(stuck(11), scanFields(), stored)), undefined);
        const { sha256 } = contentOf(stuck(11));
        const blob = (await permanent.stat(blobName(`sha256/${sha256}`))) ?? assert.fail();
        await permanent.delete(blob.name, blob);
      });
    }

    it('takes over a verdict of windows only for a file that would be scanned in windows now', async () => {
      const large = await known(randomBytes(MAX + 1), scanFields('windows'));
      const generation = large.object.generation;
      const at = { scannedAt: new Date(T0), reusedAt: new Date(T0) };
      const scan = { generation, ...at, engine: FOUND_BY, coverage: 'windows' };
      const clean = { verdict: CLEAN, content: large.content, scan, promoted: true };
      assert.deepEqual(await unread(large, { windows }), clean);
      assert.equal(await unread(large, { windows, maxScanBytes: MAX + 1 }), undefined);
      const none = { kind: 'unscannable', reason: 'tooLarge' };
      const tooLarge = { verdict: none, content: large.content, promoted: false };
      const without = { scan: { generation, scannedAt: new Date(T0) } };
      assert.deepEqual(await unread(large), { ...tooLarge, ...without });
    });

    it('takes over a verdict of the whole, also for a file that would be scanned in windows now', async () => {
      const { record, object, content } = await known(randomBytes(MAX + 1));
      const at = { scannedAt: new Date(T0), reusedAt: new Date(T0) };
      const scan = { generation: object.generation, ...at, engine: FOUND_BY };
      for (const how of [{}, { windows }]) {
        const decision = await unread({ record, object }, how);
        assert.deepEqual(decision, { verdict: CLEAN, content, scan, promoted: true });
      }
    });

    it('takes over an earlier finding, with the scan that made it', async () => {
      const file = await known(randomBytes(5));
      const at = new Date(T0 + 1000);
      await decider.findings.add(file.content.sha256, { signature: 'New', scannedAt: at, engine: FOUND_BY });
      now += 5000;
      assert.deepEqual(await unread(file), {
        verdict: { kind: 'infected', signature: 'New' },
        content: file.content,
        scan: {
          generation: file.object.generation,
          scannedAt: at,
          reusedAt: new Date(T0 + 5000),
          engine: FOUND_BY,
        },
        finding: await decider.findings.get(file.content.sha256),
        promoted: false,
      });
    });

    it('takes the word of an operator for malware, in the findings or on the blob', async () => {
      const infected = ({ object, content }: File) => ({
        verdict: { kind: 'infected', signature: 'By hand' },
        content,
        scan: { generation: object.generation, scannedAt: new Date(T0), reusedAt: new Date(T0) },
        promoted: false,
      });
      const marked = await known(randomBytes(5), { signature: 'By hand', ...scanFields() });
      assert.deepEqual(await unread(marked), infected(marked));
      const found = await uploaded(randomBytes(5));
      const options = { contentType: 'application/x-empty', metadata: { signature: 'By hand' } };
      await permanent.insertEmpty(`findings/sha256/${found.content.sha256}`, options);
      const finding = await decider.findings.get(found.content.sha256);
      assert.deepEqual(await unread(found), { ...infected(found), finding });
    });

    it('fails if the findings cannot be read', async () => {
      const file = await known(randomBytes(5));
      const refusal = { operation: 'objects.get', namePrefix: 'findings/', bucket: 'permanent' } as const;
      fixture.emulator.faults.add({ ...refusal, effect: { kind: 'error', status: 403 } });
      await assert.rejects(unread(file), { status: 403 });
    });

    for (const [what, twist] of [
      ['size', { size: 6 }],
      ['checksum', { crc32c: 'AAAAAA==' }],
    ] as const) {
      it(`fails a file whose object has another ${what} than the upload`, async () => {
        const { record, object } = await known(randomBytes(5));
        const decision = await unread({ record, object: { ...object, ...twist } });
        assert.deepEqual(decision, { failure: 'contentMismatch' });
      });
    }

    it('fails a file whose object has another size than the client announced', async () => {
      const file = await uploaded(randomBytes(5));
      const of = (size: number) => unread({ ...file, record: unseen(file, { size }) });
      assert.deepEqual(await of(4), { failure: 'contentMismatch' });
      assert.equal(await of(5), undefined);
    });

    for (const [what, policy, largest] of [
      ['can be scanned whole', {}, MAX],
      ['may be scanned in windows', { windows }, 3 * MAX],
    ] as const) {
      it(`calls a file too large if it is larger than what ${what}`, async () => {
        const file = await uploaded(randomBytes(5));
        const of = (size: number) =>
          unread({ record: unseen(file), object: { ...file.object, size } }, policy);
        assert.equal(await of(largest), undefined);
        assert.deepEqual(await of(largest + 1), {
          verdict: { kind: 'unscannable', reason: 'tooLarge' },
          content: undefined,
          scan: { generation: file.object.generation, scannedAt: new Date(T0) },
          promoted: false,
        });
      });
    }

    it('marks the blob as in use, and gives up after five tries on one that keeps changing', async () => {
      const used = { usedAt: new Date(T0).toISOString(), ...scanFields() };
      const file = await known(randomBytes(5), used);
      now += HOUR;
      const { operations } = fixture.emulator;
      operations.reset();
      const changed = { operation: 'objects.patch', effect: { kind: 'error', status: 412 } } as const;
      fixture.emulator.faults.add({ ...changed, times: 2 });
      const decision = await unread(file);
      assert.ok(decision && typeof decision === 'object' && 'promoted' in decision && decision.promoted);
      assert.equal(operations.of('objects.patch').calls, 3);
      now += HOUR;
      operations.reset();
      fixture.emulator.faults.add(changed);
      assert.equal(await unread(file, { verdictMaxAgeMs: 2 * HOUR }), undefined);
      assert.equal(operations.of('objects.patch').calls, 5);
    });
  });

  describe('by a scan', () => {
    const decide = (
      { record, object }: Pick<File, 'record' | 'object'>,
      how: Partial<DecideDeps> = {},
      signal = never,
    ) => {
      const before = given.length;
      const source = { bucket: unscanned, file: record, object };
      return decideByScan({ ...decider, ...how }, source, {
        signal,
        begun: async () => {
          begun++;
          assert.equal(given.length, before, 'the engine has no byte yet');
        },
      });
    };
    const failed = { failure: 'contentMismatch' };

    it('says what was scanned, by which engine and when', async () => {
      const bytes = randomBytes(500_000);
      const { record, object, content } = await uploaded(bytes);
      const fit = async () => {
        // Signatures that are loaded later are newer than that.
        assert.deepEqual([unscanned.reads.length, given.length], [0, 0]);
        now += 10;
        return ENGINE;
      };
      assert.deepEqual(await decide({ record, object }, { engine: { fit }, windows }), {
        verdict: CLEAN,
        content,
        scan: { generation: object.generation, scannedAt: new Date(T0 + 1010), engine: ENGINE },
        promoted: false,
        readFrom: new Date(T0 + 10),
      });
      assert.deepEqual([given.length, given[0]?.equals(bytes), begun], [1, true, 1]);
      const [read, another] = unscanned.reads;
      assert.equal(another, undefined);
      assert.deepEqual([read?.generation, read?.range], [object.generation, { start: 0, end: 499_999 }]);
    });

    for (const verdict of [CLEAN, INFECTED, ENCRYPTED]) {
      it(`takes the engine's word for ${verdict.kind}, whether or not the digest was known before`, async () => {
        const file = await uploaded(randomBytes(500));
        for (const record of [file.record, unseen(file, { size: 500, sha256: file.content.sha256 })]) {
          const decision = await decide({ ...file, record }, { scanner: answering(verdict) });
          assert.ok(typeof decision === 'object' && 'verdict' in decision);
          assert.deepEqual([decision.verdict, decision.content], [verdict, file.content]);
        }
      });

      it(`rejects the verdict ${verdict.kind} on bytes that arrived changed`, async () => {
        const file = await uploaded(randomBytes(500));
        for (const record of [file.record, unseen(file)]) {
          fixture.emulator.faults.add({ operation: 'objects.getMedia', effect: { kind: 'corrupt' } });
          await assert.rejects(decide({ ...file, record }, { scanner: answering(verdict) }), NOT_STORED);
          fixture.emulator.faults.clear();
        }
      });
    }

    for (const verdict of [CLEAN, INFECTED]) {
      it(`rejects the verdict ${verdict.kind} on a part of the bytes`, async () => {
        for (const bytes of [randomBytes(500_000), stuck(500_000)]) {
          const file = await uploaded(bytes);
          for (const record of [file.record, unseen(file)]) {
            await assert.rejects(
              decide({ ...file, record }, { scanner: stoppingEarly(verdict) }),
              NOT_STORED,
            );
          }
          assert.ok((given.at(-1)?.length ?? 0) < bytes.length);
        }
      });
    }

    it('accepts the verdict unscannable on a part of the bytes, and keeps the content the upload saw', async () => {
      const file = await uploaded(randomBytes(500_000));
      for (const record of [file.record, unseen(file)]) {
        assert.deepEqual(await decide({ ...file, record }, { scanner: stoppingEarly(ENCRYPTED) }), {
          verdict: ENCRYPTED,
          content: record.content,
          scan: { generation: file.object.generation, scannedAt: new Date(T0), engine: ENGINE },
          promoted: false,
          readFrom: new Date(T0),
        });
      }
    });

    it('calls a zip malformed if unpackers find another archive in it than the engine', async () => {
      const inner = (data: string) => zip({ name: 'a', data: Buffer.from(data) });
      const decision = await decide(await uploaded(Buffer.concat([inner('one'), inner('other')])));
      const detail = 'directory not at its place';
      assert.ok(typeof decision === 'object' && 'verdict' in decision);
      assert.deepEqual(decision.verdict, { kind: 'unscannable', reason: 'malformed', detail });
    });

    it('asks the engine about an empty file too, and counts no try', async () => {
      const file = await uploaded(Buffer.of());
      for (const how of [{}, { windows }]) {
        const decision = await decide(file, how);
        assert.ok(typeof decision === 'object' && 'verdict' in decision);
        assert.deepEqual([decision.verdict, decision.content], [CLEAN, file.content]);
      }
      assert.deepEqual([given, begun], [[Buffer.of(), Buffer.of()], 0]);
    });

    it('reports that the source is gone if its generation is', async () => {
      const { record, object } = await uploaded(randomBytes(5));
      const other = { ...object, generation: `${BigInt(object.generation) + 1n}` as Generation };
      assert.equal(await decide({ record, object: other }), 'sourceGone');
      assert.equal(given.length, 0);
    });

    it('fails a file whose digest is not the one the upload saw, whatever the verdict', async () => {
      const { record, object, content } = await uploaded(randomBytes(500));
      const sha256 = createHash('sha256').update('another').digest('hex') as Sha256;
      const other = { ...record, content: { ...content, sha256 } };
      for (const verdict of [CLEAN, INFECTED, ENCRYPTED]) {
        assert.deepEqual(await decide({ record: other, object }, { scanner: answering(verdict) }), failed);
      }
    });

    it('fails a file whose digest is not the one the client claimed, unless it is malware', async () => {
      const file = await uploaded(randomBytes(500));
      const sha256 = createHash('sha256').update('another').digest('hex') as Sha256;
      const record = unseen(file, { size: 500, sha256 });
      for (const verdict of [CLEAN, ENCRYPTED]) {
        assert.deepEqual(await decide({ ...file, record }, { scanner: answering(verdict) }), {
          ...failed,
          refutedClaim: true,
        });
      }
      const decision = await decide({ ...file, record }, { scanner: answering(INFECTED) });
      assert.ok(typeof decision === 'object' && 'verdict' in decision);
      assert.deepEqual([decision.verdict, decision.content], [INFECTED, file.content]);
    });

    it('reads no byte without an engine that is fit', async () => {
      const unfit = { fit: () => Promise.reject(new ScanFault('unfit', 'the signatures are stale')) };
      await assert.rejects(decide(await uploaded(randomBytes(5)), { engine: unfit }), { code: 'unfit' });
      assert.deepEqual([unscanned.reads.length, given.length], [0, 0]);
    });

    it('closes the connection to storage if the engine took no byte', async () => {
      const dead = engine(() => Promise.reject(new ScanFault('unreachable', 'no clamd')));
      await assert.rejects(decide(await uploaded(randomBytes(5)), { scanner: dead }), {
        code: 'unreachable',
      });
      assert.deepEqual(
        unscanned.reads.map(({ signal }) => signal?.aborted),
        [true],
      );
    });

    it('asks for a slot, and for temporary space for as much as is scanned at once', async () => {
      const file = await uploaded(randomBytes(5));
      assert.deepEqual(await decide(file, { admission: admissionOf(() => 0) }), { refused: 'tempSpace' });
      assert.deepEqual(await decide(file, { admission: admissionOf(() => 0, 0) }), { refused: 'slots' });
      const sizes: [string, number][] = [];
      const admission = decider.admission;
      const asked = new Proxy(admission, {
        get: () => (owner: string, size: number) => {
          sizes.push([owner, size]);
          return { refused: 'slots' };
        },
      });
      for (const size of [5, MAX, MAX + 1]) {
        await decide({ ...file, object: { ...file.object, size } }, { admission: asked, windows });
      }
      assert.deepEqual(sizes, [
        [OWNER, 5],
        [OWNER, MAX],
        [OWNER, MAX],
      ]);
      assert.deepEqual([unscanned.reads.length, given.length], [0, 0]);
    });

    /** Ends when it is told to. */
    const hanging = (begin = () => {}) =>
      engine((_, { signal }) => {
        begin();
        return new Promise((__, reject) => {
          if (signal?.aborted) reject(signal.reason);
          signal?.addEventListener('abort', () => reject(signal.reason));
        });
      });

    it('ends without a verdict if it is aborted, or temporary space runs low', async () => {
      const file = await uploaded(randomBytes(5));
      const giveUp = new AbortController();
      const scanner = hanging(() => giveUp.abort(new Error('shutting down')));
      await assert.rejects(decide(file, { scanner }, giveUp.signal), /shutting down/);
      let free = Number.MAX_SAFE_INTEGER;
      const full = hanging(() => {
        free = 0;
      });
      const admission = admissionOf(() => free);
      await assert.rejects(decide(file, { scanner: full, admission }), { code: 'outOfTempSpace' });
    });

    describe('in windows', () => {
      const large = () => uploaded(randomBytes(MAX + 1));

      it('notes the coverage, and gives the engine no more than it can scan', async () => {
        const { record, object, content } = await large();
        const decision = await decide({ record, object }, { windows });
        assert.deepEqual(decision, {
          verdict: CLEAN,
          content,
          scan: {
            generation: object.generation,
            scannedAt: new Date(T0 + 2000),
            engine: ENGINE,
            coverage: 'windows',
          },
          promoted: false,
          readFrom: new Date(T0),
        });
        assert.deepEqual(
          given.map(({ length }) => length),
          [MAX, windows.overlapBytes + 1],
        );
      });

      it('ends without a verdict if all windows together take too long', async () => {
        const how = { scanner: hanging(), windows: { ...windows, timeoutMs: 1 } };
        await assert.rejects(decide(await large(), how), /timeout|aborted/);
      });

      it('leaves a file that the engine can scan whole to one scan, without the time limit of windows', async () => {
        const file = await uploaded(randomBytes(MAX));
        const over = AbortSignal.timeout(20);
        const slow = engine(async (source, { size, signal }) => {
          assert.equal(size, MAX);
          if (!over.aborted) await new Promise((resolve) => over.addEventListener('abort', resolve));
          assert.equal(signal?.aborted, false);
          given.push(await collect(source));
          return CLEAN;
        });
        const decision = await decide(file, { scanner: slow, windows: { ...windows, timeoutMs: 1 } });
        assert.ok(typeof decision === 'object' && 'scan' in decision);
        assert.equal('coverage' in decision.scan, false);
        assert.equal(given.length, 1);
      });
    });
  });
});
