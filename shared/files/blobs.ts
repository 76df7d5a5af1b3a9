import type { Principal } from '../identity/principal.ts';
import type { BorrowedBytes } from '../runtime/memory.ts';
import { type Bucket, WRITE_INTERVAL_MS } from '../storage/bucket.ts';
import type { StoredObject } from '../storage/object.ts';
import type { Reading } from '../storage/read.ts';
import { retryOnConflict } from '../storage/retry-on-conflict.ts';
import { type Blob, BlobMismatch, type CondemnedBlob, parseBlob, usedAt } from './blob.ts';
import {
  anybodysKey,
  type BlobKey,
  blobKey,
  blobKeys,
  blobName,
  type DeduplicationScope,
} from './blob-name.ts';
import type { FileId } from './file-id.ts';
import type { Content, Sha256 } from './record.ts';
import { scanned } from './record-fields.ts';

/** The key of a blob; it includes the owner if contents are shared only between files of one owner. */
export interface BlobUse {
  readonly owner: Principal;
  readonly content: Content;
}

/** Bytes read ahead of the check whether they may be served. */
export interface Ahead extends Reading {
  readonly name: string;
}

interface BlobsOptions {
  readonly deduplicate?: DeduplicationScope;
  readonly now?: () => Date;
}

/** Milliseconds for which a used blob need not be marked again. The collector waits more than twice as long. */
const MARK_GOOD_FOR_MS = 3_600_000;

type Added = StoredObject | 'sourceGone' | 'targetExists';

/**
 * Contents that were found clean: `blobs/...` in the permanent bucket, each shared by any number of files. Only {@link
 * promote} creates them, and a blob with a signature is never served.
 */
export class Blobs {
  readonly #bucket: Bucket;
  readonly #scope: DeduplicationScope;
  readonly #now: () => Date;
  /** Blobs that this process is adding or added within the last second; each promise settles with the insert. */
  readonly #adding = new Map<string, Promise<unknown>>();

  constructor(permanent: Bucket, { deduplicate = 'global', now = () => new Date() }: BlobsOptions = {}) {
    this.#bucket = permanent;
    this.#scope = deduplicate;
    this.#now = now;
  }

  /** The blob of a clean file, even if the deduplication scope has changed since. */
  async find(file: BlobUse, signal?: AbortSignal): Promise<Blob | CondemnedBlob | undefined> {
    for (const key of blobKeys(contentsOf(file), this.#scope)) {
      const blob = await this.#stat(key, signal);
      if (blob) return blob;
    }
    return undefined;
  }

  /** The blob that another file would share. Call {@link use} before relying on it. */
  findShared(file: BlobUse, signal?: AbortSignal): Promise<Blob | CondemnedBlob | undefined> {
    return this.#stat(blobKey(this.#scope, contentsOf(file)), signal);
  }

  /** The same for any owner; undefined if owners have separate blobs. */
  findForAnybody(sha256: Sha256, signal: AbortSignal): Promise<Blob | CondemnedBlob | undefined> | undefined {
    return this.#scope === 'global' ? this.#stat(anybodysKey(sha256), signal) : undefined;
  }

  /**
   * Marks the blob as in use by another file, so that it is not collected. Writes nothing if it was marked less than
   * {@link MARK_GOOD_FOR_MS} ago. The proof is in docs/adr/0009-collection.md.
   * @returns false if it has changed or is gone, perhaps just collected: look it up again
   */
  async use({ object }: Blob): Promise<boolean> {
    if (this.#now().getTime() - usedAt(object).getTime() < MARK_GOOD_FOR_MS) return true;
    return (await this.#bucket.patch(object.name, object, this.#mark())) !== undefined;
  }

  /** The policy's acceptance of a file that could not be scanned. */
  async findAccepted(id: FileId, signal: AbortSignal): Promise<StoredObject | undefined> {
    return this.#bucket.stat(acceptedName(id), signal);
  }

  /** Iterate the bytes or abort the signal. Returns undefined if that generation does not exist. */
  read(
    object: StoredObject,
    range: { start: number; end: number },
    signal: AbortSignal,
  ): Promise<AsyncIterable<BorrowedBytes> | undefined> {
    return this.#bucket.read(object.name, { generation: object.generation, range, signal });
  }

  /**
   * Starts reading the probable content of a clean file, whichever generation exists. No byte may be served until
   * {@link find} has returned the same blob.
   */
  async readAhead(
    file: BlobUse,
    range: { start: number; end: number },
    signal: AbortSignal,
  ): Promise<Ahead | undefined> {
    const name = this.#nameOf(file);
    const reading = await this.#bucket.readWhatIsThere(name, { range, signal });
    return reading && { name, ...reading };
  }

  /**
   * Copies a generation that was found clean, inside Cloud Storage. If the content was promoted before, its size and
   * CRC32C must match.
   * @returns 'sourceGone' if the generation no longer exists; the blob if it is marked as infected
   * @throws {BlobMismatch}
   */
  async promote(
    source: { bucket: Bucket; object: StoredObject },
    file: BlobUse,
    scan: Omit<Blob, 'object'>,
  ): Promise<'promoted' | 'sourceGone' | CondemnedBlob> {
    const { content } = file;
    const name = this.#nameOf(file);
    const outcome = await retryOnConflict(async (races) => {
      const metadata = { ...scanned.write(scan), ...this.#mark() };
      const target = {
        bucket: this.#bucket,
        name,
        contentType: 'application/octet-stream',
        metadata: { ...metadata, cleanSince: scan.scannedAt.toISOString() },
      };
      // Another request in this process may have just added it: a second attempt would exceed one write per second.
      const before = races === 0 ? this.#adding.get(name) : undefined;
      const add = () => this.#add(name, source.bucket.rewrite(source.object, target));
      const result = await (before ? before.then(() => 'targetExists' as const) : add());
      if (result === 'sourceGone') return result;
      const object = result === 'targetExists' ? await this.#bucket.stat(name) : result;
      // It existed, but was collected before it could be marked as in use.
      if (!object) return 'conflict';
      if (object.crc32c !== content.crc32c || object.size !== content.size) {
        throw new BlobMismatch(`blob ${content.sha256} is not the content that was scanned`);
      }
      const blob = parseBlob(object);
      if ('signature' in blob) return blob;
      if (result !== 'targetExists') return 'promoted';
      const known = { ...metadata, coverage: scan.coverage ?? null };
      const kept = isBetter(scan, blob)
        ? await this.#bucket.patch(name, object, known)
        : await this.use(blob);
      return kept ? 'promoted' : 'conflict';
    });
    if (outcome !== 'conflict') return outcome;
    throw new Error(`blob ${content.sha256} keeps changing`);
  }

  #add(name: string, adding: Promise<Added>): Promise<Added> {
    const forget = () => this.#adding.delete(name);
    const done = adding.then((result) => {
      if (result === 'sourceGone') forget();
      else setTimeout(forget, WRITE_INTERVAL_MS).unref();
    }, forget);
    this.#adding.set(name, done);
    return adding;
  }

  /**
   * Stores bytes that could not be scanned, for one file only and apart from clean content; no other file shares them.
   */
  async accept(
    source: { bucket: Bucket; object: StoredObject },
    id: FileId,
    content: Content,
  ): Promise<'accepted' | 'sourceGone'> {
    const target = {
      bucket: this.#bucket,
      name: acceptedName(id),
      contentType: 'application/octet-stream',
      // The name does not contain the digest, and a hunt searches for it.
      metadata: { sha256: content.sha256 },
    };
    const result = await source.bucket.rewrite(source.object, target);
    if (result === 'sourceGone') return result;
    const object = result === 'targetExists' ? await this.#bucket.stat(target.name) : result;
    if (object?.crc32c === content.crc32c && object.size === content.size) return 'accepted';
    throw new BlobMismatch(`${target.name} is not the content that was accepted`);
  }

  /** Whether any unscanned file was accepted; the names do not tell which content. */
  async hasAccepted(): Promise<boolean> {
    const { objects } = await this.#bucket.list({ prefix: ACCEPTED_PREFIX, maxResults: 1 });
    return objects.length > 0;
  }

  /** Whether the content is stored under any possible name, so that it may have been downloaded. */
  async has(file: BlobUse): Promise<boolean> {
    const keys = blobKeys(contentsOf(file));
    const found = await Promise.all(keys.map((key) => this.#bucket.stat(blobName(key))));
    return found.some((object) => object !== undefined);
  }

  async #stat(key: BlobKey, signal: AbortSignal | undefined): Promise<Blob | CondemnedBlob | undefined> {
    const object = await this.#bucket.stat(blobName(key), signal);
    return object && parseBlob(object);
  }

  #nameOf(file: BlobUse): string {
    return blobName(blobKey(this.#scope, contentsOf(file)));
  }

  #mark(): { usedAt: string } {
    return { usedAt: this.#now().toISOString() };
  }
}

function contentsOf({ owner, content }: BlobUse) {
  return { owner, sha256: content.sha256 };
}

const REFRESH_MS = 60_000;

/** The newer scan; within a minute, either will do. A scan in windows never replaces one of the whole file. */
function isBetter(scan: Omit<Blob, 'object'>, blob: Blob): boolean {
  if (scan.coverage !== blob.coverage) return blob.coverage === 'windows';
  return scan.scannedAt.getTime() - blob.scannedAt.getTime() > REFRESH_MS;
}

/** The prefix of the names of all that was accepted unscanned, followed by the id of the file. */
export const ACCEPTED_PREFIX = 'accepted/';

export function acceptedName(id: FileId): string {
  return ACCEPTED_PREFIX + id;
}
