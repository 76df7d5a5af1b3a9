import type { Bucket, ListOptions } from '../storage/bucket.ts';
import type { StoredObject } from '../storage/object.ts';
import { type Page, type PageTerms, pageOf } from '../storage/page.ts';
import { putMetadata } from '../storage/put-metadata.ts';
import { asOf } from './ends.ts';
import type { Metadata } from './fields.ts';
import { type FileId, parseFileId } from './file-id.ts';
import { fileMetadata, fromMetadata, verdictMetadata } from './metadata.ts';
import type { FileRecord, JudgedRecord, UnjudgedRecord } from './record.ts';
import { STORED } from './record-fields.ts';

/** The prefix of the names of all files, followed by the file id. */
export const RECORDS_PREFIX = 'files/';
/** The prefix of the names of all verdicts, followed by the file id. */
export const VERDICTS_PREFIX = 'verdicts/';

/** The two objects of a file, as they were read or listed. */
export interface RecordObjects {
  /** Name of `files/<fileId>`. */
  readonly name: string;
  readonly file: StoredObject;
  /** Absent if the file has no verdict yet. */
  readonly verdict?: StoredObject | undefined;
}

/** A record as it was read, with the versions that a write requires. */
export interface Versioned<R extends FileRecord = FileRecord> {
  readonly record: R;
  /** Object of `files/<fileId>`. */
  readonly object: StoredObject;
  /** Object of `verdicts/<fileId>`, where there is one. */
  readonly verdict?: StoredObject | undefined;
}

/**
 * The records of files. Each is two zero-byte objects of the permanent bucket whose custom metadata is the record:
 * `files/<fileId>` says who stored the file and who may see it, `verdicts/<fileId>` what became of it. The scanner
 * never writes the one, the files and upload functions never the other, so that sharing and scanning never meet, and
 * a small file is one insert of each. There is no other store; the metageneration is the compare-and-swap.
 * docs/adr/0029-one-writer-a-name.md
 *
 * A file whose end is reached is read as deleted by everybody (docs/adr/0046-ends.md).
 */
export class Records {
  readonly #bucket: Bucket;
  readonly #now: () => Date;

  constructor(permanent: Bucket, now = () => new Date()) {
    this.#bucket = permanent;
    this.#now = now;
  }

  /** @throws {StorageError}, {CorruptRecord} */
  async get(id: FileId, signal?: AbortSignal): Promise<Versioned | undefined> {
    const [object, verdict] = await Promise.all([
      this.#bucket.stat(RECORDS_PREFIX + id, signal),
      this.#bucket.stat(VERDICTS_PREFIX + id, signal),
    ]);
    return object && this.#versioned(id, object, verdict);
  }

  /**
   * Whether the file is unchanged since `read`, whatever its verdict; costs one read. @throws {StorageError},
   * {CorruptRecord}
   */
  async reread<R extends FileRecord>(
    current: Versioned<R>,
    signal?: AbortSignal,
  ): Promise<Versioned | undefined> {
    const { id } = current.record;
    const object = await this.#bucket.stat(RECORDS_PREFIX + id, signal);
    return object && this.#versioned(id, object, current.verdict);
  }

  /**
   * The record in an entry of {@link list}; undefined if the name is not of this service.
   * @throws {CorruptRecord}
   */
  parse({ file, verdict }: Pick<RecordObjects, 'file' | 'verdict'>): Versioned | undefined {
    const id = parseFileId(file.name.slice(RECORDS_PREFIX.length));
    return id && this.#versioned(id, file, verdict);
  }

  /**
   * Lists one page of files with their verdicts, sorted by id. Both listings run concurrently; a verdict without a file
   * is left out.
   * @param options prefix and startOffset as of `files/<fileId>`
   */
  async list(
    options: ListOptions,
  ): Promise<{ readonly objects: RecordObjects[]; readonly nextPageToken: string | undefined }> {
    const verdictsFrom = (name: string, pageToken?: string) =>
      this.#bucket.list({
        prefix: verdictName(options.prefix),
        startOffset: verdictName(name),
        pageToken,
        maxResults: options.maxResults,
        signal: options.signal,
      });
    // The start of a continued page is only known from its response.
    const ahead = options.pageToken ? undefined : verdictsFrom(options.startOffset ?? options.prefix);
    ahead?.catch(() => undefined);
    const { objects: files, nextPageToken } = await this.#bucket.list(options);
    const [first, last] = [files[0], files.at(-1)];
    if (!first || !last) return { objects: [], nextPageToken };
    const start = ahead ? (options.startOffset ?? options.prefix) : first.name;
    const end = verdictName(last.name);
    const verdicts = new Map<string, StoredObject>();
    for (
      let page = await (ahead ?? verdictsFrom(start));
      ;
      page = await verdictsFrom(start, page.nextPageToken)
    ) {
      for (const object of page.objects) verdicts.set(object.name, object);
      if (!page.nextPageToken || (page.objects.at(-1)?.name ?? '') >= end) break;
    }
    const objects = files.map((file) => ({
      name: file.name,
      file,
      verdict: verdicts.get(verdictName(file.name)),
    }));
    return { objects, nextPageToken };
  }

  /**
   * The results of `pick` for the records whose ids begin with `tag`, in the order of ids: newest first.
   * @param terms positions are ids
   * @param pick undefined leaves one out
   * @throws {StorageError} and what `pick` throws
   */
  page<Item>(
    tag: string,
    terms: PageTerms,
    pick: (objects: RecordObjects) => Item | undefined,
  ): Promise<Page<Item>> {
    return pageOf({ bucket: this, folder: RECORDS_PREFIX, prefix: tag, ...terms }, pick);
  }

  /** @throws {StorageError}; {Error} where the id is taken, which 130 random bits rule out */
  async insert<R extends UnjudgedRecord>(record: R): Promise<Versioned<R>> {
    const inserted = await this.insertIfAbsent(record);
    if (!inserted) throw new Error(`record ${record.id} exists`);
    return inserted;
  }

  /**
   * @returns undefined if a record with that id exists
   * @throws {StorageError}
   */
  async insertIfAbsent<R extends UnjudgedRecord>(record: R): Promise<Versioned<R> | undefined> {
    const object = await this.#bucket.insertEmpty(RECORDS_PREFIX + record.id, {
      metadata: fileMetadata(record),
    });
    return object && { record, object };
  }

  /**
   * Writes `files/<fileId>` if it is unchanged since it was read; never a verdict.
   * @returns undefined where somebody else wrote it meanwhile: read it again and decide again
   */
  async replace<R extends FileRecord>(current: Versioned, record: R): Promise<Versioned<R> | undefined> {
    const object = await this.#patch(current.object, fileAfter(current, record));
    return object && { ...current, record, object };
  }

  /**
   * Writes what `verdicts/<fileId>` says, where that still is what was read, or is not there as it was not: never who
   * may see the file.
   * @returns undefined where somebody else wrote it meanwhile: read it again and decide again
   */
  async judge<R extends JudgedRecord>(current: Versioned, record: R): Promise<Versioned<R> | undefined> {
    const metadata = verdictMetadata(record);
    const verdict = current.verdict
      ? await this.#patch(current.verdict, metadata)
      : await this.#bucket.insertEmpty(VERDICTS_PREFIX + record.id, { metadata });
    return verdict && { record, object: current.object, verdict };
  }

  #versioned(id: FileId, object: StoredObject, verdict: StoredObject | undefined): Versioned {
    const record = fromMetadata(id, object.metadata, verdict?.metadata);
    return { record: asOf(record, this.#now()), object, verdict };
  }

  async #patch(current: StoredObject, metadata: Metadata): Promise<StoredObject | undefined> {
    const object = await putMetadata(this.#bucket, current.name, current, metadata);
    // A retry may mistake another write for its own if that contains all of these values and more.
    const isOurs = object && Object.keys(object.metadata).every((key) => key in metadata);
    return isOurs ? object : undefined;
  }
}

/**
 * The metadata of `files/<fileId>` once a record is replaced: where the file has a verdict, only what anybody may change of it is
 * written anew.
 */
export function fileAfter(
  { record: before, object }: { record: FileRecord; object: Pick<StoredObject, 'metadata'> },
  record: FileRecord,
): Metadata {
  const isOver = record.state === 'expired' || record.state === 'deleted';
  const arrives = record.state === 'uploading' || record.state === 'pending';
  if (isOver || (arrives && record.state === object.metadata['state'])) return fileMetadata(record);
  if (record.state !== before.state) throw new Error(`${record.state} is for a verdict to say`);
  const known = new Set(Object.keys(STORED.write(before)));
  const others = Object.entries(object.metadata).filter(([key]) => !known.has(key));
  return { ...Object.fromEntries(others), ...STORED.write(record) };
}

/**
 * Whether `files/<id>` itself says that the file is over. Until it does, the owner of a file that has reached its end may still move the
 * end: a request that has read the record a moment before, or an instance whose clock is behind. So nothing is deleted before.
 */
export function isWrittenOver({ object }: Pick<Versioned, 'object'>): boolean {
  return object.metadata['state'] === 'expired' || object.metadata['state'] === 'deleted';
}

function verdictName(fileName: string): string {
  return VERDICTS_PREFIX + fileName.slice(RECORDS_PREFIX.length);
}
