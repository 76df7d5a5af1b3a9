import { randomUUID } from 'node:crypto';
import type { Bucket } from '../storage/bucket.ts';
import { deleteUnlessHeld } from '../storage/delete-unless-held.ts';
import type { StoredObject } from '../storage/object.ts';
import { allObjects } from '../storage/page.ts';
import { parseSha256, type Sha256 } from './record.ts';

/** The prefix of all recalls' names, followed by the SHA-256 of the content. */
export const RECALLS_PREFIX = 'recalls/sha256/';

/** Contents whose files one walk recalls. */
export type OpenRecalls = ReadonlyMap<Sha256, StoredObject>;

/**
 * Contents that were handed out as clean and are malware: zero-byte objects `recalls/sha256/<digest>` of the permanent bucket, as long
 * as there may be a clean file that has the content. Nothing leads from a content to its files, so a walk through all records
 * recalls them: one that began after the recall was opened last. docs/adr/0035-recall.md
 */
export class Recalls {
  readonly #bucket: Bucket;

  constructor(permanent: Bucket) {
    this.#bucket = permanent;
  }

  /** Makes sure that a walk which begins after this looks for files that have the content. @throws {StorageError} */
  async open(sha256: Sha256): Promise<void> {
    const name = RECALLS_PREFIX + sha256;
    for (;;) {
      // Makes this write unique: a retry could otherwise mistake another one for it.
      const opened = { opened: randomUUID() };
      // Looked up first: repeating an order within a second would exceed one write per second.
      const there = await this.#bucket.stat(name);
      if (!there) {
        if (await this.#bucket.insertEmpty(name, { metadata: opened })) return;
        continue;
      }
      const { walk, done } = there.metadata;
      // An unclaimed recall waits for a later walk anyway.
      if (walk === undefined && done === undefined) return;
      if (await this.#bucket.patch(name, there, { ...opened, walk: null, done: null })) return;
    }
  }

  /** Claims up to `most` open recalls for a walk that has not read any record yet. @throws {StorageError} */
  async claim(walk: string, most: number): Promise<OpenRecalls> {
    const claimed = new Map<Sha256, StoredObject>();
    for await (const recall of allObjects(this.#bucket, { prefix: RECALLS_PREFIX })) {
      if (claimed.size >= most) break;
      const sha256 = digestOf(recall);
      if (!sha256 || recall.metadata['done'] !== undefined) continue;
      const object = await this.#bucket.patch(recall.name, recall, { walk });
      if (object) claimed.set(sha256, object);
    }
    return claimed;
  }

  /** The recalls that a walk has claimed and that were not reopened since. @throws {StorageError} */
  async claimed(walk: string): Promise<OpenRecalls> {
    const claimed = new Map<Sha256, StoredObject>();
    for await (const recall of allObjects(this.#bucket, { prefix: RECALLS_PREFIX })) {
      const sha256 = digestOf(recall);
      if (sha256 && recall.metadata['walk'] === walk) claimed.set(sha256, recall);
    }
    return claimed;
  }

  /** Ends a recall whose walk is complete, unless it was reopened. @throws {StorageError} */
  async close(recall: StoredObject): Promise<void> {
    const released = await deleteUnlessHeld(this.#bucket, recall);
    if (released === 'kept') await this.#bucket.patch(recall.name, recall, { done: 'true' });
  }
}

function digestOf({ name }: StoredObject): Sha256 | undefined {
  return parseSha256(name.slice(RECALLS_PREFIX.length));
}
