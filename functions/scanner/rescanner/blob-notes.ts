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
   * Says that a newer scan of exactly these bytes found them clean. A scan that is newer still stays, and so does one of the whole where
   * the newer one was in windows.
   * @returns false where that generation is gone
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

  /** Says that a re-scan came to an end without a clean verdict, which changes nothing for files. @see confirm */
  noteRescan(object: StoredObject, at: Date): Promise<boolean> {
    return this.#annotate(object, (current) =>
      lastScannedAt(current) < at ? { rescannedAt: at.toISOString() } : undefined,
    );
  }

  /** Says that the bytes do not have the digest of their name: nobody gets or shares them any more. @see confirm */
  noteDamage(object: StoredObject, at: Date): Promise<boolean> {
    return this.#annotate(object, (current) =>
      isDamaged(current) ? undefined : { damagedAt: at.toISOString() },
    );
  }

  /** @param changes of what is there; undefined where it says so already */
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
