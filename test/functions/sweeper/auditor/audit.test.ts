import assert from 'node:assert/strict';
import { pino } from 'pino';
import { RecordWriter } from '../../../../functions/files/record-writer.ts';
import { share } from '../../../../functions/files/share.ts';
import {
  type AuditDeps,
  type AuditReport,
  audit,
  type Rule,
} from '../../../../functions/sweeper/auditor/audit.ts';
import { blobName } from '../../../../shared/files/blob-name.ts';
import { acceptedName } from '../../../../shared/files/blobs.ts';
import { type FileId, newFileId } from '../../../../shared/files/file-id.ts';
import { lengthName, partialName, partName } from '../../../../shared/files/parts.ts';
import { receiptsOf } from '../../../../shared/files/receipts.ts';
import type { CleanRecord, FileRecord, Sha256 } from '../../../../shared/files/record.ts';
import { referencesOf } from '../../../../shared/files/references.ts';
import { SharedFiles, sharedName } from '../../../../shared/files/shared-files.ts';
import type { Principal } from '../../../../shared/identity/principal.ts';
import { Background } from '../../../../shared/runtime/background.ts';
import type { Bucket } from '../../../../shared/storage/bucket.ts';
import { insertRecord, viewersNamed, writeRecord } from '../../../support/records.ts';
import { CollectFixture } from '../collect-fixture.ts';
import { DAY, OWNER } from '../fixture.ts';
import { type Hook, HookedBucket, straight } from '../hooked-bucket.ts';

const GRACE = 2 * DAY;
/** Longer than any grace, and shorter than any tombstone. */
const LONG = 5 * DAY;
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' as Sha256;
const URI_DIGEST = 'a'.repeat(64);

describe('an audit', () => {
  const fixture = new CollectFixture();
  let clean: FileId;
  let other: FileId;

  function deps(hook: Hook = straight): AuditDeps {
    const { sweeper, connection, deduplicate } = fixture;
    const permanent = new HookedBucket(hook, connection, sweeper.permanent.name);
    return {
      permanent,
      unscanned: new HookedBucket(hook, connection, sweeper.unscanned.name),
      findings: sweeper.findings,
      scope: deduplicate,
      portion: 1_000,
      graceMs: GRACE,
      abandonedAfterMs: DAY,
      tombstoneMs: 30 * DAY,
      blobGraceMs: DAY,
      now: sweeper.now,
      log: pino({ level: 'silent' }),
    };
  }
  const run = (how: Partial<AuditDeps> = {}, terms = {}): Promise<AuditReport> =>
    audit({ ...deps(), ...how }, { budgetMs: 60_000, stopping: () => false, ...terms });

  const permanent = () => fixture.sweeper.permanent;
  const unscanned = () => fixture.sweeper.unscanned;
  async function insert(bucket: Bucket, name: string, metadata: Record<string, string> = {}): Promise<void> {
    assert.ok(await bucket.insertEmpty(name, { metadata }));
  }
  async function patch(name: string, metadata: Record<string, string | null>): Promise<void> {
    const there = await permanent().stat(name);
    assert.ok(there && (await permanent().patch(name, there, metadata)));
  }
  async function remove(bucket: Bucket, name: string): Promise<void> {
    const there = await bucket.stat(name);
    assert.ok(there && (await bucket.delete(name, there)));
  }
  const cleanRecord = async (id = clean): Promise<CleanRecord> => {
    const { record } = await fixture.read(id);
    assert.ok(record.state === 'clean');
    return record;
  };
  /** Makes the clean file another, whose content another one still has. */
  async function become(how: (record: CleanRecord) => FileRecord): Promise<void> {
    await fixture.clean('something');
    const read = await fixture.read(clean);
    assert.ok(await writeRecord(fixture.sweeper.records, read, how(await cleanRecord())));
  }
  const blob = async (): Promise<string> => blobName(`sha256/${(await cleanRecord()).content.sha256}`);
  const stranger = () => newFileId(OWNER, fixture.sweeper.now());
  const stored = () => ({
    id: stranger(),
    owner: OWNER,
    viewers: [],
    createdAt: fixture.sweeper.now(),
    contentType: 'text/plain',
  });
  const accepted = ({ scan, content, ...record }: CleanRecord): FileRecord => ({
    ...record,
    content,
    state: 'unscannable',
    reason: 'encrypted',
    accepted: true,
    scan,
  });

  /** A system in which everything has come to its end. */
  async function healthy(): Promise<void> {
    clean = await fixture.clean('something');
    other = await fixture.clean('something else');
    await fixture.refer(other, 'urn:uuid:1');
    const shared = new SharedFiles(permanent());
    const writer = new RecordWriter(fixture.sweeper.records);
    const { now, log } = fixture.sweeper;
    const sharer = { writer, shared, now, log, background: new Background(log) };
    await share(sharer, { id: other, grant: viewersNamed('org:1'), ifMatch: undefined });
    const deleted = await fixture.clean('something to be deleted');
    assert.ok(await fixture.remove(deleted));
    await fixture.scan(
      (await fixture.upload('X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*')).object,
    );
    const waiting = fixture.upload('something that waits');
    fixture.now += DAY;
    await fixture.scan((await waiting).object);
    for (let day = 0; day < 3; day++) {
      await fixture.run();
      await fixture.collect();
      fixture.now += 1.1 * DAY;
    }
  }

  it('finds nothing in an accepted file that was recalled, which keeps its bytes for a release', async () => {
    await healthy();
    await become(({ scan, ...record }) => ({
      ...record,
      state: 'infected',
      signature: 'Late.Signature',
      scan,
      recalled: { at: fixture.sweeper.now(), unscanned: true, announced: true },
    }));
    await insert(permanent(), acceptedName(clean));
    fixture.now += 5 * DAY;
    await fixture.collect();
    assert.equal((await run()).broken.acceptedLeft, undefined);
  });

  it('finds nothing in a healthy system', async () => {
    await healthy();
    const report = await run();
    assert.deepEqual(report.broken, {});
    assert.deepEqual(report.examples, []);
    assert.equal(report.complete, true);
    assert.equal(report.files, 5);
    assert.equal(report.blobs, 3);
  });

  const planted: readonly [Rule, string, () => Promise<unknown>][] = [
    ['recordCorrupt', 'a record without an owner', () => patch(`files/${clean}`, { owner: null })],
    ['recordCorrupt', 'a verdict of no known state', () => patch(`verdicts/${clean}`, { state: 'fine' })],
    [
      'findingIgnored',
      'a clean file whose content is malware',
      async () => {
        const { content } = await cleanRecord();
        const engine = { engine: '1.4.3' };
        await fixture.sweeper.findings.add(content.sha256, {
          ...{ signature: 'Late.Signature', scannedAt: fixture.sweeper.now(), engine },
        });
      },
    ],
    ['acceptedMissing', 'an accepted file without its bytes', () => become(accepted)],
    [
      'acceptedDiffers',
      'an accepted file with other bytes',
      async () => {
        await become(accepted);
        await insert(permanent(), acceptedName(clean));
      },
    ],
    ['undecided', 'a file that waits for a verdict for days', () => fixture.upload('something that waits')],
    [
      'undecided',
      'a whole tus upload that waits for a verdict for days',
      async () => {
        const record = { ...stored(), state: 'uploading' as const };
        const expiresAt = fixture.sweeper.now();
        await insertRecord(fixture.sweeper.records, {
          ...record,
          upload: { kind: 'tus', length: 0, expiresAt },
        });
        await insert(unscanned(), record.id);
      },
    ],
    [
      'bytesLost',
      'an accepted file whose bytes are gone before its verdict',
      async () => remove(unscanned(), (await fixture.upload('something that is lost')).record.id),
    ],
    [
      'uploadOverdue',
      'an upload that should have expired',
      async () => {
        const upload = { kind: 'tus' as const, length: 1, expiresAt: fixture.sweeper.now() };
        await insertRecord(fixture.sweeper.records, { ...stored(), state: 'uploading', upload });
      },
    ],
    [
      'unannounced',
      'a failure that nobody was told of',
      () =>
        become(({ scan: _, state: __, ...record }) => ({
          ...record,
          state: 'failed',
          failure: 'gaveUp',
          failedAt: fixture.sweeper.now(),
        })),
    ],
    ['unannounced', 'a deletion that nobody was told of', () => fixture.remove(clean)],
    [
      'unannounced',
      'a recall that nobody was told of',
      () =>
        become((record) => ({
          ...record,
          state: 'infected',
          signature: 'Late.Signature',
          recalled: { at: fixture.sweeper.now() },
        })),
    ],
    [
      'unannounced',
      'a release that nobody was told of',
      () =>
        become((record) => ({
          ...record,
          released: { at: fixture.sweeper.now(), by: 'operator@example.org', reason: 'a test' },
        })),
    ],
    [
      'viewerUnindexed',
      'a viewer who does not find a file',
      () => patch(`files/${clean}`, { viewers: 'org:1' }),
    ],
    [
      'grantUnannounced',
      'a grant that nobody was told of',
      () =>
        patch(sharedName('org:1' as Principal, other), { grantedAt: fixture.sweeper.now().toISOString() }),
    ],
    [
      'grantOverdue',
      'a grant that is over',
      () => patch(`files/${other}`, { viewers: `org:1;${fixture.now}` }),
    ],
    [
      'endUnguarded',
      'a file with an end to which a resource refers',
      () => patch(`files/${other}`, { fileExpiresAt: '2999-01-01T00:00:00.000Z' }),
    ],
    [
      'unannounced',
      'an end that nobody was told of',
      () => patch(`files/${clean}`, { fileExpiresAt: fixture.sweeper.now().toISOString() }),
    ],
    [
      'referenceUnguarded',
      'a reference that the record does not know',
      () => insert(permanent(), `${referencesOf(clean)}${URI_DIGEST}`, { uri: 'urn:uuid:2' }),
    ],
    [
      'tombstoneOverdue',
      'a tombstone of a deleted file that is long over',
      () =>
        insertRecord(fixture.sweeper.records, {
          ...stored(),
          state: 'deleted',
          deletedAt: new Date(fixture.now - 40 * DAY),
          announced: true,
        }),
    ],
    [
      'tombstoneOverdue',
      'a tombstone of an expired upload that is long over',
      () =>
        insertRecord(fixture.sweeper.records, {
          ...stored(),
          createdAt: new Date(fixture.now - 40 * DAY),
          state: 'expired',
        }),
    ],
    ['verdictLeft', 'a verdict without a file', () => insert(permanent(), `verdicts/${stranger()}`)],
    ['acceptedLeft', 'accepted bytes without a file', () => insert(permanent(), acceptedName(stranger()))],
    [
      'acceptedLeft',
      'accepted bytes of an infected file',
      async () => {
        await become((record) => ({ ...record, state: 'infected', signature: 'Late.Signature' }));
        await insert(permanent(), acceptedName(clean));
      },
    ],
    [
      'referenceLeft',
      'a reference to a file that is not there',
      () => insert(permanent(), `${referencesOf(stranger())}${URI_DIGEST}`, { uri: 'urn:uuid:2' }),
    ],
    [
      'receiptLeft',
      'a receipt of a file that is not there',
      () => insert(permanent(), `${receiptsOf(stranger())}${URI_DIGEST}`),
    ],
    ['uploadLeft', 'bytes that no file has', () => insert(unscanned(), stranger())],
    ['uploadLeft', 'unscanned bytes of a clean file', () => insert(unscanned(), clean)],
    ['partLeft', 'a part of an upload that is not there', () => insert(unscanned(), partName(stranger(), 0))],
    ['partLeft', 'a part of a clean file', () => insert(unscanned(), lengthName(clean))],
    [
      'partLeft',
      'a partial upload that should have expired',
      () => insert(unscanned(), partialName(stranger()), { expiresAt: fixture.sweeper.now().toISOString() }),
    ],
    ['blobMisnamed', 'a blob whose name is no digest', () => insert(permanent(), 'blobs/sha256/other')],
    [
      'blobUnscanned',
      'a blob that no scan says is clean',
      async () => patch(await blob(), { scannedAt: null }),
    ],
    [
      'blobUnscanned',
      'a blob whose bytes were found to be others',
      async () => patch(await blob(), { damagedAt: fixture.sweeper.now().toISOString() }),
    ],
    ['blobMissing', 'a clean file without its content', async () => remove(permanent(), await blob())],
    [
      'blobDiffers',
      'a clean file whose content is other bytes',
      async () => {
        const { metadata } = (await permanent().stat(await blob())) ?? assert.fail();
        await remove(permanent(), await blob());
        await insert(permanent(), await blob(), metadata);
      },
    ],
    [
      'blobUnused',
      'a content that no file has',
      async () => {
        const { metadata } = (await permanent().stat(await blob())) ?? assert.fail();
        await insert(permanent(), blobName(`sha256/${EMPTY_SHA256}`), {
          ...metadata,
          usedAt: fixture.sweeper.now().toISOString(),
        });
      },
    ],
    [
      'recallOverdue',
      'a recall that no walk has closed',
      () => insert(permanent(), `recalls/sha256/${EMPTY_SHA256}`),
    ],
    [
      'candidateOverdue',
      'a candidate that no collection has decided on',
      () => insert(permanent(), `collect/sha256/${EMPTY_SHA256}`),
    ],
    ['keyOverdue', 'an idempotency key that is over', () => insert(permanent(), `idempotency/${URI_DIGEST}`)],
  ];
  for (const [rule, what, plant] of planted) {
    it(`finds ${what}, and nothing else`, async () => {
      await healthy();
      await plant();
      // Unfinished work has its time; a wrong state is wrong at once.
      const early = Object.keys((await run()).broken);
      assert.ok(early.every((broken) => broken === rule));
      fixture.now += LONG;
      const { broken, examples } = await run();
      assert.deepEqual(broken, { [rule]: 1 });
      assert.equal(examples[0]?.rule, rule);
    });
  }

  it('finds nothing where each owner has separate blobs, a blob at a time', async () => {
    fixture.deduplicate = 'owner';
    await healthy();
    const { broken, blobs } = await run({ portion: 1 });
    assert.deepEqual(broken, {});
    assert.equal(blobs, 3);
  });

  it('finds the same a blob at a time, in as many calls as it takes', async () => {
    await healthy();
    await remove(permanent(), await blob());
    await patch(`verdicts/${other}`, { state: 'fine' });
    const found: Record<string, number> = {};
    let calls = 0;
    for (let complete = false; !complete; calls++) {
      assert.ok(calls < 50);
      // Each call looks at little: one in three looks at the time says that it is up.
      let looks = 0;
      const report = await run({ portion: 1 }, { stopping: () => looks++ > 8 + calls });
      for (const [rule, times] of Object.entries(report.broken)) found[rule] = (found[rule] ?? 0) + times;
      complete = report.complete;
    }
    assert.ok(calls > 1);
    assert.ok((found['recordCorrupt'] ?? 0) >= 1);
    assert.ok((found['blobMissing'] ?? 0) >= 1);
    assert.deepEqual(Object.keys(found).sort(), ['blobMissing', 'recordCorrupt']);
  });

  it('counts nothing that is put right between a listing and a second look', async () => {
    await healthy();
    const { record, object } = await fixture.upload('something that waits');
    fixture.now += LONG;
    let isScanned = false;
    const hook: Hook = async (operation, _name, work) => {
      const result = await work();
      const isListed = operation === 'list' && JSON.stringify(result).includes(record.id);
      if (isListed && !isScanned) {
        isScanned = true;
        await fixture.scan(object);
      }
      return result;
    };
    const unscanned = new HookedBucket(hook, fixture.connection, fixture.sweeper.unscanned.name);
    assert.deepEqual((await run({ unscanned })).broken, {});
    assert.equal(await fixture.state(record.id), 'clean');
  });

  it('counts no tombstone that somebody holds', async () => {
    await healthy();
    const { record } = await insertRecord(fixture.sweeper.records, {
      ...stored(),
      state: 'deleted',
      deletedAt: new Date(fixture.now - 40 * DAY),
      announced: true,
    });
    await fixture.hold(`files/${record.id}`, 'eventBasedHold', true);
    assert.deepEqual((await run()).broken, {});
  });

  it('writes nothing but the place at which it was stopped', async () => {
    await healthy();
    await patch(`verdicts/${other}`, { state: 'fine' });
    const written: string[] = [];
    const hook: Hook = (operation, name, work) => {
      if (!['list', 'stat'].includes(operation)) written.push(`${operation} ${name}`);
      return work();
    };
    await audit(deps(hook), { budgetMs: 60_000, stopping: () => false });
    assert.deepEqual(written, []);
    let looks = 0;
    await audit(deps(hook), { budgetMs: 60_000, stopping: () => looks++ > 2 });
    assert.deepEqual(written, ['insert auditor/place']);
  });

  it('fails where something cannot be listed, and says nothing of it', async () => {
    await healthy();
    const hook: Hook = (operation, name, work) =>
      operation === 'list' && name === 'verdicts/' ? Promise.reject(new Error('cannot be listed')) : work();
    await assert.rejects(audit(deps(hook), { budgetMs: 60_000, stopping: () => false }), /cannot be listed/);
  });

  it('names the first hundred, and counts all', async () => {
    await healthy();
    for (let at = 0; at < 101; at++)
      await insert(permanent(), `recalls/sha256/${at.toString(16).padStart(64, '0')}`);
    fixture.now += LONG;
    const { broken, examples } = await run();
    assert.deepEqual(broken, { recallOverdue: 101 });
    assert.equal(examples.length, 100);
  });
});
