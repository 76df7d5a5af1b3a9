import type { EngineVersion } from '../scanning/engine.ts';
import type { Bucket } from '../storage/bucket.ts';
import type { StoredObject } from '../storage/object.ts';
import type { FileId } from './fileId.ts';
import { engineFields, parseCoverage, parseEngine, parseTime } from './metadata.ts';
import type { Content, Coverage, Sha256 } from './record.ts';

/** A content that was found clean, and the scan that said so. */
export interface Blob {
  readonly object: StoredObject;
  /** When the latest scan of exactly these bytes found them clean. */
  readonly scannedAt: Date;
  readonly engine: EngineVersion;
  /** Absent where it was scanned as a whole. */
  readonly coverage?: Coverage;
}

/** Newer signatures have found something in these bytes: nobody gets them any more. */
export interface CondemnedBlob {
  readonly object: StoredObject;
  readonly signature: string;
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
    scan: Pick<Blob, 'scannedAt' | 'engine' | 'coverage'>,
  ): Promise<'promoted' | 'sourceGone' | CondemnedBlob> {
    const metadata = scanFields(scan);
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
    if (isBetter(scan, blob)) {
      await this.#bucket.patch(object.name, object, { ...metadata, coverage: metadata['coverage'] ?? null });
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

  /** Marks a content that is in `blobs/` as found to be malware. */
  async condemn(sha256: Sha256, signature: string): Promise<void> {
    for (;;) {
      const object = await this.#bucket.stat(name(sha256));
      if (!object || object.metadata['signature'] === signature) return;
      if (await this.#bucket.patch(object.name, object, { signature })) return;
    }
  }
}

const REFRESH_MS = 60_000;

/** The newer word, within a minute one is as good as the other; never windows over the whole. */
function isBetter(scan: Omit<Blob, 'object'>, blob: Blob): boolean {
  if (scan.coverage !== blob.coverage) return blob.coverage === 'windows';
  return scan.scannedAt.getTime() - blob.scannedAt.getTime() > REFRESH_MS;
}

function scanFields({ scannedAt, engine, coverage }: Omit<Blob, 'object'>): Readonly<Record<string, string>> {
  return { scannedAt: scannedAt.toISOString(), ...engineFields(engine), ...(coverage && { coverage }) };
}

/** What stands under a digest in the permanent bucket is not what a scan put there: nothing is handed out by it. */
class BlobMismatch extends Error {
  override readonly name = 'BlobMismatch';
}

function parseBlob(object: StoredObject): Blob | CondemnedBlob {
  const { signature, scannedAt } = object.metadata;
  if (signature !== undefined) return { object, signature };
  const at = parseTime(scannedAt ?? '');
  const engine = parseEngine(object.metadata);
  const said = object.metadata['coverage'];
  const coverage = said === undefined ? undefined : parseCoverage(said);
  if (!at || !engine || (said !== undefined && !coverage)) {
    throw new BlobMismatch(`${object.name} was not promoted by a scan`);
  }
  return { object, scannedAt: at, engine, ...(coverage && { coverage }) };
}

function acceptedName(id: FileId): string {
  return `accepted/${id}`;
}

function name(sha256: Sha256): string {
  return `blobs/sha256/${sha256}`;
}
