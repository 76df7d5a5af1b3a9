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

/** The key of a blob: the owner counts where contents are shared by one owner's files alone. */
export interface BlobUse {
  readonly owner: Principal;
  readonly content: Content;
}

/** Bytes that were read before anybody knew whether they may be. */
export interface Ahead extends Reading {
  readonly name: string;
}

interface BlobsOptions {
  readonly deduplicate?: DeduplicationScope;
  readonly now?: () => Date;
}

/** Milliseconds for which a blob that was used need not be marked. A collector waits for longer than twice this. */
const MARK_GOOD_FOR_MS = 3_600_000;

type Added = StoredObject | 'sourceGone' | 'targetExists';

/**
 * Contents that were found clean: `blobs/...` of the permanent bucket, one for any number of files.
 * Nothing gets there but by {@link promote}, and a blob with a signature is handed to nobody.
 */
export class Blobs {
  readonly #bucket: Bucket;
  readonly #scope: DeduplicationScope;
  readonly #now: () => Date;
  /** Blobs that this process adds, or has added within a second: settled once they are there, or are not. */
  readonly #adding = new Map<string, Promise<unknown>>();

  constructor(permanent: Bucket, { deduplicate = 'global', now = () => new Date() }: BlobsOptions = {}) {
    this.#bucket = permanent;
    this.#scope = deduplicate;
    this.#now = now;
  }

  /** The blob of a file that was found clean, also where the scope of deduplication was another then. */
  async find(file: BlobUse, signal?: AbortSignal): Promise<Blob | CondemnedBlob | undefined> {
    for (const key of blobKeys(contentsOf(file), this.#scope)) {
      const blob = await this.#stat(key, signal);
      if (blob) return blob;
    }
    return undefined;
  }

  /** The blob that another file would share. Code that is to rely on it must {@link use} it first. */
  findShared(file: BlobUse, signal?: AbortSignal): Promise<Blob | CondemnedBlob | undefined> {
    return this.#stat(blobKey(this.#scope, contentsOf(file)), signal);
  }

  /** The same, for any owner of the file; undefined where owners have separate blobs. */
  findForAnybody(sha256: Sha256, signal: AbortSignal): Promise<Blob | CondemnedBlob | undefined> | undefined {
    return this.#scope === 'global' ? this.#stat(anybodysKey(sha256), signal) : undefined;
  }

  /**
   * Says that one more file is about to rely on the blob, so that nobody collects it. Nothing is written where that
   * was marked less than {@link MARK_GOOD_FOR_MS} ago. The proof is in docs/adr/0009-collection.md.
   * @returns false where it moved on or is gone, perhaps collected just now: look again
   */
  async use({ object }: Blob): Promise<boolean> {
    if (this.#now().getTime() - usedAt(object).getTime() < MARK_GOOD_FOR_MS) return true;
    return (await this.#bucket.patch(object.name, object, this.#mark())) !== undefined;
  }

  /** The policy's acceptance of a file that could not be scanned. */
  async findAccepted(id: FileId, signal: AbortSignal): Promise<StoredObject | undefined> {
    return this.#bucket.stat(acceptedName(id), signal);
  }

  /** Iterate the bytes, or abort the signal; undefined where that generation is gone. */
  read(
    object: StoredObject,
    range: { start: number; end: number },
    signal: AbortSignal,
  ): Promise<AsyncIterable<BorrowedBytes> | undefined> {
    return this.#bucket.read(object.name, { generation: object.generation, range, signal });
  }

  /**
   * Begins to read what a file that was found clean probably is, whichever generation is there: only once {@link find}
   * has found the same may anybody have a byte of it.
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
   * Copies a generation that was found clean, without its bytes passing through us. That somebody promoted
   * the same content before is fine, once its size and CRC32C say that it is the same.
   * @returns 'sourceGone' where there is no such generation any more; the blob where it is marked as infected
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
      // Somebody else here may have just put it there: another try would be one write too many of its name.
      const before = races === 0 ? this.#adding.get(name) : undefined;
      const add = () => this.#add(name, source.bucket.rewrite(source.object, target));
      const result = await (before ? before.then(() => 'targetExists' as const) : add());
      if (result === 'sourceGone') return result;
      const object = result === 'targetExists' ? await this.#bucket.stat(name) : result;
      // It was there, and was collected before we could say that we need it.
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
   * Keeps bytes that could not be scanned, for one file alone and apart from what was found clean: no other file
   * ever shares them.
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
      // Its name does not say it, and a hunt looks for it.
      metadata: { sha256: content.sha256 },
    };
    const result = await source.bucket.rewrite(source.object, target);
    if (result === 'sourceGone') return result;
    const object = result === 'targetExists' ? await this.#bucket.stat(target.name) : result;
    if (object?.crc32c === content.crc32c && object.size === content.size) return 'accepted';
    throw new BlobMismatch(`${target.name} is not the content that was accepted`);
  }

  /** Whether anything was accepted: its name does not say which content it is. */
  async hasAccepted(): Promise<boolean> {
    const { objects } = await this.#bucket.list({ prefix: ACCEPTED_PREFIX, maxResults: 1 });
    return objects.length > 0;
  }

  /** Whether the content is stored, wherever it may be for this file: it may have been handed out. */
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

/** The newer word, within a minute one is as good as the other; never windows over the whole. */
function isBetter(scan: Omit<Blob, 'object'>, blob: Blob): boolean {
  if (scan.coverage !== blob.coverage) return blob.coverage === 'windows';
  return scan.scannedAt.getTime() - blob.scannedAt.getTime() > REFRESH_MS;
}

/** The prefix of the names of all that was accepted unscanned, followed by the id of the file. */
export const ACCEPTED_PREFIX = 'accepted/';

export function acceptedName(id: FileId): string {
  return ACCEPTED_PREFIX + id;
}
