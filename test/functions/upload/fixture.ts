import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  type AppendDeps,
  append,
  type Chunk,
  digestOf,
  type Progress,
} from '../../../functions/upload/append.ts';
import { HeldDigests } from '../../../functions/upload/held-digests.ts';
import { type FileId, newFileId } from '../../../shared/files/file-id.ts';
import { assemble, NO_PARTS, readChain, removeChain } from '../../../shared/files/parts.ts';
import { Records, type Versioned } from '../../../shared/files/records.ts';
import { isTus, type TusRecord } from '../../../shared/files/uploading.ts';
import type { Principal } from '../../../shared/identity/principal.ts';
import { Bucket } from '../../../shared/storage/bucket.ts';
import { connectStorage } from '../../../shared/storage/connect.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';
import type { RetryPolicy } from '../../../shared/storage/retry.ts';
import { EmulatorFixture } from '../../infra/emulators/storage/emulator-fixture.ts';
import { collect, FAST_RETRY, piecesOf } from '../../shared/storage/streams.ts';

const QUANTUM = 256 * 1024;

/** Uploads over the storage emulator, with small parts and chunks. */
export class UploadFixture {
  readonly storage = new EmulatorFixture({ buckets: ['unscanned', 'permanent'] });
  #appender: AppendDeps | undefined;

  constructor() {
    beforeEach(() => {
      this.#appender = this.appenderOf(FAST_RETRY);
    });
    afterEach(() => this.storage.emulator.faults.clear());
  }

  /** @param retry with one attempt, nothing more is done after a call that fails, as after a crash */
  appenderOf(retry: RetryPolicy): AppendDeps {
    const connection = connectStorage(this.storage.url);
    const limits = { retry, paced: true, timeoutMs: 30_000, chunkBytes: QUANTUM };
    const bucket = (name: string) => new Bucket(connection, name, limits);
    return {
      unscanned: bucket('unscanned'),
      records: new Records(bucket('permanent')),
      digests: new HeldDigests(),
      partBytes: 400_000,
      terms: { maxBytes: 5 * 2 ** 40 },
      now: () => new Date(),
    };
  }

  get appender(): AppendDeps {
    if (!this.#appender) throw new Error('only within a test');
    return this.#appender;
  }

  async create(length?: number): Promise<Progress> {
    const owner = 'org:889640782' as Principal;
    const { record } = await this.appender.records.insert<TusRecord>({
      id: newFileId(owner),
      owner,
      viewers: [],
      createdAt: new Date(),
      contentType: 'text/plain',
      state: 'uploading',
      upload: {
        kind: 'tus',
        ...(length !== undefined && { length }),
        expiresAt: new Date(Date.now() + 3_600_000),
      },
    });
    return { record, chain: NO_PARTS, seenAt: new Date() };
  }

  async read(id: FileId): Promise<Versioned> {
    const read = await this.appender.records.get(id);
    assert.ok(read);
    return read;
  }

  /** Progress as a process sees it that did not write it. @throws AssertionError where it is not uploading any more */
  async live(id: FileId): Promise<Progress> {
    const { record } = await this.read(id);
    assert.ok(isTus(record));
    return { record, chain: await readChain(this.appender.unscanned, id), seenAt: new Date() };
  }

  /** One request, whose body ends after its bytes, or breaks. */
  async send(
    progress: Progress,
    bytes: Buffer,
    how: Omit<Chunk, 'bytes'> & { cut?: boolean; appender?: AppendDeps } = {},
  ): Promise<Progress> {
    async function* body(): AsyncGenerator<Uint8Array> {
      yield* piecesOf(bytes);
      if (how.cut) throw new Error('the client went away');
    }
    return append(how.appender ?? this.appender, progress, {
      bytes: body(),
      size: how.size,
      checksum: how.checksum,
    });
  }

  /** Ends an upload as its last request does. */
  async finish(progress: Progress, appender = this.appender): Promise<StoredObject> {
    const { record, chain } = progress;
    const sha256 = digestOf(appender, progress);
    const object = await assemble(appender.unscanned, record.id, chain, sha256);
    assert.ok(object);
    await removeChain(appender.unscanned, record.id, chain);
    return object;
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

export const random = (size: number): Buffer => randomBytes(size);
