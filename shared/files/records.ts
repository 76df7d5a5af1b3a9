import type { Bucket } from '../storage/bucket.ts';
import type { StoredObject } from '../storage/object.ts';
import { type Page, pageOf } from '../storage/page.ts';
import { type FileId, parseFileId } from './fileId.ts';
import { fromMetadata, toMetadata } from './metadata.ts';
import type { FileRecord } from './record.ts';

/** What the names of all records begin with, followed by the file id. */
export const RECORDS_PREFIX = 'files/';

/** A record as it was read, and the version that a write must still find. */
export interface Versioned<R extends FileRecord = FileRecord> {
  readonly record: R;
  readonly object: StoredObject;
}

/**
 * The records of files: zero-byte objects `files/<fileId>` of the permanent bucket whose custom metadata is
 * the record. There is no other store; the metageneration is the compare-and-swap.
 */
export class Records {
  readonly #bucket: Bucket;

  constructor(permanent: Bucket) {
    this.#bucket = permanent;
  }

  /** @throws {StorageError}, {CorruptRecord} */
  async get(id: FileId, signal?: AbortSignal): Promise<Versioned | undefined> {
    const object = await this.#bucket.stat(name(id), signal);
    return object && { record: fromMetadata(id, object.metadata), object };
  }

  /**
   * The record in an object of a listing below {@link RECORDS_PREFIX}; undefined where its name is none of ours.
   * @throws {CorruptRecord}
   */
  parse(object: StoredObject): Versioned | undefined {
    const id = parseFileId(object.name.slice(RECORDS_PREFIX.length));
    return id && { record: fromMetadata(id, object.metadata), object };
  }

  /**
   * What `pick` makes of the records whose ids begin with `tag`, in the order of ids: newest first.
   * @param after the id to go on after
   * @param pick undefined leaves one out
   * @throws {StorageError} and what `pick` throws
   */
  async page<Item>(
    tag: string,
    { after, ...terms }: { after: FileId | undefined; limit: number; signal: AbortSignal },
    pick: (object: StoredObject) => Item | undefined,
  ): Promise<Page<Item>> {
    const from = after && name(after);
    const request = { bucket: this.#bucket, prefix: RECORDS_PREFIX + tag, after: from, ...terms };
    const { items, next } = await pageOf(request, pick);
    return { items, ...(next !== undefined && { next: next.slice(RECORDS_PREFIX.length) }) };
  }

  /** @throws {StorageError}; {Error} where the id is taken, which 130 random bits rule out */
  async insert<R extends FileRecord>(record: R): Promise<Versioned<R>> {
    const inserted = await this.insertIfAbsent(record);
    if (!inserted) throw new Error(`record ${record.id} exists`);
    return inserted;
  }

  /**
   * @returns undefined where there is a record of that id
   * @throws {StorageError}
   */
  async insertIfAbsent<R extends FileRecord>(record: R): Promise<Versioned<R> | undefined> {
    const object = await this.#bucket.insertEmpty(name(record.id), {
      contentType: 'application/x-empty',
      metadata: toMetadata(record),
    });
    return object && { record, object };
  }

  /**
   * Replaces a record where it still is the one that was read.
   * @returns undefined where somebody else wrote it meanwhile: read it again and decide again
   */
  async replace<R extends FileRecord>(read: Versioned, record: R): Promise<Versioned<R> | undefined> {
    const metadata = toMetadata(record);
    const removed = Object.keys(read.object.metadata).filter((key) => !(key in metadata));
    const changes = { ...metadata, ...Object.fromEntries(removed.map((key) => [key, null])) };
    const object = await this.#bucket.patch(name(record.id), read.object, changes);
    // A try again may take somebody else's write for ours, which has all of these values, and others beside.
    const isOurs = object && Object.keys(object.metadata).every((key) => key in metadata);
    return isOurs ? { record, object } : undefined;
  }
}

function name(id: FileId): string {
  return RECORDS_PREFIX + id;
}
