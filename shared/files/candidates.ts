import type { Bucket } from '../storage/bucket.ts';
import type { StoredObject } from '../storage/object.ts';
import { type BlobKey, blobKeys, blobName, type Contents } from './blob-name.ts';

/** The prefix of all candidates' names, followed by the key of the blob. */
export const CANDIDATES_PREFIX = 'collect/';

/**
 * The metadata of a candidate. One with neither `cycle` nor `done` is undecided, and is never deleted before a cycle
 * has claimed it, so a process that finds it in this state can rely on it.
 */
export interface CandidateMetadata {
  /** The cycle that has claimed it last. */
  readonly cycle?: string;
  /** The version of the blob that the cycle may delete. */
  readonly blobGeneration?: string;
  readonly blobMetageneration?: string;
  /** No cycle needs to check it before this time (RFC 3339). */
  readonly notBefore?: string;
  /** 'true': decided; kept only because it cannot be deleted yet. */
  readonly done?: string;
}

const ANEW = { cycle: null, blobGeneration: null, blobMetageneration: null, notBefore: null, done: null };

/**
 * Blobs that may no longer be used by any file: zero-byte objects `collect/<key>` in the permanent bucket. There is no
 * index from a blob to its files, so a collection reads all records, but only checks candidates.
 */
export class Candidates {
  readonly #bucket: Bucket;
  readonly #ensuring = new Map<string, Promise<void>>();

  constructor(permanent: Bucket) {
    this.#bucket = permanent;
  }

  /**
   * Ensures that a later collection checks whether a content is still used. Call it after the file that used it is
   * gone, from the process that removed the file or stored the content for it.
   * @throws {StorageError}
   */
  async addGcCandidate(contents: Contents): Promise<void> {
    for (const key of blobKeys(contents)) {
      if (await this.#bucket.stat(blobName(key))) await this.#ensure(candidateName(key));
    }
  }

  /** Calls for one content run one after another: the first writes, the others find the candidate. */
  #ensure(name: string): Promise<void> {
    const before = this.#ensuring.get(name) ?? Promise.resolve();
    const ensured = before
      .catch(() => undefined)
      .then(() => this.#write(name))
      .finally(() => {
        if (this.#ensuring.get(name) === ensured) this.#ensuring.delete(name);
      });
    this.#ensuring.set(name, ensured);
    return ensured;
  }

  /**
   * One that is not decided on will be later than now: it needs no write, however many files are deleted. It is looked
   * for first, because the cycle that comes across a deleted file may have claimed it a moment ago.
   */
  async #write(name: string): Promise<void> {
    for (;;) {
      const there = await this.#bucket.stat(name);
      if (!there) {
        if (await this.#bucket.insertEmpty(name)) return;
        continue;
      }
      const { cycle, done } = there.metadata as CandidateMetadata;
      if (cycle === undefined && done === undefined) return;
      if (await this.#bucket.patch(name, there, ANEW)) return;
    }
  }
}

/** The candidate of a blob. */
export function candidateName(key: BlobKey): string {
  return CANDIDATES_PREFIX + key;
}

export function candidateKey({ name }: Pick<StoredObject, 'name'>): BlobKey {
  return name.slice(CANDIDATES_PREFIX.length);
}
