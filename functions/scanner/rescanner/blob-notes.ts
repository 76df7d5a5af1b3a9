import { type Blob, isDamaged, lastScannedAt } from '../../../shared/files/blob.ts';
import { scanned } from '../../../shared/files/record-fields.ts';
import type { Bucket } from '../../../shared/storage/bucket.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';
import { retryOnConflict } from '../../../shared/storage/retry-on-conflict.ts';

/** Notes of re-scans in the metadata of stored contents. */
export class BlobNotes {
  readonly #bucket: Bucket;

  constructor(permanent: Bucket) {
    this.#bucket = permanent;
  }

  /**
   * Notes that a newer scan of exactly these bytes found them clean. Does not replace an even newer scan, or a scan of
   * the whole file by one in windows.
   * @returns false if that generation does not exist
   * @throws {StorageError}
   */
  confirm({ object }: Blob, scan: Omit<Blob, 'object'>): Promise<boolean> {
    const absent = { database: null, databaseDate: null, coverage: null, rescannedAt: null };
    return this.#annotate(object, (current) => {
      if (lastScannedAt(current) >= scan.scannedAt) return undefined;
      const isWeaker = scan.coverage === 'windows' && current.metadata['coverage'] === undefined;
      return isWeaker ? { rescannedAt: scan.scannedAt.toISOString() } : { ...absent, ...scanned.write(scan) };
    });
  }

  /** Notes that a re-scan ended without a clean verdict, which changes nothing for files. @see confirm */
  noteRescan(object: StoredObject, at: Date): Promise<boolean> {
    return this.#annotate(object, (current) =>
      lastScannedAt(current) < at ? { rescannedAt: at.toISOString() } : undefined,
    );
  }

  /** Notes that the bytes do not match the digest in their name: they are no longer served or shared. @see confirm */
  noteDamage(object: StoredObject, at: Date): Promise<boolean> {
    return this.#annotate(object, (current) =>
      isDamaged(current) ? undefined : { damagedAt: at.toISOString() },
    );
  }

  /** @param changes returns the changes to the metadata; undefined if there are none */
  async #annotate(
    object: StoredObject,
    changes: (current: StoredObject) => Readonly<Record<string, string | null>> | undefined,
  ): Promise<boolean> {
    let current: StoredObject | undefined = object;
    const noted = await retryOnConflict(async () => {
      if (current?.generation !== object.generation) return false;
      const wanted = changes(current);
      if (!wanted || (await this.#bucket.patch(object.name, current, wanted))) return true;
      current = await this.#bucket.stat(object.name);
      return 'conflict';
    });
    if (noted !== 'conflict') return noted;
    throw new Error(`${object.name} keeps changing`);
  }
}
