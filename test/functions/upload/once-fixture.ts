import { randomUUID } from 'node:crypto';
import { createFile } from '../../../functions/upload/create-file.ts';
import {
  type CreateOnceDeps,
  createFileIdempotently,
  type Received,
} from '../../../functions/upload/create-file-idempotently.ts';
import { IdempotencyKeys } from '../../../functions/upload/idempotency-keys.ts';
import { newFileId } from '../../../shared/files/file-id.ts';
import type { FileRecord, PendingRecord } from '../../../shared/files/record.ts';
import { Records } from '../../../shared/files/records.ts';
import type { Principal } from '../../../shared/identity/principal.ts';
import { Bucket } from '../../../shared/storage/bucket.ts';
import { StorageError } from '../../../shared/storage/error.ts';
import { type Call, Transport } from '../../../shared/storage/transport.ts';
import { EmulatorFixture } from '../../infra/emulators/storage/emulator-fixture.ts';
import { FAST_RETRY } from '../../shared/storage/streams.ts';

const OWNER = 'org:889640782' as Principal;

/** Bytes of a chunk: a few of them make an upload with a session. */
export const CHUNK_BYTES = 256 * 1024;

export interface Sent {
  readonly key?: string;
  readonly owner?: Principal;
  readonly contentType?: string;
  readonly fileName?: string;
  readonly declaredBytes?: number;
  /** The fault of each call to Cloud Storage; by default it is made. */
  readonly storage?: Conduct;
  readonly patienceMs?: number;
  readonly now?: () => Date;
}

/** @param at which call of the upload it is, from 1 */
type Conduct = (call: () => Promise<unknown>, at: number) => Promise<unknown>;

/** Uploads with idempotency keys to the storage emulator, each as if by a separate process. */
export class OnceFixture {
  readonly storage = new EmulatorFixture({ buckets: ['unscanned', 'permanent'] });

  async send(bytes: Buffer, sent: Sent = {}): Promise<Received> {
    const transport = new ConductedTransport(this.storage.url, sent.storage ?? ((call) => call()));
    const { key = 'key', owner = OWNER, contentType = 'text/plain', fileName, declaredBytes } = sent;
    return createFileIdempotently(this.#receiver(transport, sent), {
      ...{ owner, key, contentType, fileName, declaredBytes },
      bytes: pieces(bytes),
    });
  }

  /** Sends an upload without a key. */
  async sendPlain(bytes: Buffer, storage: Conduct): Promise<PendingRecord> {
    const receiver = this.#receiver(new ConductedTransport(this.storage.url, storage), {});
    const upload = { owner: OWNER, contentType: 'text/plain', fileName: undefined, bytes: pieces(bytes) };
    return createFile(receiver, upload);
  }

  /** A key that no other test uses. */
  newKey(): string {
    return randomUUID();
  }

  /** Claims a key for a file that never comes. */
  async steal(key: string): Promise<void> {
    const keys = new IdempotencyKeys(this.bucket('permanent'));
    const owned = { owner: OWNER, key };
    const now = new Date();
    await keys.claim(owned, await keys.get(owned, now), { fileId: newFileId(OWNER), claimedAt: now });
  }

  bucket(name: 'unscanned' | 'permanent'): Bucket {
    return new Bucket(new Transport(this.storage.url), name, { retry: FAST_RETRY, paced: true });
  }

  /** Records that are not expired. */
  async live(): Promise<FileRecord[]> {
    return (await this.records()).filter(({ state }) => state !== 'expired');
  }

  async records(): Promise<FileRecord[]> {
    const permanent = this.bucket('permanent');
    const records = new Records(permanent);
    const { objects } = await records.list({ prefix: 'files/', maxResults: 1000 });
    return objects.flatMap((entry) => records.parse(entry)?.record ?? []);
  }

  /** Does what the scanner does with every object that is there, and finds it clean. */
  async scan(): Promise<void> {
    const records = new Records(this.bucket('permanent'));
    const { objects } = await this.bucket('unscanned').list({ prefix: '', maxResults: 1000 });
    for (const { name, generation } of objects) {
      const read = await records.get(name as FileRecord['id']);
      if (read?.record.state === 'pending' && read.record.content) {
        const { content, ...stored } = read.record;
        const scan = { generation, scannedAt: new Date() };
        await records.judge(read, { ...stored, content, state: 'clean', scan });
      }
      await this.bucket('unscanned').delete(name, { generation });
    }
  }

  async empty(): Promise<void> {
    for (const name of ['unscanned', 'permanent'] as const) {
      const bucket = this.bucket(name);
      const { objects } = await bucket.list({ prefix: '', maxResults: 1000 });
      await Promise.all(objects.map((object) => bucket.delete(object.name, object)));
    }
  }

  #receiver(transport: Transport, { now, patienceMs }: Sent): CreateOnceDeps {
    const limits = { retry: FAST_RETRY, paced: true, timeoutMs: 30_000, chunkBytes: CHUNK_BYTES };
    const permanent = new Bucket(transport, 'permanent', limits);
    return {
      unscanned: new Bucket(transport, 'unscanned', limits),
      records: new Records(permanent),
      keys: new IdempotencyKeys(permanent),
      intake: { requireOpen: () => undefined },
      patienceMs: patienceMs ?? 0,
      now: now ?? (() => new Date()),
    };
  }
}

/** The call at `at` fails, before it took effect or after; and all that come after it, as for a process that died. */
export function failingAt(at: number, when: 'before' | 'after', dead: boolean): Conduct {
  return async (call, now) => {
    const failure = new StorageError('any', { status: 403, reason: 'injected' });
    if (now < at || (now > at && !dead)) return call();
    if (now === at && when === 'after') await call();
    throw failure;
  };
}

class ConductedTransport extends Transport {
  readonly #conduct: Conduct;
  #calls = 0;

  constructor(endpoint: string, conduct: Conduct) {
    super(endpoint);
    this.#conduct = conduct;
  }

  override json(call: Call): ReturnType<Transport['json']> {
    this.#calls += 1;
    return this.#conduct(() => super.json(call), this.#calls) as ReturnType<Transport['json']>;
  }
}

async function* pieces(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}
