import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { pino } from 'pino';
import { RecordWriter } from '../../../functions/files/record-writer.ts';
import { addReference } from '../../../functions/files/refer.ts';
import { Admission } from '../../../functions/scanner/admission/admission.ts';
import { TempSpace } from '../../../functions/scanner/admission/temp-space.ts';
import { EarlyReads } from '../../../functions/scanner/early-reads.ts';
import { scanFinalized } from '../../../functions/scanner/scan.ts';
import type { ScanContext } from '../../../functions/scanner/scan-context.ts';
import { type CollectReport, collect } from '../../../functions/sweeper/collect.ts';
import type { CollectorDeps } from '../../../functions/sweeper/collector.ts';
import type { SweepTerms } from '../../../functions/sweeper/sweep-terms.ts';
import { createFile } from '../../../functions/upload/create-file.ts';
import { blobKeys, blobName, type DeduplicationScope } from '../../../shared/files/blob-name.ts';
import { Blobs } from '../../../shared/files/blobs.ts';
import { Candidates } from '../../../shared/files/candidates.ts';
import type { FileId } from '../../../shared/files/file-id.ts';
import { Findings } from '../../../shared/files/findings.ts';
import { Receipts } from '../../../shared/files/receipts.ts';
import type { FileRecord, PendingRecord } from '../../../shared/files/record.ts';
import { Records } from '../../../shared/files/records.ts';
import { References, type ResourceUri, referencesOf } from '../../../shared/files/references.ts';
import { SharedFiles } from '../../../shared/files/shared-files.ts';
import { withdraw } from '../../../shared/files/withdraw.ts';
import { Problem } from '../../../shared/http/problems.ts';
import type { Principal } from '../../../shared/identity/principal.ts';
import type { Clamd } from '../../../shared/scanning/clamd.ts';
import { sizesFor } from '../../../shared/scanning/sizes.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';
import { FAST_RETRY } from '../../shared/storage/streams.ts';
import { sharedScanner } from '../../support/clamd.ts';
import { DAY, OWNER, SweeperFixture } from './fixture.ts';
import { type Hook, HookedBucket, straight } from './hooked-bucket.ts';

export const HOUR = 3_600_000;

/** Somebody who works on the buckets: a collector, a scanner, an owner. Every operation goes through its hook. */
export interface Actor {
  readonly collector: CollectorDeps;
  readonly scan: ScanContext;
}

/** A {@link SweeperFixture} with all that makes blobs, uses them and collects them. Storage goes by its clock. */
export class CollectFixture extends SweeperFixture {
  deduplicate: DeduplicationScope = 'global';
  unreferencedAfterMs: number | undefined;
  #clamd: Clamd | undefined;

  /** @param clamd a real one, where none is given */
  constructor(clamd?: Clamd) {
    super(true);
    this.#clamd = clamd;
    if (!clamd)
      before(async () => {
        this.#clamd = await sharedScanner();
      });
    beforeEach(() => {
      this.deduplicate = 'global';
      this.unreferencedAfterMs = undefined;
    });
  }

  actor(hook: Hook = straight): Actor {
    const clamd = this.#clamd;
    assert.ok(clamd);
    const { connection } = this;
    const options = { retry: FAST_RETRY, paced: true, timeoutMs: 30_000 };
    const permanent = new HookedBucket(hook, connection, this.sweeper.permanent.name, options);
    const unscanned = new HookedBucket(hook, connection, this.sweeper.unscanned.name, options);
    const now = this.sweeper.now;
    const shared = {
      permanent,
      unscanned,
      records: new Records(permanent, now),
      candidates: new Candidates(permanent),
      findings: new Findings(permanent),
      shared: new SharedFiles(permanent),
      references: new References(permanent),
      publish: this.sweeper.publish,
      now,
      log: pino({ level: 'silent' }),
    };
    const tempSpace = new TempSpace(() => Number.MAX_SAFE_INTEGER, sizesFor(1_000_000));
    const engine = { fit: () => clamd.version() };
    const blobs = new Blobs(permanent, { deduplicate: this.deduplicate, now });
    return {
      collector: {
        ...this.sweeper,
        ...shared,
        unreferencedAfterMs: this.unreferencedAfterMs,
        blobGraceMs: DAY,
        tombstoneMs: 30 * DAY,
        candidatesPerCycle: 1000,
      },
      scan: {
        ...shared,
        early: new EarlyReads({ ...shared, blobs, unscanned, engine, smallBytes: 1_000, totalBytes: 10_000 }),
        blobs,
        quarantine: undefined,
        scanner: clamd,
        engine,
        admission: new Admission({ slots: 4, maxWaiting: 50, maxWaitMs: 10_000, tempSpace }),
        accepts: new Set(),
        maxScanBytes: 1_000_000,
        verdictMaxAgeMs: 365 * DAY,
        lease: { aboveBytes: 1_000_000, durationMs: 60_000, holder: 'this', now },
      },
    };
  }

  collect(
    { collector }: Actor = this.actor(),
    terms: Partial<SweepTerms> = {},
    how: Partial<CollectorDeps> = {},
  ): Promise<CollectReport> {
    return collect({ ...collector, ...how }, { budgetMs: 60_000, stopping: () => false, ...terms });
  }

  /** An upload, as the upload function takes it in, and its object. */
  async upload(
    bytes: string,
    { scan }: Actor = this.actor(),
    owner: Principal = OWNER,
    described: Pick<FileRecord, 'expiresAt'> = {},
  ): Promise<{ record: PendingRecord; object: StoredObject }> {
    async function* source() {
      yield Buffer.from(bytes);
    }
    const upload = { owner, contentType: 'text/plain', fileName: 'name.txt', bytes: source(), ...described };
    const record = await createFile({ ...scan, now: scan.now }, upload);
    const object = await this.sweeper.unscanned.stat(record.id);
    assert.ok(object);
    return { record, object };
  }

  scan(
    object: StoredObject,
    { scan }: Actor = this.actor(),
    how: Partial<ScanContext> = {},
  ): ReturnType<typeof scanFinalized> {
    return scanFinalized({ ...scan, ...how }, object, new AbortController().signal);
  }

  /** A file that was found clean. */
  async clean(bytes: string, owner: Principal = OWNER): Promise<FileId> {
    const { record, object } = await this.upload(bytes, this.actor(), owner);
    await this.scan(object);
    assert.equal(await this.state(record.id), 'clean');
    return record.id;
  }

  /** Deletes a file as its owner does. @returns false where a reference forbids it */
  async remove(id: FileId, { collector }: Actor = this.actor()): Promise<boolean> {
    for (;;) {
      const read = await collector.records.get(id);
      if (!read || read.record.state === 'deleted') return true;
      const step = await withdraw(collector, read);
      if (step === 'referenced') return false;
    }
  }

  /** A reference is written first, then the record must say so and not be deleted. */
  async refer(id: FileId, uri: string, { collector }: Actor = this.actor()): Promise<boolean> {
    const { records, references, now } = collector;
    // As the route does, before anything is written.
    const read = await records.get(id);
    if (!read || read.record.state === 'deleted') return false;
    const referring = { references, writer: new RecordWriter(records, FAST_RETRY), now };
    try {
      await addReference(referring, { id, uri: uri as ResourceUri, by: OWNER });
      return true;
    } catch (error) {
      if (error instanceof Problem) return false;
      throw error;
    }
  }

  /** Leaves the receipt of a download, as the files function does. */
  leaveReceipt(id: FileId, principal: Principal, { collector }: Actor = this.actor()): Promise<void> {
    const at = collector.now().toISOString();
    return new Receipts(collector.permanent).add(id, { principal, at });
  }

  async unrefer(id: FileId, uri: string, { collector }: Actor = this.actor()): Promise<void> {
    const { permanent } = collector;
    const name = referenceName(id, uri);
    for (;;) {
      const there = await permanent.stat(name);
      if (!there || (await permanent.patch(name, there, { removedAt: collector.now().toISOString() })))
        return;
    }
  }

  async state(id: FileId): Promise<FileRecord['state'] | undefined> {
    return (await this.sweeper.records.get(id))?.record.state;
  }

  async records(): Promise<FileRecord[]> {
    const { records } = this.sweeper;
    const { objects } = await records.list({ prefix: 'files/', maxResults: 1000 });
    return objects.flatMap((entry) => records.parse(entry)?.record ?? []);
  }

  async names(prefix: string): Promise<string[]> {
    const { objects } = await this.sweeper.permanent.list({ prefix, maxResults: 1000 });
    return objects.map(({ name }) => name);
  }

  blobs(): Promise<string[]> {
    return this.names('blobs/');
  }

  blob(bytes: string): Promise<StoredObject | undefined> {
    return this.sweeper.permanent.stat(`blobs/sha256/${createHash('sha256').update(bytes).digest('hex')}`);
  }

  /** Clean records whose content is not there: there must never be one. */
  async broken(): Promise<string[]> {
    const records = await this.records();
    const blobs = new Set(await this.blobs());
    return records
      .filter(
        ({ state, owner, content }) =>
          state === 'clean' &&
          !blobKeys({ owner, sha256: content.sha256 }).some((key) => blobs.has(blobName(key))),
      )
      .map(({ id }) => id);
  }

  /** Behaves as Cloud Storage, holds and retention included; the path is below the permanent bucket. */
  async admin(path: string, json: unknown): Promise<void> {
    const url = `/storage/v1/b/${this.sweeper.permanent.name}${path}`;
    (await this.storage.call('PATCH', url, { json })).ok();
  }

  hold(name: string, hold: 'temporaryHold' | 'eventBasedHold', on: boolean): Promise<void> {
    return this.admin(`/o/${encodeURIComponent(name)}`, { [hold]: on });
  }
}

function referenceName(id: FileId, uri: string): string {
  return referencesOf(id) + createHash('sha256').update(uri).digest('hex');
}
