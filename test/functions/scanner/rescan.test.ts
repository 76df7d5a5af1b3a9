import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Outcome } from '../../../functions/scanner/outcome.ts';
import { rescan } from '../../../functions/scanner/rescanner/rescan.ts';
import type { RescanContext } from '../../../functions/scanner/rescanner/rescan-context.ts';
import { releaseFinding } from '../../../functions/sweeper/release.ts';
import { blobName } from '../../../shared/files/blob-name.ts';
import { Blobs } from '../../../shared/files/blobs.ts';
import { parseSha256 } from '../../../shared/files/record.ts';
import { ScanFault } from '../../../shared/scanning/verdict.ts';
import { parseGeneration, type StoredObject } from '../../../shared/storage/object.ts';
import { DAY, OWNER } from '../sweeper/fixture.ts';
import { type Hook, straight } from '../sweeper/hooked-bucket.ts';
import {
  admissionOf,
  CLEAN,
  INFECTED,
  NEW,
  OLD,
  RescannerFixture,
  SIGNATURE,
  sha256Of,
} from './rescanner-fixture.ts';

const never = new AbortController().signal;

class Died extends Error {}

describe('a re-scan', () => {
  const fixture = new RescannerFixture();
  const iso = (ms: number) => new Date(ms).toISOString();

  /** A content that old signatures found clean a day ago. */
  async function stored(
    bytes: Buffer,
    {
      name = blobName(`sha256/${sha256Of(bytes)}`),
      metadata = {},
    }: { name?: string; metadata?: object } = {},
  ): Promise<StoredObject> {
    const at = iso(fixture.now - DAY);
    async function* source() {
      yield bytes;
    }
    const said = { cleanSince: at, scannedAt: at, usedAt: at, ...OLD, ...metadata };
    const options = { contentType: 'application/octet-stream', metadata: said };
    const object = await (await fixture.sweeper.permanent.stage(name, source(), options)).commit();
    fixture.now += 2_000;
    return object;
  }
  const scanned = (
    { name, generation }: StoredObject,
    how: Partial<RescanContext> = {},
    hook: Hook = straight,
  ): Promise<Outcome> =>
    rescan(fixture.context(how, hook), { name, generation, dueAt: new Date(fixture.now - 1_000) }, never);
  const outcomes = () => fixture.outcomes();
  const blobOf = async ({ name }: StoredObject) =>
    (await fixture.sweeper.permanent.stat(name)) ?? assert.fail(`${name} is gone`);
  const finding = (bytes: Buffer) => fixture.sweeper.findings.get(sha256Of(bytes));

  it('that finds nothing says so in the metadata, and when it was clean first stays', async () => {
    const bytes = randomBytes(100);
    const object = await stored(bytes, { metadata: { coverage: 'windows', rescannedAt: iso(1) } });
    assert.deepEqual(await scanned(object), { kind: 'done' });
    assert.deepEqual(fixture.given, [bytes]);
    const { metadata } = await blobOf(object);
    const at = iso(fixture.now);
    const { cleanSince, usedAt } = object.metadata;
    assert.deepEqual(metadata, {
      ...{ cleanSince, usedAt, scannedAt: at, engine: '1.4.6' },
      ...{ database: '27007', databaseDate: NEW.databaseDate },
    });
    assert.equal(fixture.published.length, 0);
    assert.deepEqual(outcomes(), ['clean']);
  });

  it('scans a large content in windows, as a first scan does', async () => {
    const bytes = randomBytes(2_500);
    const object = await stored(bytes, { metadata: { coverage: 'windows' } });
    await scanned(object, { windows: { maxBytes: 3_000, overlapBytes: 100, timeoutMs: 60_000 } });
    assert.deepEqual(
      fixture.given.map(({ length }) => length),
      [1000, 1000, 700],
    );
    const { metadata } = await blobOf(object);
    assert.deepEqual([metadata['coverage'], metadata['scannedAt']], ['windows', iso(fixture.now)]);
  });

  it('in windows never replaces a scan of the whole', async () => {
    const object = await stored(randomBytes(2_500));
    const windows = { maxBytes: 3_000, overlapBytes: 100, timeoutMs: 60_000 };
    await scanned(object, { windows });
    const { metadata } = await blobOf(object);
    assert.deepEqual(metadata, { ...object.metadata, rescannedAt: iso(fixture.now) });
    assert.deepEqual(outcomes(), ['clean']);
  });

  it('that finds malware keeps the finding, and says once that the content has changed', async () => {
    const bytes = randomBytes(100);
    const object = await stored(bytes, { name: `blobs/sha256/${'0'.repeat(64)}/${sha256Of(bytes)}` });
    fixture.verdict = INFECTED;
    await scanned(object);
    fixture.now += 2_000;
    await scanned(object);
    const known = await finding(bytes);
    assert.equal(known?.signature, SIGNATURE);
    assert.equal(known?.announced, true);
    assert.deepEqual(known?.finding?.engine, NEW);
    assert.equal(fixture.published.length, 1);
    assert.equal(fixture.published[0]?.attributes['eventType'], 'verdict.changed.v1');
    assert.equal(fixture.given.length, 1, 'known malware is not read again');
    assert.deepEqual(outcomes(), ['infected', 'known']);
    assert.equal((await blobOf(object)).metadata['scannedAt'], object.metadata['scannedAt']);
  });

  describe('that ends', () => {
    for (const found of [CLEAN, INFECTED] as const) {
      it(`after any write is resumed by the next delivery: ${found.kind}`, async () => {
        let died = true;
        for (let step = 0; died; step++) {
          died = false;
          const bytes = randomBytes(100);
          const object = await stored(bytes);
          fixture.verdict = found;
          fixture.published = [];
          let writes = 0;
          const dying: Hook = async (operation, _name, run) => {
            const result = await run();
            const isWrite = ['insert', 'patch', 'publish'].includes(operation);
            if (!isWrite || writes++ !== step) return result;
            died = true;
            throw new Died();
          };
          await scanned(object, {}, dying).catch((error: unknown) => assert.ok(error instanceof Died));
          fixture.now += 2_000;
          await scanned(object);
          assert.equal((await finding(bytes))?.announced, found.kind === 'infected' ? true : undefined);
          assert.equal(fixture.eventIds().length, found.kind === 'infected' ? 1 : 0);
          const { metadata } = await blobOf(object);
          const ended = metadata[found.kind === 'infected' ? 'rescannedAt' : 'scannedAt'] ?? '';
          assert.ok(Date.parse(ended) > Date.parse(object.metadata['scannedAt'] ?? ''), `after ${step}`);
          fixture.now += 2_000;
        }
      });
    }
  });

  it('leaves a content clean that it cannot scan, until the next age', async () => {
    const object = await stored(randomBytes(100));
    fixture.verdict = { kind: 'unscannable', reason: 'limitExceeded' };
    await scanned(object);
    const { metadata } = await blobOf(object);
    assert.deepEqual(metadata, { ...object.metadata, rescannedAt: iso(fixture.now) });
    assert.deepEqual(outcomes(), ['unscannable']);
  });

  it('reads nothing of a content that is larger than what is scanned now', async () => {
    const object = await stored(randomBytes(1_001));
    await scanned(object);
    assert.equal(fixture.given.length, 0);
    assert.ok((await blobOf(object)).metadata['rescannedAt']);
  });

  it('never says clean of bytes that do not have the digest of their name, and nobody gets them', async () => {
    const bytes = randomBytes(100);
    const name = blobName(`sha256/${sha256Of(randomBytes(100))}`);
    const object = await stored(bytes, { name });
    await scanned(object);
    const { metadata } = await blobOf(object);
    assert.equal(metadata['damagedAt'], iso(fixture.now));
    assert.equal(metadata['scannedAt'], object.metadata['scannedAt']);
    const [line] = fixture.lines.filter(({ level }) => level === 50);
    assert.equal(line?.['msg'], 'stored bytes do not match their digest');
    const content = {
      size: 100,
      crc32c: object.crc32c,
      sha256: parseSha256(name.slice(-64)) ?? assert.fail(),
    };
    const found = new Blobs(fixture.sweeper.permanent).find({ owner: OWNER, content });
    await assert.rejects(found, { name: 'BlobMismatch' });
    fixture.now += 2_000;
    await scanned(object);
    assert.equal(fixture.given.length, 1);
  });

  it('is not completed where bytes change on the way', async () => {
    const object = await stored(randomBytes(100));
    fixture.storage.emulator.faults.add({
      operation: 'objects.getMedia',
      effect: { kind: 'corrupt' },
    });
    await assert.rejects(scanned(object), { reason: 'checksumMismatch' });
    assert.deepEqual((await blobOf(object)).metadata, object.metadata);
  });

  it('changes nothing while ClamAV does not answer', async () => {
    const object = await stored(randomBytes(100));
    const fit = () => Promise.reject(new ScanFault('unfit', 'too old'));
    await assert.rejects(scanned(object, { engine: { fit } }), { code: 'unfit' });
    assert.deepEqual((await blobOf(object)).metadata, object.metadata);
  });

  it('comes back where there is no slot', async () => {
    const object = await stored(randomBytes(100));
    const admission = admissionOf(0);
    const outcome = await scanned(object, { admission });
    assert.equal(outcome.kind, 'later');
  });

  it('is none by the same signatures, or of what was scanned since it was due', async () => {
    const same = { engine: NEW.engine, database: String(NEW.database) };
    await scanned(await stored(randomBytes(100), { metadata: same }));
    await scanned(await stored(randomBytes(100), { metadata: { scannedAt: iso(fixture.now + 2_000) } }));
    await scanned(await stored(randomBytes(100), { metadata: { rescannedAt: iso(fixture.now + 2_000) } }));
    assert.deepEqual(outcomes(), ['current', 'current', 'current']);
    assert.equal(fixture.given.length, 0);
  });

  for (const verdict of [CLEAN, { kind: 'unscannable', reason: 'limitExceeded' }] as const) {
    it(`that was running when another was ordered does not answer that order: ${verdict.kind}`, async () => {
      const object = await stored(randomBytes(100));
      const { name, generation } = object;
      const before = { ...NEW, database: NEW.database - 1 };
      let dueAt = new Date(fixture.now);
      const context = fixture.context();
      const scan: RescanContext['scanner']['scan'] = async (source, options) => {
        await context.scanner.scan(source, options);
        fixture.now += 2_000;
        dueAt = new Date(fixture.now);
        fixture.now += 2_000;
        return verdict;
      };
      await scanned(object, { engine: { fit: async () => before }, scanner: { ...context.scanner, scan } });
      fixture.now += 2_000;
      await rescan(context, { name, generation, dueAt }, never);
      fixture.now += 2_000;
      await rescan(fixture.context(), { name, generation, dueAt }, never);
      assert.deepEqual(outcomes(), [verdict.kind, 'clean', 'current']);
      assert.equal(fixture.given.length, 2);
    });
  }

  it('is over where the content is gone, another, marked as infected, or no blob', async () => {
    const object = await stored(randomBytes(100));
    await scanned({ ...object, generation: parseGeneration('1') ?? assert.fail() });
    await scanned({ ...object, name: `files/${sha256Of(randomBytes(1))}` });
    await scanned(await stored(randomBytes(100), { metadata: { signature: 'by hand' } }));
    await fixture.sweeper.permanent.delete(object.name, object);
    await scanned(object);
    assert.deepEqual(outcomes(), ['over', 'over', 'over', 'over']);
    assert.equal(fixture.given.length, 0);
  });

  it('writes to no blob that was collected while it was scanned', async () => {
    const object = await stored(randomBytes(100));
    const collecting: Hook = async (operation, name, run) => {
      if (operation === 'patch') await fixture.sweeper.permanent.delete(name, object);
      return run();
    };
    await scanned(object, {}, collecting);
    assert.equal(await fixture.sweeper.permanent.stat(object.name), undefined);
  });

  it('throws after five conflicts with a blob that keeps changing', async () => {
    const object = await stored(randomBytes(100));
    const { operations, faults } = fixture.storage.emulator;
    operations.reset();
    faults.add({ operation: 'objects.patch', effect: { kind: 'error', status: 412 } });
    await assert.rejects(scanned(object), { message: `${object.name} keeps changing` });
    assert.equal(operations.of('objects.patch').calls, 5);
    faults.clear();
    assert.equal((await blobOf(object)).metadata['scannedAt'], object.metadata['scannedAt']);
  });

  it('leaves a newer scan that somebody else wrote meanwhile, and a use of the content', async () => {
    const object = await stored(randomBytes(100));
    const newer = iso(fixture.now + 60_000);
    const others = [{ usedAt: newer }, { scannedAt: newer, engine: '1.5.0' }];
    const meeting: Hook = async (operation, name, run) => {
      const other = operation === 'patch' ? others.shift() : undefined;
      if (other) await fixture.sweeper.permanent.patch(name, await blobOf(object), other);
      return run();
    };
    await scanned(object, {}, meeting);
    const { metadata } = await blobOf(object);
    assert.equal(metadata['usedAt'], newer);
    assert.equal(metadata['scannedAt'], newer);
    assert.equal(metadata['engine'], '1.5.0');
  });

  it('does not bring back a finding that an operator has lifted, and does find another', async () => {
    const bytes = randomBytes(100);
    const object = await stored(bytes);
    fixture.verdict = INFECTED;
    await scanned(object);
    fixture.now += 2_000;
    const order = { sha256: sha256Of(bytes), reason: 'false', signature: SIGNATURE };
    await releaseFinding(fixture.sweeper, order, 'operator');
    fixture.now += 2_000;
    await scanned(object);
    assert.equal(await finding(bytes), undefined);
    fixture.verdict = { kind: 'infected', signature: 'Another' };
    fixture.now += 2_000;
    await scanned(object);
    assert.equal((await finding(bytes))?.signature, 'Another');
    assert.deepEqual(outcomes(), ['infected', 'released', 'infected']);
  });
});
