import assert from 'node:assert/strict';
import { openDownload } from '../../../functions/files/download.ts';
import { ReceiptWriter } from '../../../functions/files/receipt-writer.ts';
import { type RecallDeps, type RecallReport, recall } from '../../../functions/sweeper/recall.ts';
import { condemnContent, releaseFinding } from '../../../functions/sweeper/release.ts';
import { announceFinding } from '../../../shared/events/complete-scan.ts';
import { parseBlob } from '../../../shared/files/blob.ts';
import { blobKey, blobName } from '../../../shared/files/blob-name.ts';
import { acceptedName, Blobs } from '../../../shared/files/blobs.ts';
import { Candidates } from '../../../shared/files/candidates.ts';
import type { FileId } from '../../../shared/files/file-id.ts';
import { Findings } from '../../../shared/files/findings.ts';
import { Receipts } from '../../../shared/files/receipts.ts';
import type { Sha256 } from '../../../shared/files/record.ts';
import { Records } from '../../../shared/files/records.ts';
import { References, type ResourceUri } from '../../../shared/files/references.ts';
import { requireReadable } from '../../../shared/http/outcome.ts';
import type { Principal } from '../../../shared/identity/principal.ts';
import { Bucket } from '../../../shared/storage/bucket.ts';
import { FAST_RETRY } from '../../shared/storage/streams.ts';
import { DAY, OWNER, SweeperFixture } from './fixture.ts';
import { type Hook, HookedBucket, straight } from './hooked-bucket.ts';

const SIGNATURE = 'Late.Signature';
const READER = 'org:123456785' as Principal;
const URI = 'https://fhir.example.org/DocumentReference/1' as ResourceUri;

class Died extends Error {}

/** A process that dies after so many writes; `died` is told. */
function dyingAfter(step: number, died: () => void): Hook {
  let writes = 0;
  return async (operation, _name, work) => {
    const result = await work();
    if (!['insert', 'patch', 'delete', 'rewrite', 'publish'].includes(operation)) return result;
    if (writes++ !== step) return result;
    died();
    throw new Died();
  };
}

describe('a recall', () => {
  const fixture = new SweeperFixture(true);
  let quarantine: Bucket;
  let count = 0;
  beforeEach(async () => {
    const name = `quarantine-of-recall-${count++}`;
    (await fixture.storage.call('POST', '/storage/v1/b?project=p', { json: { name } })).ok();
    quarantine = new Bucket(fixture.connection, name, { retry: FAST_RETRY, paced: true });
  });

  function deps(hook: Hook = straight): RecallDeps {
    const { sweeper, connection } = fixture;
    const permanent = new HookedBucket(hook, connection, sweeper.permanent.name, {
      retry: FAST_RETRY,
      paced: true,
    });
    return {
      ...sweeper,
      permanent,
      records: new Records(permanent),
      findings: new Findings(permanent),
      candidates: new Candidates(permanent),
      references: new References(permanent),
      receipts: new Receipts(permanent),
      publish: (event) => hook('publish', 'event', () => sweeper.publish(event)),
      quarantine,
      blobs: new Blobs(permanent),
    };
  }
  async function run(hook: Hook = straight, stopping = () => false): Promise<RecallReport> {
    const report = await recall(deps(hook), { budgetMs: 60_000, stopping });
    fixture.now += 2_000;
    return report;
  }

  interface File {
    readonly id: FileId;
    readonly sha256: Sha256;
  }
  /** A clean file whose content is stored. */
  async function clean(): Promise<File> {
    const file = await fixture.uploaded();
    await fixture.decide(file);
    const { id, content } = file.record;
    assert.ok(content);
    const metadata = { scannedAt: fixture.sweeper.now().toISOString(), engine: '1.4.6' };
    const target = { bucket: fixture.sweeper.permanent, contentType: 'application/octet-stream', metadata };
    const name = blobName(`sha256/${content.sha256}`);
    assert.notEqual(
      typeof (await fixture.sweeper.unscanned.rewrite(file.object, { ...target, name })),
      'string',
    );
    fixture.now += 2_000;
    return { id, sha256: content.sha256 };
  }
  async function found({ sha256 }: File): Promise<void> {
    const { findings, now, publish } = fixture.sweeper;
    const known = await findings.add(sha256, {
      signature: SIGNATURE,
      scannedAt: now(),
      engine: { engine: '1.4.6' },
    });
    fixture.now += 2_000;
    await announceFinding({ findings, publish }, sha256, known ?? assert.fail());
    fixture.published = [];
    fixture.now += 2_000;
  }
  const stateOf = async ({ id }: File) => (await fixture.read(id)).record.state;
  const isThere = async (name: string) => (await fixture.sweeper.permanent.stat(name)) !== undefined;
  const isOpen = ({ sha256 }: File) => isThere(`recalls/sha256/${sha256}`);

  /** All that follows from a finding, once. */
  async function isRecalled(file: File): Promise<void> {
    const { record } = await fixture.read(file.id);
    assert.equal(record.state, 'infected');
    assert.ok(record.state === 'infected' && record.recalled?.announced);
    assert.equal(record.signature, SIGNATURE);
    assert.ok(await quarantine.stat(`sha256/${file.sha256}`), 'the bytes are in quarantine');
    assert.ok(await isThere(`collect/sha256/${file.sha256}`), 'the content can be collected');
    assert.equal(await isOpen(file), false);
    const of = fixture.published.filter(({ attributes }) => attributes['ce-subject'] === file.id);
    assert.equal(new Set(of.map(({ attributes }) => attributes['ce-id'])).size, 1);
  }

  it('turns each file of the content infected, and leaves others alone', async () => {
    const [file, other] = [await clean(), await clean()];
    await new References(fixture.sweeper.permanent).add(file.id, URI, { by: OWNER, at: new Date() });
    await found(file);
    assert.deepEqual(await run(), { files: { recalled: 1, other: 1 }, complete: true });
    await isRecalled(file);
    assert.equal(await stateOf(other), 'clean');
    const [event] = fixture.published;
    assert.equal(event?.attributes['eventType'], 'file.recalled.v1');
    const data = JSON.parse(String(event?.data)) as Record<string, unknown>;
    assert.deepEqual([data['owner'], data['viewers'], data['references']], [OWNER, [], [URI]]);
    assert.deepEqual([data['receipts'], data['moreReceipts']], [[], undefined]);
    fixture.published = [];
    assert.deepEqual(await run(), { files: {}, complete: true });
    assert.equal(fixture.published.length, 0);
  });

  it('names no viewer whose grant is over, swept or not', async () => {
    const file = await clean();
    const read = await fixture.read(file.id);
    const viewers = [
      { principal: READER, until: fixture.sweeper.now() },
      { principal: 'org:2' as Principal, until: new Date(fixture.now + DAY) },
    ];
    assert.ok(await fixture.sweeper.records.replace(read, { ...read.record, viewers }));
    fixture.now += 2_000;
    await found(file);
    await run();
    const [event] = fixture.published;
    assert.deepEqual((JSON.parse(String(event?.data)) as { viewers: unknown }).viewers, ['org:2']);
  });

  it('is resumed after a crash at any write', async () => {
    let died = true;
    for (let step = 0; died; step++) {
      died = false;
      const file = await clean();
      await found(file);
      const dying = dyingAfter(step, () => {
        died = true;
      });
      await run(dying).catch((error: unknown) => assert.ok(error instanceof Died, String(error)));
      for (let runs = 0; runs < 3; runs++) await run();
      await isRecalled(file);
    }
  });

  it('goes on where it was stopped, and looks at all records before it ends', async () => {
    const files = await Promise.all(Array.from({ length: 3 }, clean));
    for (const file of files) await found(file);
    for (let calls = 0; calls < 40; calls++) {
      let left = 20;
      if ((await run(straight, () => left-- <= 0)).complete) break;
    }
    for (const file of files) await isRecalled(file);
  });

  it('looks again where a file became clean behind the walk', async () => {
    const [file, late] = [await clean(), await clean()];
    await found(file);
    const opening: Hook = async (operation, name, run) => {
      // As its scanner does: first the record, then the recall.
      if (operation === 'delete' && name.startsWith('recalls/')) {
        await fixture.sweeper.findings.recalls.open(file.sha256);
      }
      return run();
    };
    await run(opening);
    assert.ok(await isOpen(file));
    await run();
    await isRecalled(file);
    assert.equal(await stateOf(late), 'clean');
  });

  it('comes back to a file that it could not recall', async () => {
    const file = await clean();
    await found(file);
    const refusing: Hook = (operation, name, run) =>
      operation === 'patch' && name.startsWith('verdicts/') ? Promise.reject(new Died()) : run();
    assert.deepEqual((await run(refusing)).files, { error: 1 });
    assert.ok(await isOpen(file));
    await run();
    await isRecalled(file);
  });

  /** @returns whether the files function hands the file out */
  async function download({ id }: File, hook: Hook): Promise<boolean> {
    const { permanent, findings, receipts, publish, now } = deps(hook);
    const receiptWriter = new ReceiptWriter({ receipts, publish, now });
    const stored = { blobs: new Blobs(permanent), findings, receiptWriter };
    const record = requireReadable((await fixture.read(id)).record);
    const { signal } = new AbortController();
    try {
      await openDownload(stored, record, { method: 'GET', reader: READER, headers: {}, signal });
      return true;
    } catch (error) {
      assert.equal((error as { type?: string }).type, 'file-infected', String((error as Error).stack));
      return false;
    }
  }
  const receiptsOf = (file: File): readonly { principal: string }[] => {
    const isOfFile = ({ attributes }: { attributes: Readonly<Record<string, string>> }) =>
      attributes['eventType'] === 'file.recalled.v1' && attributes['ce-subject'] === file.id;
    const event = fixture.published.find(isOfFile) ?? assert.fail('it was not recalled');
    return (JSON.parse(String(event.data)) as { receipts: { principal: string }[] }).receipts;
  };

  it('names everybody who gets the bytes, whenever it comes while they are handed out', async () => {
    const handedOut = new Set<boolean>();
    for (let step = 0, reached = true; reached; step++) {
      const file = await clean();
      const isFoundAndRecalled = async () => {
        await found(file);
        await run();
      };
      let operations = 0;
      let recalling: Promise<void> | undefined;
      const interrupted: Hook = async (operation, _name, proceed) => {
        if (operation !== 'publish' && operations++ === step) {
          recalling = isFoundAndRecalled();
          await recalling;
        }
        return proceed();
      };
      const got = await download(file, interrupted);
      handedOut.add(got);
      reached = recalling !== undefined;
      // A download that is refused waits for no recall.
      await (recalling ?? isFoundAndRecalled());
      const names = receiptsOf(file).map(({ principal }) => principal);
      if (got) assert.deepEqual(names, [READER], `step ${step}`);
    }
    assert.deepEqual(handedOut, new Set([false, true]));
  });

  it('names a thousand readers, and says that there are more', async () => {
    const file = await clean();
    const receipts = new Receipts(fixture.sweeper.permanent);
    const readers = Array.from({ length: 1_001 }, (_, index) => `org:${index}` as Principal);
    const at = new Date().toISOString();
    for (const principal of readers) await receipts.add(file.id, { principal, at });
    await found(file);
    await run();
    const [event] = fixture.published;
    const data = JSON.parse(String(event?.data)) as { receipts: unknown[]; moreReceipts?: true };
    assert.deepEqual([data.receipts.length, data.moreReceipts], [1_000, true]);
  });

  it('recalls nothing whose finding an operator has lifted meanwhile', async () => {
    const file = await clean();
    await found(file);
    await releaseFinding(fixture.sweeper, { sha256: file.sha256, reason: 'false' }, 'operator');
    assert.deepEqual((await run()).files, { released: 1 });
    assert.equal(await stateOf(file), 'clean');
    const told = fixture.published.map(({ attributes }) => attributes['eventType']);
    assert.deepEqual(told, ['verdict.changed.v1']);
  });

  it('ends under a hold as well, and is opened anew by a later finding', async () => {
    const file = await clean();
    await found(file);
    const name = `recalls/sha256/${file.sha256}`;
    const bucket = fixture.sweeper.permanent.name;
    const path = `/storage/v1/b/${bucket}/o/${encodeURIComponent(name)}`;
    (await fixture.storage.call('PATCH', path, { json: { temporaryHold: true } })).ok();
    fixture.now += 2_000;
    await run();
    assert.equal((await fixture.sweeper.permanent.stat(name))?.metadata['done'], 'true');
    assert.equal(await stateOf(file), 'infected');
    assert.deepEqual((await run()).files, {});
    fixture.now += 2_000;
    await fixture.sweeper.findings.recalls.open(file.sha256);
    fixture.now += 2_000;
    assert.deepEqual((await run()).files, { other: 1 });
  });

  describe('of a content that an operator releases', () => {
    const reason = 'a false positive';
    const release = async ({ sha256 }: File, signature?: string) => {
      const report = await releaseFinding(
        fixture.sweeper,
        { sha256, reason, ...(signature !== undefined && { signature }) },
        'a@example.org',
      );
      fixture.now += 2_000;
      return report;
    };
    const condemn = async ({ sha256 }: File) => {
      const report = await condemnContent(fixture.sweeper, { sha256, reason: 'phishing' }, 'b@example.org');
      fixture.now += 2_000;
      return report;
    };
    const blobOf = ({ sha256 }: File) => fixture.sweeper.permanent.stat(blobName(`sha256/${sha256}`));
    async function collected(file: File): Promise<void> {
      const blob = (await blobOf(file)) ?? assert.fail();
      await fixture.sweeper.permanent.delete(blob.name, blob);
      fixture.now += 2_000;
    }
    async function recalled(): Promise<File> {
      const file = await clean();
      await found(file);
      await run();
      fixture.published = [];
      return file;
    }
    async function isRestored(file: File): Promise<void> {
      const { record } = await fixture.read(file.id);
      assert.ok(record.state === 'clean' && record.released?.announced);
      assert.deepEqual([record.released.by, record.released.reason], ['a@example.org', reason]);
      assert.equal('signature' in record || 'recalled' in record, false);
      const blob = (await blobOf(file)) ?? assert.fail('it has no bytes');
      assert.equal(blob.size, record.content.size);
      assert.ok(!('signature' in parseBlob(blob)));
      assert.equal(await isOpen(file), false);
      const told = fixture.published.map(({ attributes }) => [
        attributes['eventType'],
        attributes['verdict'],
      ]);
      const once = new Set(told.map((event) => event.join()));
      assert.deepEqual([...once].sort(), ['file.released.v1,clean', 'verdict.changed.v1,clean']);
    }

    for (const isCollected of [false, true]) {
      it(`makes its files clean again${isCollected ? ', from quarantine' : ''}`, async () => {
        const file = await recalled();
        if (isCollected) await collected(file);
        assert.deepEqual(await release(file), { released: 1 });
        assert.deepEqual((await run()).files, { restored: 1 });
        await isRestored(file);
        assert.deepEqual(await run(), { files: {}, complete: true });
      });
    }

    it('makes a file clean that never was, from its copy in quarantine', async () => {
      const file = await recalled();
      await collected(file);
      const kept = (await quarantine.stat(`sha256/${file.sha256}`)) ?? assert.fail();
      const target = { bucket: quarantine, name: file.id, contentType: 'text/plain' };
      assert.ok(typeof (await quarantine.rewrite(kept, target)) === 'object');
      await quarantine.delete(kept.name, kept);
      await release(file, SIGNATURE);
      assert.deepEqual((await run()).files, { restored: 1 });
      await isRestored(file);
    });

    it('makes it clean in the scope of its owner, where owners have separate blobs', async () => {
      const file = await recalled();
      await collected(file);
      await release(file);
      const blobs = new Blobs(fixture.sweeper.permanent, { deduplicate: 'owner' });
      const report = await recall({ ...deps(), blobs }, { budgetMs: 60_000, stopping: () => false });
      assert.deepEqual(report.files, { restored: 1 });
      const name = blobName(blobKey('owner', { owner: OWNER, sha256: file.sha256 }));
      assert.ok(await isThere(name));
      assert.equal(await isThere(blobName(`sha256/${file.sha256}`)), false);
    });

    it('leaves a file infected whose bytes are nowhere, or are others', async () => {
      const files = [await recalled(), await recalled()] as const;
      for (const file of files) {
        await collected(file);
        const kept = (await quarantine.stat(`sha256/${file.sha256}`)) ?? assert.fail();
        await quarantine.delete(kept.name, kept);
        await release(file);
      }
      const other = { contentType: 'text/plain', metadata: {} };
      await quarantine.insertEmpty(`sha256/${files[1].sha256}`, other);
      assert.deepEqual((await run()).files, { bytesGone: 2 });
      for (const file of files) {
        assert.equal(await stateOf(file), 'infected');
        assert.equal(await isOpen(file), false);
        assert.equal(await blobOf(file), undefined);
      }
    });

    it('leaves a file infected whose blob is damaged', async () => {
      const file = await recalled();
      const blob = (await blobOf(file)) ?? assert.fail();
      assert.ok(
        await fixture.sweeper.permanent.patch(blob.name, blob, { damagedAt: new Date().toISOString() }),
      );
      await release(file);
      assert.deepEqual((await run()).files, { bytesGone: 1 });
      assert.equal(await stateOf(file), 'infected');
    });

    it('leaves a file infected in which another signature was found', async () => {
      const file = await recalled();
      assert.deepEqual(await release(file, 'Another'), { released: 0 });
      const { record } = await fixture.read(file.id);
      assert.ok(record.state === 'infected');
      await fixture.write({ ...record, signature: 'Another' });
      fixture.now += 2_000;
      assert.deepEqual(await release(file, SIGNATURE), { released: 1 });
      assert.deepEqual((await run()).files, { other: 1 });
      assert.equal(await stateOf(file), 'infected');
    });

    it('is resumed after a crash at any write', async () => {
      let died = true;
      for (let step = 0; died; step++) {
        died = false;
        const file = await recalled();
        if (step % 2 === 0) await collected(file);
        await release(file);
        const dying = dyingAfter(step, () => {
          died = true;
        });
        await run(dying).catch((error: unknown) => assert.ok(error instanceof Died, String(error)));
        for (let runs = 0; runs < 3; runs++) await run();
        await isRestored(file);
      }
    });

    it('is undone by a condemnation, which brings back what was found', async () => {
      const file = await recalled();
      assert.deepEqual(await condemn(file), { condemned: 0 }, 'what was found stands');
      await release(file);
      await run();
      fixture.published = [];
      assert.deepEqual(await condemn(file), { condemned: 1 });
      assert.deepEqual(await condemn(file), { condemned: 0 });
      assert.deepEqual((await run()).files, { recalled: 1 });
      const { record } = await fixture.read(file.id);
      assert.ok(record.state === 'infected' && record.recalled?.announced && !('released' in record));
      assert.equal(record.signature, SIGNATURE);
      const told = fixture.published.map(({ attributes }) => attributes['eventType']);
      assert.deepEqual([...new Set(told)], ['verdict.changed.v1', 'file.recalled.v1']);
      fixture.published = [];
      await collected(file);
      assert.deepEqual(await release(file), { released: 1 });
      assert.deepEqual((await run()).files, { restored: 1 });
      await isRestored(file);
    });

    for (const isCollected of [false, true]) {
      it(`of a condemnation makes a file clean that a scan had found clean${isCollected ? ', from quarantine' : ''}`, async () => {
        const file = await clean();
        const before = (await fixture.read(file.id)).record;
        await condemn(file);
        assert.deepEqual((await run()).files, { recalled: 1 });
        if (isCollected) await collected(file);
        fixture.published = [];
        await release(file);
        assert.deepEqual((await run()).files, { restored: 1 });
        await isRestored(file);
        const { record } = await fixture.read(file.id);
        assert.ok(record.state === 'clean' && before.state === 'clean');
        assert.deepEqual(record.scan, before.scan, 'nothing has scanned it since');
        const { findings, now } = fixture.sweeper;
        const later = { signature: SIGNATURE, scannedAt: now(), engine: { engine: '1.4.6' } };
        assert.ok(
          !('release' in (await findings.add(file.sha256, later))),
          'a scan may still find something',
        );
      });
    }

    /** A file whose content was condemned before anybody scanned it; its bytes are in quarantine. */
    async function neverScanned(): Promise<File> {
      const { object, record } = await fixture.uploaded();
      assert.ok(record.content);
      const { sha256 } = record.content;
      const file = { id: record.id, sha256 };
      await condemn(file);
      assert.deepEqual((await run()).files, { other: 1 });
      const scan = { generation: object.generation, scannedAt: fixture.sweeper.now() };
      await fixture.write({
        ...record,
        content: record.content,
        state: 'infected',
        signature: 'Operator.Condemned',
        scan,
      });
      const target = { bucket: quarantine, name: file.id, contentType: 'text/plain' };
      assert.ok(typeof (await fixture.sweeper.unscanned.rewrite(object, target)) === 'object');
      fixture.now += 2_000;
      fixture.published = [];
      return file;
    }

    it('of a condemnation makes a file clean whose content a scan had found clean in another', async () => {
      const file = await neverScanned();
      const bytes = (await quarantine.stat(file.id)) ?? assert.fail();
      const scannedAt = new Date(fixture.now - DAY);
      const metadata = { scannedAt: scannedAt.toISOString(), engine: '1.4.6' };
      const name = blobName(`sha256/${file.sha256}`);
      const target = { bucket: fixture.sweeper.permanent, name, contentType: 'text/plain', metadata };
      assert.ok(typeof (await quarantine.rewrite(bytes, target)) === 'object');
      fixture.now += 2_000;
      await release(file);
      assert.deepEqual((await run()).files, { restored: 1 });
      await isRestored(file);
      const { record } = await fixture.read(file.id);
      assert.ok(record.state === 'clean' && record.scan.reusedAt);
      assert.deepEqual([record.scan.scannedAt, record.scan.engine], [scannedAt, { engine: '1.4.6' }]);
    });

    it('of a condemnation leaves standing what a scan has found meanwhile', async () => {
      const file = await clean();
      await condemn(file);
      assert.deepEqual((await run()).files, { recalled: 1 });
      await found(file);
      assert.deepEqual(await release(file, 'Operator.Condemned'), { released: 0 });
      await run();
      assert.equal(await stateOf(file), 'infected');
      assert.deepEqual(await release(file, SIGNATURE), { released: 1 });
      assert.deepEqual((await run()).files, { restored: 1 });
      await isRestored(file);
    });

    it('of one signature does not release what scans have found beside it', async () => {
      const file = await recalled();
      const { findings, now } = fixture.sweeper;
      const other = { signature: 'Other.Signature', scannedAt: now(), engine: { engine: '1.4.6' } };
      await findings.add(file.sha256, other);
      fixture.now += 2_000;
      assert.deepEqual(await release(file, SIGNATURE), { released: 0, alsoFound: 'Other.Signature' });
      await run();
      assert.equal(await stateOf(file), 'infected');
      assert.deepEqual(await release(file), { released: 1 });
      assert.deepEqual((await run()).files, { restored: 1 });
      await isRestored(file);
    });

    /** A file that could not be scanned and was accepted, until its content was found to be malware. */
    async function accepted(): Promise<File> {
      const { object, record } = await fixture.uploaded();
      assert.ok(record.content);
      const file = { id: record.id, sha256: record.content.sha256 };
      const { permanent, unscanned, now } = fixture.sweeper;
      const target = { bucket: permanent, name: acceptedName(file.id), contentType: 'text/plain' };
      assert.ok(typeof (await unscanned.rewrite(object, target)) === 'object');
      await fixture.write({
        ...record,
        content: record.content,
        state: 'unscannable',
        reason: 'encrypted',
        accepted: true,
        scan: { generation: object.generation, scannedAt: now(), engine: { engine: '1.4.6' } },
      });
      fixture.now += 2_000;
      await found(file);
      assert.deepEqual((await run()).files, { recalled: 1 });
      fixture.published = [];
      return file;
    }

    it('of one signature makes no file clean that could not be scanned', async () => {
      const file = await accepted();
      await release(file, SIGNATURE);
      assert.deepEqual((await run()).files, { neverClean: 1 });
      assert.equal(await stateOf(file), 'infected');
      assert.equal(await blobOf(file), undefined);
    });

    it('of whatever is found vouches for such a file after a release of one signature', async () => {
      const file = await accepted();
      await release(file, SIGNATURE);
      assert.deepEqual((await run()).files, { neverClean: 1 });
      assert.deepEqual(await release(file, SIGNATURE), { released: 0 }, 'the same again');
      assert.deepEqual(await release(file), { released: 1 });
      assert.deepEqual((await run()).files, { restored: 1 });
      await isRestored(file);
      assert.deepEqual(await release(file), { released: 0 });
      assert.deepEqual(await release(file, SIGNATURE), { released: 0 }, 'it covers less');
    });

    it('of whatever is found vouches for a file that could not be scanned', async () => {
      const file = await accepted();
      await release(file);
      assert.deepEqual((await run()).files, { restored: 1 });
      await isRestored(file);
    });

    for (const keeps of [true, false]) {
      it(`of whatever is found brings such a file back from where it was accepted, ${keeps ? 'once quarantine has deleted it' : 'without a quarantine'}`, async () => {
        const file = await accepted();
        const copy = (await quarantine.stat(`sha256/${file.sha256}`)) ?? assert.fail();
        await quarantine.delete(copy.name, copy);
        await release(file);
        const how = keeps ? deps() : { ...deps(), quarantine: undefined };
        const report = await recall(how, { budgetMs: 60_000, stopping: () => false });
        assert.deepEqual(report.files, { restored: 1 });
        await isRestored(file);
      });
    }

    it('of a condemnation takes no scan of another owner’s content, where owners have separate blobs', async () => {
      const file = await neverScanned();
      const bytes = (await quarantine.stat(file.id)) ?? assert.fail();
      const metadata = { scannedAt: new Date(fixture.now - DAY).toISOString(), engine: '1.4.6' };
      const name = blobName(`sha256/${file.sha256}`);
      const target = { bucket: fixture.sweeper.permanent, name, contentType: 'text/plain', metadata };
      assert.ok(typeof (await quarantine.rewrite(bytes, target)) === 'object');
      fixture.now += 2_000;
      await release(file);
      const blobs = new Blobs(fixture.sweeper.permanent, { deduplicate: 'owner' });
      const report = await recall({ ...deps(), blobs }, { budgetMs: 60_000, stopping: () => false });
      assert.deepEqual(report.files, { neverClean: 1 });
    });

    it('of a condemnation leaves a file infected that no scan has found clean', async () => {
      const file = await neverScanned();
      await release(file);
      assert.deepEqual((await run()).files, { neverClean: 1 });
      assert.equal(await stateOf(file), 'infected');
      assert.equal(await blobOf(file), undefined);
      assert.equal(await isOpen(file), false);
    });

    it('that is condemned and was never stored is refused', async () => {
      const sha256 = 'a'.repeat(64) as Sha256;
      assert.deepEqual(await condemn({ sha256 } as File), { condemned: 1 });
      assert.equal((await fixture.sweeper.findings.get(sha256))?.signature, 'Operator.Condemned');
    });

    it('comes to what was decided last, where a recall was still under way', async () => {
      const file = await clean();
      await found(file);
      const dying: Hook = async (operation, _name, work) => {
        if (operation === 'publish') throw new Died();
        return work();
      };
      assert.deepEqual((await run(dying)).files, { error: 1 });
      assert.equal(await stateOf(file), 'infected');
      fixture.published = [];
      await release(file);
      assert.deepEqual((await run()).files, { restored: 1 });
      assert.equal(await stateOf(file), 'clean');
    });

    describe('is told in the order in which it was decided', () => {
      /** Verdicts of the content, by `ce-time`. */
      const told = () =>
        fixture.published
          .map(({ attributes }) => attributes)
          .filter(({ eventType }) => eventType === 'verdict.changed.v1')
          .sort((a, b) => (a['ce-time'] ?? '').localeCompare(b['ce-time'] ?? ''))
          .map(({ verdict }) => verdict);

      it('where a condemnation began before the release and is written after it', async () => {
        const file = await recalled();
        let isFirst = true;
        const { findings } = deps(async (_operation, _name, work) => {
          if (isFirst) {
            isFirst = false;
            fixture.now += 2_000;
            await release(file);
          }
          return work();
        });
        const order = { sha256: file.sha256, reason };
        assert.deepEqual(await condemnContent({ ...fixture.sweeper, findings }, order, 'b@example.org'), {
          condemned: 1,
        });
        assert.ok(await fixture.sweeper.findings.get(file.sha256));
        assert.deepEqual(told(), ['clean', 'infected']);
      });

      it('where a scan ended before the release and its finding is written after it', async () => {
        const file = await recalled();
        const scannedAt = fixture.sweeper.now();
        fixture.now += 2_000;
        await release(file, SIGNATURE);
        const { findings, publish } = fixture.sweeper;
        const engine = { engine: '1.4.6' };
        const known = await findings.add(file.sha256, { signature: 'Other.Signature', scannedAt, engine });
        fixture.now += 2_000;
        await announceFinding({ findings, publish }, file.sha256, known);
        assert.deepEqual(told(), ['clean', 'infected']);
      });

      it('where the clock of the release is behind that of the scan', async () => {
        const file = await clean();
        const { findings, publish, now } = fixture.sweeper;
        const scannedAt = new Date(now().getTime() + 60_000);
        const engine = { engine: '1.4.6' };
        const known = await findings.add(file.sha256, { signature: SIGNATURE, scannedAt, engine });
        fixture.now += 2_000;
        await announceFinding({ findings, publish }, file.sha256, known);
        fixture.now += 2_000;
        await release(file);
        assert.deepEqual(told(), ['infected', 'clean']);
      });
    });

    it('is repeated where it was announced to nobody', async () => {
      const file = await recalled();
      const publish = () => Promise.reject(new Died());
      const order = { sha256: file.sha256, reason };
      await assert.rejects(releaseFinding({ ...fixture.sweeper, publish }, order, 'a@example.org'), Died);
      fixture.now += 2_000;
      assert.deepEqual(await release(file), { released: 0 });
      assert.deepEqual((await run()).files, { restored: 1 });
      await isRestored(file);
    });

    describe('and that needs two', () => {
      const ask = async ({ sha256 }: File, by: string, how: { signature?: string } = {}) => {
        const deps = { ...fixture.sweeper, needsSecond: true };
        const report = await releaseFinding(deps, { sha256, reason, ...how }, by);
        fixture.now += 2_000;
        return 'state' in report ? report.askedBy : report.released;
      };

      it('takes effect once another operator asks for the same', async () => {
        const file = await recalled();
        assert.equal(await ask(file, 'first@example.org'), 'first@example.org');
        assert.equal(await ask(file, 'First@example.org'), 'first@example.org', 'the same one');
        assert.ok(await fixture.sweeper.findings.get(file.sha256));
        assert.equal(await ask(file, 'a@example.org'), 1);
        assert.equal(await ask(file, 'third@example.org'), 0);
        await run();
        await isRestored(file);
      });

      it('takes no agreement to one signature for an agreement to all', async () => {
        const file = await recalled();
        assert.equal(await ask(file, 'first@example.org', { signature: SIGNATURE }), 'first@example.org');
        assert.equal(await ask(file, 'second@example.org'), 'second@example.org');
        assert.equal(await ask(file, 'first@example.org'), 1);
      });

      it('needs two as well to cover more than an earlier release', async () => {
        const file = await recalled();
        const one = { signature: SIGNATURE };
        assert.equal(await ask(file, 'first@example.org', one), 'first@example.org');
        assert.equal(await ask(file, 'second@example.org', one), 1);
        assert.equal(await ask(file, 'second@example.org'), 'second@example.org');
        assert.equal(await ask(file, 'second@example.org'), 'second@example.org', 'the same one');
        const lifted = await fixture.sweeper.findings.look(file.sha256);
        assert.ok(lifted && 'release' in lifted && lifted.release.signature === SIGNATURE);
        assert.equal(await ask(file, 'first@example.org'), 1);
        assert.equal(await ask(file, 'third@example.org'), 0);
      });

      it('asks anew once an operator has condemned the content', async () => {
        const file = await recalled();
        assert.equal(await ask(file, 'first@example.org'), 'first@example.org');
        assert.deepEqual(await condemn(file), { condemned: 0 });
        assert.equal(await ask(file, 'second@example.org'), 'second@example.org');
        assert.equal(await ask(file, 'first@example.org'), 1);
      });

      it('asks anew once the finding is another', async () => {
        const file = await recalled();
        assert.equal(await ask(file, 'first@example.org'), 'first@example.org');
        await release(file);
        await condemn(file);
        assert.equal(await ask(file, 'second@example.org'), 'second@example.org');
      });
    });
  });
});
