import assert from 'node:assert/strict';
import { pino } from 'pino';
import { RecordWriter } from '../../../functions/files/record-writer.ts';
import { type FileId, newFileId } from '../../../shared/files/file-id.ts';
import type { FileRecord, Sha256 } from '../../../shared/files/record.ts';
import { Records } from '../../../shared/files/records.ts';
import { References, type ResourceUri } from '../../../shared/files/references.ts';
import { SharedFiles } from '../../../shared/files/shared-files.ts';
import type { Principal } from '../../../shared/identity/principal.ts';
import { Background } from '../../../shared/runtime/background.ts';
import type { Logger } from '../../../shared/runtime/log.ts';
import { Bucket } from '../../../shared/storage/bucket.ts';
import { connectStorage } from '../../../shared/storage/connect.ts';
import type { Generation } from '../../../shared/storage/object.ts';
import { EmulatorFixture } from '../../infra/emulators/storage/emulator-fixture.ts';
import { FAST_RETRY } from '../../shared/storage/streams.ts';
import { insertRecord } from '../../support/records.ts';

export const OWNER = 'org:889640782' as Principal;
const PERMANENT = 'permanent';

/** Dependencies of one instance of the files function; each has its own queues. */
export interface Instance {
  readonly records: Records;
  readonly writer: RecordWriter;
  readonly references: References;
  readonly shared: SharedFiles;
  readonly background: Background;
  readonly log: Logger;
  readonly now: () => Date;
}

/** Records over the storage emulator, for the tests of the enclosing `describe`. */
export class RecordsFixture {
  readonly storage: EmulatorFixture;

  /** @param now Cloud Storage's clock, in milliseconds */
  constructor(now = Date.now) {
    this.storage = new EmulatorFixture({ buckets: [PERMANENT], now });
    afterEach(() => this.storage.emulator.faults.clear());
  }

  /** @param adapt puts something of the test's own in front of the bucket */
  instance(adapt: (bucket: Bucket) => Bucket = (bucket) => bucket): Instance {
    const records = new Records(adapt(this.bucket()));
    const writer = new RecordWriter(records, { ...FAST_RETRY, attempts: 100 });
    const references = new References(adapt(this.bucket()));
    const shared = new SharedFiles(adapt(this.bucket()));
    const log = pino({ level: 'silent' });
    const background = new Background(log);
    return { records, writer, references, shared, background, log, now: () => new Date() };
  }

  bucket(): Bucket {
    return new Bucket(connectStorage(this.storage.url), PERMANENT, {
      retry: FAST_RETRY,
      paced: true,
      timeoutMs: 30_000,
    });
  }

  async clean(fields: Partial<FileRecord> = {}, at = new Date()): Promise<FileId> {
    const owner = fields.owner ?? OWNER;
    const record = {
      id: newFileId(owner, at),
      owner,
      viewers: [],
      createdAt: at,
      contentType: 'text/plain',
      state: 'clean',
      content: { size: 1, sha256: 'a'.repeat(64) as Sha256, crc32c: 'AAAAAA==' },
      scan: { generation: '1' as Generation, scannedAt: at },
      ...fields,
    } as FileRecord;
    await insertRecord(this.instance().records, record);
    return record.id;
  }

  async read(id: FileId): Promise<FileRecord> {
    const read = await this.instance().records.get(id);
    assert.ok(read);
    return read.record;
  }

  /** Nothing can be deleted for so many seconds from its creation; null ends that. */
  async retain(retentionPeriod: string | null): Promise<void> {
    const retentionPolicy = retentionPeriod === null ? null : { retentionPeriod };
    (await this.storage.call('PATCH', `/storage/v1/b/${PERMANENT}`, { json: { retentionPolicy } })).ok();
  }
}

export const uriOf = (text: string): ResourceUri => text as ResourceUri;

/** The stable part of a problem's type, once it has been thrown. */
export async function problemOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'none',
    (error: { type?: string }) => error.type ?? String(error),
  );
}
