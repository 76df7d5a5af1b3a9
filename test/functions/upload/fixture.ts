import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type Appender, append, type Chunk } from '../../../functions/upload/append.ts';
import { type FileId, newFileId } from '../../../shared/files/fileId.ts';
import type { FileRecord, PendingRecord } from '../../../shared/files/record.ts';
import { Records, type Versioned } from '../../../shared/files/records.ts';
import { isTus, type TusRecord } from '../../../shared/files/uploading.ts';
import type { Principal } from '../../../shared/identity/principal.ts';
import { Bucket } from '../../../shared/storage/bucket.ts';
import { connectStorage } from '../../../shared/storage/connect.ts';
import type { RetryPolicy } from '../../../shared/storage/retry.ts';
import { NOTHING_TALLIED, RunningTallies } from '../../../shared/storage/runningTally.ts';
import { EmulatorFixture } from '../../infra/local/storage/emulator-fixture.ts';
import { collect, FAST_RETRY, piecesOf } from '../../shared/storage/streams.ts';

const QUANTUM = 256 * 1024;

/** Uploads over the storage emulator, with small parts and chunks. */
export class UploadFixture {
  readonly storage = new EmulatorFixture({ buckets: ['unscanned', 'permanent'] });
  #appender: Appender | undefined;

  constructor() {
    beforeEach(() => {
      this.#appender = this.appenderOf(FAST_RETRY);
    });
    afterEach(() => {
      this.storage.emulator.faults.clear();
      this.storage.emulator.mutationLimit.enabled = false;
    });
  }

  /** @param retry with one attempt, nothing more is done after a call that fails, as after a crash */
  appenderOf(retry: RetryPolicy): Appender {
    const connection = connectStorage(this.storage.url);
    const limits = { retry, timeoutMs: 10_000, chunkBytes: QUANTUM };
    const bucket = (name: string) => new Bucket(connection, name, limits);
    return {
      unscanned: bucket('unscanned'),
      records: new Records(bucket('permanent')),
      tallies: new RunningTallies(),
      partBytes: 400_000,
      terms: { maxBytes: 5 * 2 ** 40 },
    };
  }

  get appender(): Appender {
    if (!this.#appender) throw new Error('only within a test');
    return this.#appender;
  }

  async create(length?: number): Promise<Versioned<TusRecord>> {
    const owner = 'org:889640782' as Principal;
    return this.appender.records.insert<TusRecord>({
      id: newFileId(owner),
      owner,
      viewers: [],
      createdAt: new Date(),
      contentType: 'text/plain',
      state: 'uploading',
      upload: {
        kind: 'tus',
        ...(length !== undefined && { length }),
        offset: 0,
        parts: [],
        running: NOTHING_TALLIED,
        expiresAt: new Date(Date.now() + 3_600_000),
      },
    });
  }

  async read(id: FileId): Promise<Versioned> {
    const read = await this.appender.records.get(id);
    assert.ok(read);
    return read;
  }

  /** @throws AssertionError where it is not uploading any more */
  async live(id: FileId): Promise<Versioned<TusRecord>> {
    const { record, object } = await this.read(id);
    assert.ok(isTus(record));
    return { record, object };
  }

  /** One request, whose body ends after its bytes, or breaks. */
  async send(
    read: Versioned<TusRecord>,
    bytes: Buffer,
    how: Omit<Chunk, 'bytes'> & { cut?: boolean; appender?: Appender } = {},
  ): Promise<Versioned<TusRecord | PendingRecord>> {
    async function* body(): AsyncGenerator<Uint8Array> {
      yield* piecesOf(bytes);
      if (how.cut) throw new Error('the client went away');
    }
    return append(how.appender ?? this.appender, read, {
      bytes: body(),
      size: how.size,
      checksum: how.checksum,
    });
  }

  async stored(id: FileId): Promise<Buffer> {
    const object = await this.appender.unscanned.stat(id);
    assert.ok(object);
    if (object.size === 0) return Buffer.alloc(0);
    const { generation, size } = object;
    const bytes = await this.appender.unscanned.read(id, { generation, range: { start: 0, end: size - 1 } });
    assert.ok(bytes);
    return collect(bytes);
  }

  async parts(id: FileId): Promise<string[]> {
    const { objects } = await this.appender.unscanned.list({ prefix: `parts/${id}/`, maxResults: 1000 });
    return objects.map(({ name }) => name.slice(`parts/${id}/`.length));
  }
}

export function offsetOf(record: FileRecord): number {
  if (isTus(record)) return record.upload.offset;
  assert.ok(record.content);
  return record.content.size;
}

export function pending(record: FileRecord): PendingRecord {
  assert.equal(record.state, 'pending');
  return record as PendingRecord;
}

export const random = (size: number): Buffer => randomBytes(size);
