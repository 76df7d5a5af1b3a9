import { BlobMismatch, parseBlob, usedAt } from '../../../shared/files/blob.ts';
import {
  BLOBS_PREFIX,
  blobKeys,
  blobName,
  type DeduplicationScope,
  digestOf,
} from '../../../shared/files/blob-name.ts';
import type { CleanRecord } from '../../../shared/files/record.ts';
import type { Principal } from '../../../shared/identity/principal.ts';
import type { Bucket } from '../../../shared/storage/bucket.ts';
import { isKept } from '../../../shared/storage/delete-unless-held.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';
import { allObjects } from '../../../shared/storage/page.ts';
import { digestsOf } from '../digests-of.ts';
import type { FileObjects } from './gather.ts';

/** The rules that a blob must keep. */
export type BlobRule =
  /** Its name is not a digest. */
  | 'blobMisnamed'
  /** No scan says that it is clean, or its bytes do not have the digest of its name. */
  | 'blobUnscanned'
  /** A file may be read, and its content is not there. */
  | 'blobMissing'
  /** The content of a file is there, and is other bytes than its record says. */
  | 'blobDiffers'
  /** No file uses it, and no collection is going to delete it. */
  | 'blobUnused';

/** The fields of a blob that are kept in memory: there are as many in it as the portion says. */
interface Entry {
  readonly size: number;
  readonly crc32c: string;
  /** Milliseconds since the epoch. */
  readonly usedAt: number;
  readonly mayBeDeleted: boolean;
  isUsed: boolean;
}

/** The blobs in a range of names, so many that memory is flat whatever the number of all. */
export class StoredBlobs {
  /** The name of the first blob of the next portion; undefined at the end. */
  readonly next: string | undefined;
  readonly #from: string;
  readonly #scope: DeduplicationScope;
  readonly #entries: Map<string, Entry>;

  private constructor(
    range: { from: string; next: string | undefined },
    scope: DeduplicationScope,
    entries: Map<string, Entry>,
  ) {
    this.#from = range.from;
    this.next = range.next;
    this.#scope = scope;
    this.#entries = entries;
  }

  /**
   * Lists blobs from a name on.
   * @param most blobs of a portion
   * @param broken is told of each blob that breaks a rule whatever the files say
   * @throws {StorageError}
   */
  static async list(
    bucket: Bucket,
    { from, most, scope, now }: { from: string; most: number; scope: DeduplicationScope; now: Date },
    broken: (rule: BlobRule, name: string) => void,
  ): Promise<StoredBlobs> {
    const entries = new Map<string, Entry>();
    for await (const object of allObjects(bucket, { prefix: BLOBS_PREFIX, startOffset: from })) {
      if (entries.size >= most) return new StoredBlobs({ from, next: object.name }, scope, entries);
      const rule = ruleOf(object);
      if (rule) broken(rule, object.name);
      if (rule === 'blobMisnamed') continue;
      entries.set(object.name, {
        size: object.size,
        crc32c: object.crc32c,
        usedAt: usedAt(object).getTime(),
        mayBeDeleted: !isKept(object, now),
        isUsed: false,
      });
    }
    return new StoredBlobs({ from, next: undefined }, scope, entries);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Notes that a file uses what its objects name, whether its record parses or not. */
  use(found: FileObjects): void {
    const owner = (found.file?.metadata['owner'] ?? '') as Principal;
    for (const key of [...digestsOf(found)].flatMap((sha256) => blobKeys({ owner, sha256 }))) {
      const entry = this.#entries.get(blobName(key));
      if (entry) entry.isUsed = true;
    }
  }

  /** Whether a clean file seems to have no content, or another, if that would be in this portion: it may have moved on. */
  suspects({ owner, content }: CleanRecord): boolean {
    const [key = ''] = blobKeys({ owner, sha256: content.sha256 }, this.#scope);
    const name = blobName(key);
    if (name < this.#from || (this.next !== undefined && name >= this.next)) return false;
    const entry = this.#entries.get(name);
    return entry?.size !== content.size || entry.crc32c !== content.crc32c;
  }

  /** Names of blobs that no file uses and none was about to use since. */
  *unused(since: Date): Generator<string, void, undefined> {
    for (const [name, { isUsed, usedAt, mayBeDeleted }] of this.#entries) {
      if (!isUsed && mayBeDeleted && usedAt < since.getTime()) yield name;
    }
  }
}

/** The rule that a blob breaks whatever the files say. */
function ruleOf(object: StoredObject): 'blobMisnamed' | 'blobUnscanned' | undefined {
  if (!digestOf(object.name)) return 'blobMisnamed';
  try {
    parseBlob(object);
    return undefined;
  } catch (error) {
    if (error instanceof BlobMismatch) return 'blobUnscanned';
    throw error;
  }
}
