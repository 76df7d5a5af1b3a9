import type { Finding } from '../events/verdictChanged.ts';
import type { EngineVersion } from '../scanning/engine.ts';
import type { Bucket } from '../storage/bucket.ts';
import type { StoredObject } from '../storage/object.ts';
import type { FileId } from './fileId.ts';
import { engineFields, parseEngine, parseTime } from './metadata.ts';
import type { Content, Sha256 } from './record.ts';

/** A content that was found clean, and the scan that said so. */
export interface Blob {
  readonly object: StoredObject;
  /** When the latest scan of exactly these bytes found them clean. */
  readonly scannedAt: Date;
  readonly engine: EngineVersion;
}

/** Newer signatures have found something in these bytes: nobody gets them any more. */
export interface CondemnedBlob {
  readonly object: StoredObject;
  readonly signature: string;
  /** What is still to be said to subscribers; absent once the event is out. */
  readonly unannounced?: Finding;
}

/**
 * Contents that were found clean: `blobs/sha256/<hex>` of the permanent bucket, one for any number of files.
 * Nothing gets there but by {@link promote}, and a blob with a signature is handed to nobody.
 */
export class Blobs {
  readonly #bucket: Bucket;

  constructor(permanent: Bucket) {
    this.#bucket = permanent;
  }

  async find(sha256: Sha256, signal?: AbortSignal): Promise<Blob | CondemnedBlob | undefined> {
    const object = await this.#bucket.stat(name(sha256), signal);
    return object && parseBlob(object);
  }

  /** What the policy of the deployment accepted of a file that could not be scanned. */
  async findAccepted(id: FileId, signal: AbortSignal): Promise<StoredObject | undefined> {
    return this.#bucket.stat(acceptedName(id), signal);
  }

  /** Iterate the bytes, or abort the signal; undefined where that generation is gone. */
  read(
    object: StoredObject,
    range: { start: number; end: number },
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array> | undefined> {
    return this.#bucket.read(object.name, { generation: object.generation, range, signal });
  }

  /**
   * Copies a generation that was found clean, without its bytes passing through us. That somebody promoted
   * the same content before is fine, once its size and CRC32C say that it is the same.
   * @returns 'sourceGone' where there is no such generation any more; the blob where it is condemned: one
   *   scanner's clean does not lift another's finding, whichever has the newer signatures
   * @throws {BlobMismatch}
   */
  async promote(
    source: { bucket: Bucket; object: StoredObject },
    content: Content,
    scan: { scannedAt: Date; engine: EngineVersion },
  ): Promise<'promoted' | 'sourceGone' | CondemnedBlob> {
    const metadata = { scannedAt: scan.scannedAt.toISOString(), ...engineFields(scan.engine) };
    const target = {
      bucket: this.#bucket,
      name: name(content.sha256),
      contentType: 'application/octet-stream',
      metadata,
    };
    const result = await source.bucket.rewrite(source.object, target);
    if (result === 'sourceGone') return result;
    const object = result === 'targetExists' ? await this.#bucket.stat(target.name) : result;
    if (!object || object.crc32c !== content.crc32c || object.size !== content.size) {
      throw new BlobMismatch(`blob ${content.sha256} is not the content that was scanned`);
    }
    const blob = parseBlob(object);
    if ('signature' in blob) return blob;
    // It was there before: ours is the newer word about it. Within a minute one is as good as the other.
    if (scan.scannedAt.getTime() - blob.scannedAt.getTime() > REFRESH_MS) {
      await this.#bucket.patch(object.name, object, metadata);
    }
    return 'promoted';
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
    const target = { bucket: this.#bucket, name: acceptedName(id), contentType: 'application/octet-stream' };
    const result = await source.bucket.rewrite(source.object, target);
    if (result === 'sourceGone') return result;
    const object = result === 'targetExists' ? await this.#bucket.stat(target.name) : result;
    if (object?.crc32c === content.crc32c && object.size === content.size) return 'accepted';
    throw new BlobMismatch(`${target.name} is not the content that was accepted`);
  }

  /**
   * Marks a content that is in `blobs/` as found to be malware. The first finding stands: a later one changes
   * nothing for anybody.
   * @returns undefined where no such content was handed out as clean
   */
  async condemn(sha256: Sha256, finding: Finding): Promise<CondemnedBlob | undefined> {
    const { signature, scannedAt, engine } = finding;
    const metadata = { signature, condemnedAt: scannedAt.toISOString(), ...engineFields(engine) };
    for (;;) {
      const object = await this.#bucket.stat(name(sha256));
      if (!object) return undefined;
      const condemned = parseCondemned(object);
      if (condemned) return condemned;
      const patched = await this.#bucket.patch(object.name, object, metadata);
      if (patched) return { object: patched, signature, unannounced: finding };
    }
  }

  /** Notes that the event of a condemned content is out. Lost to another who says so too, it is out as well. */
  async noteAnnounced({ object }: CondemnedBlob): Promise<void> {
    await this.#bucket.patch(object.name, object, { announced: 'true' });
  }
}

const REFRESH_MS = 60_000;

/** What stands under a digest in the permanent bucket is not what a scan put there: nothing is handed out by it. */
class BlobMismatch extends Error {
  override readonly name = 'BlobMismatch';
}

function parseBlob(object: StoredObject): Blob | CondemnedBlob {
  const condemned = parseCondemned(object);
  if (condemned) return condemned;
  const at = parseTime(object.metadata['scannedAt'] ?? '');
  const engine = parseEngine(object.metadata);
  if (!at || !engine) throw new BlobMismatch(`${object.name} was not promoted by a scan`);
  return { object, scannedAt: at, engine };
}

function parseCondemned(object: StoredObject): CondemnedBlob | undefined {
  const { signature, condemnedAt, announced } = object.metadata;
  if (signature === undefined) return undefined;
  const scannedAt = announced === 'true' ? undefined : parseTime(condemnedAt ?? '');
  const engine = parseEngine(object.metadata);
  return { object, signature, ...(scannedAt && engine && { unannounced: { signature, scannedAt, engine } }) };
}

function acceptedName(id: FileId): string {
  return `accepted/${id}`;
}

function name(sha256: Sha256): string {
  return `blobs/sha256/${sha256}`;
}
