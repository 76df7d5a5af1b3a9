import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { type SweepReport, sweep } from '../../../functions/sweeper/sweep.ts';
import type { SweepTerms } from '../../../functions/sweeper/sweep-terms.ts';
import type { SweeperDeps } from '../../../functions/sweeper/sweeper.ts';
import { createFile } from '../../../functions/upload/create-file.ts';
import type { EventMessage } from '../../../shared/events/cloud-event.ts';
import { type FileId, newFileId } from '../../../shared/files/file-id.ts';
import { Findings } from '../../../shared/files/findings.ts';
import type { FileRecord, PendingRecord, TusUpload } from '../../../shared/files/record.ts';
import { Records, type Versioned } from '../../../shared/files/records.ts';
import { SharedFiles } from '../../../shared/files/shared-files.ts';
import type { TusRecord } from '../../../shared/files/uploading.ts';
import type { Principal } from '../../../shared/identity/principal.ts';
import { Bucket } from '../../../shared/storage/bucket.ts';
import { connectStorage } from '../../../shared/storage/connect.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';
import type { Transport } from '../../../shared/storage/transport.ts';
import { EmulatorFixture } from '../../infra/emulators/storage/emulator-fixture.ts';
import { FAST_RETRY } from '../../shared/storage/streams.ts';
import { writeRecord } from '../../support/records.ts';

export const OWNER = 'org:889640782' as Principal;
export const MINUTE = 60_000;
export const DAY = 24 * 60 * MINUTE;

interface File {
  readonly record: PendingRecord;
  readonly object: StoredObject;
}

/** A sweeper over the storage emulator, with separate buckets for each test, and a clock to move. */
export class SweeperFixture {
  readonly storage: EmulatorFixture;
  published: EventMessage[] = [];
  redelivered: EventMessage[] = [];
  now = 0;
  readonly #aheadMs: number;
  #sweeper: SweeperDeps | undefined;
  #generation = 0;
  #connection: Transport | undefined;

  /** @param storageFollows whether the storage emulator goes by the same clock */
  constructor(storageFollows = false) {
    const now = () => this.now || Date.now();
    // Storage by this clock is ahead of the one that a write waits by: else, on a slow machine, a second would seem to be over.
    this.#aheadMs = storageFollows ? 3_600_000 : 0;
    this.storage = new EmulatorFixture({ buckets: [], ...(storageFollows && { now }) });
    beforeEach(() => this.renew());
    afterEach(() => this.storage.emulator.faults.clear());
  }

  /** One for all actors: each that is opened keeps sockets open. */
  get connection(): Transport {
    this.#connection ??= connectStorage(this.storage.url);
    return this.#connection;
  }

  /** Separate buckets, and the time as it is. */
  async renew(): Promise<void> {
    const generation = ++this.#generation;
    const { connection } = this;
    const bucket = async (name: string) => {
      const query = { json: { name: `${name}-${generation}` } };
      (await this.storage.call('POST', '/storage/v1/b?project=p', query)).ok();
      return new Bucket(connection, `${name}-${generation}`, {
        retry: FAST_RETRY,
        paced: true,
        timeoutMs: 30_000,
      });
    };
    const permanent = await bucket('permanent');
    this.published = [];
    this.redelivered = [];
    this.now = Date.now() + this.#aheadMs;
    this.#sweeper = {
      unscanned: await bucket('unscanned'),
      permanent,
      records: new Records(permanent, () => new Date(this.now)),
      findings: new Findings(permanent),
      shared: new SharedFiles(permanent),
      publish: async (event) => void this.published.push(event),
      redeliver: async (event) => void this.redelivered.push(event),
      stuckAfterMs: 15 * MINUTE,
      abandonedAfterMs: DAY,
      maxRedrives: 3,
      redrivesPerSweep: 1000,
      now: () => new Date(this.now),
      log: pino({ level: 'silent' }),
    };
  }

  get sweeper(): SweeperDeps {
    if (!this.#sweeper) throw new Error('only within a test');
    return this.#sweeper;
  }

  run(how: Partial<SweeperDeps> = {}, terms: Partial<SweepTerms> = {}): Promise<SweepReport> {
    return sweep({ ...this.sweeper, ...how }, { budgetMs: 60_000, stopping: () => false, ...terms });
  }

  /** An upload whose event got lost. */
  async uploaded(): Promise<File> {
    async function* bytes() {
      yield randomBytes(10);
    }
    const upload = { owner: OWNER, contentType: 'text/plain', fileName: undefined, bytes: bytes() };
    const record = await createFile({ ...this.sweeper, now: this.sweeper.now }, upload);
    const object = await this.sweeper.unscanned.stat(record.id);
    assert.ok(object);
    return { record, object };
  }

  /** A tus upload without a byte. @param upload as its client announced it */
  async uploading(upload: Pick<TusUpload, 'length' | 'expiresAt'>): Promise<TusRecord> {
    const { record } = await this.sweeper.records.insert<TusRecord>({
      id: newFileId(OWNER),
      owner: OWNER,
      viewers: [],
      createdAt: new Date(this.now),
      contentType: 'text/plain',
      state: 'uploading',
      upload: { kind: 'tus', ...upload },
    });
    return record;
  }

  async read(id: FileId): Promise<Versioned> {
    const read = await this.sweeper.records.get(id);
    assert.ok(read);
    return read;
  }

  async recordOf({ record }: File): Promise<FileRecord> {
    return (await this.read(record.id)).record;
  }

  async write(record: FileRecord): Promise<void> {
    assert.ok(await writeRecord(this.sweeper.records, await this.read(record.id), record));
  }

  /** Writes that the file was found clean, as the scanner does. */
  async decide({ record, object }: File): Promise<void> {
    const { lease: _, redriven: __, content, ...stored } = record;
    assert.ok(content);
    const { generation } = object;
    const scan = { generation, scannedAt: new Date(this.now), engine: { engine: '1.4.6' } };
    await this.write({ ...stored, content, state: 'clean', scan });
  }

  /** Writes that ClamAV got bytes of the file, as the scanner does after a redrive. */
  async try({ record: { id } }: File): Promise<void> {
    const { record } = await this.read(id);
    assert.ok(record.state === 'pending' && record.redriven);
    await this.write({ ...record, redriven: { ...record.redriven, tried: true } });
  }

  isThere({ object }: File): Promise<StoredObject | undefined> {
    return this.sweeper.unscanned.stat(object.name);
  }

  /** The event ids of what was published, each once. */
  eventIds(): string[] {
    return [...new Set(this.published.map(({ attributes }) => attributes['ce-id'] ?? ''))];
  }
}

/** The body of a push subscription's request. */
export function pushOf({ data, attributes }: EventMessage): unknown {
  return { message: { data: data.toString('base64'), attributes, messageId: '1' }, subscription: 's' };
}
