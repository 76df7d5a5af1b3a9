import { acceptedName } from '../../../shared/files/blobs.ts';
import { type FileId, parseFileId } from '../../../shared/files/file-id.ts';
import { PARTS_PREFIX } from '../../../shared/files/parts.ts';
import { RECEIPTS_PREFIX } from '../../../shared/files/receipts.ts';
import { RECORDS_PREFIX, VERDICTS_PREFIX } from '../../../shared/files/records.ts';
import { isLiveReference, REFERENCES_PREFIX } from '../../../shared/files/references.ts';
import type { Bucket } from '../../../shared/storage/bucket.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';
import { allObjects } from '../../../shared/storage/page.ts';
import { type Range, rangesOf } from '../ranges.ts';

/** File ids begin with a digest of their owner: the files of one owner are in one range. */
export const ID_RANGES = rangesOf('', '0123456789abcdefghijklmnopqrstuv', 4);

type Kind = 'file' | 'verdict' | 'accepted' | 'reference' | 'receipt' | 'upload' | 'part' | 'partial';

/** All that the buckets hold of one file or upload: of several objects of a kind, the oldest. */
export type FileObjects = { readonly id: FileId } & { readonly [K in Kind]?: StoredObject };

export interface Buckets {
  readonly permanent: Bucket;
  readonly unscanned: Bucket;
}

/** Objects that are named by a file: in the order of its ids, so that several listings are merged as they come. */
interface Source {
  readonly bucket: keyof Buckets;
  /** The part of a name before the id. */
  readonly prefix: string;
  /** Undefined leaves an object out. */
  readonly kind: (object: StoredObject) => Kind | undefined;
}

const RECORD_SOURCES: readonly Source[] = [
  { bucket: 'permanent', prefix: RECORDS_PREFIX, kind: () => 'file' },
  { bucket: 'permanent', prefix: VERDICTS_PREFIX, kind: () => 'verdict' },
];

const ALL_SOURCES: readonly Source[] = [
  ...RECORD_SOURCES,
  { bucket: 'permanent', prefix: acceptedName('' as FileId), kind: () => 'accepted' },
  {
    bucket: 'permanent',
    prefix: REFERENCES_PREFIX,
    kind: (object) => (isLiveReference(object) ? 'reference' : undefined),
  },
  { bucket: 'permanent', prefix: RECEIPTS_PREFIX, kind: () => 'receipt' },
  { bucket: 'unscanned', prefix: '', kind: () => 'upload' },
  {
    bucket: 'unscanned',
    prefix: PARTS_PREFIX,
    kind: ({ name }) => (name.endsWith('/partial') ? 'partial' : 'part'),
  },
];

/** All that is stored, by file, in the order of ids. A page of each listing is in memory. @throws {StorageError} */
export function gather(buckets: Buckets, ids: Range): AsyncGenerator<FileObjects, void, undefined> {
  return merged(buckets, ALL_SOURCES, ids);
}

/** The same of records and verdicts alone. @throws {StorageError} */
export function gatherRecords(buckets: Buckets, ids: Range): AsyncGenerator<FileObjects, void, undefined> {
  return merged(buckets, RECORD_SOURCES, ids);
}

/** The same of one file, as it is now. @throws {StorageError} */
export async function gatherOne(buckets: Buckets, id: FileId): Promise<FileObjects> {
  // Comes after all that an id and a slash begin, and before the next id.
  for await (const found of gather(buckets, { from: id, to: `${id}0` })) return found;
  return { id };
}

async function* merged(
  buckets: Buckets,
  sources: readonly Source[],
  ids: Range,
): AsyncGenerator<FileObjects, void, undefined> {
  const cursors = sources.map((source) => new Cursor(buckets[source.bucket], source, ids));
  await Promise.all(cursors.map((cursor) => cursor.advance()));
  for (;;) {
    const [id] = cursors.flatMap(({ id }) => id ?? []).sort();
    if (id === undefined) return;
    const found: { id: FileId } & { [K in Kind]?: StoredObject } = { id };
    for (const cursor of cursors) {
      for (; cursor.id === id; await cursor.advance()) {
        const { kind, object } = cursor;
        if (!kind || !object) continue;
        const other = found[kind];
        if (!other || object.timeCreated < other.timeCreated) found[kind] = object;
      }
    }
    yield found;
  }
}

/** Where a listing stands. */
class Cursor {
  id: FileId | undefined;
  object: StoredObject | undefined;
  readonly #source: Source;
  readonly #objects: AsyncGenerator<StoredObject, void, undefined>;

  constructor(bucket: Bucket, source: Source, { from, to }: Range) {
    const { prefix } = source;
    const endOffset = to === undefined ? undefined : prefix + to;
    this.#source = source;
    this.#objects = allObjects(bucket, { prefix, startOffset: prefix + from, endOffset });
  }

  get kind(): Kind | undefined {
    return this.object && this.#source.kind(this.object);
  }

  /** Goes on to the next object that is named by a file; to none at the end. */
  async advance(): Promise<void> {
    for (let next = await this.#objects.next(); ; next = await this.#objects.next()) {
      this.object = next.value ?? undefined;
      this.id = this.object && parseFileId(idIn(this.object.name.slice(this.#source.prefix.length)));
      if (next.done || this.id) return;
    }
  }
}

function idIn(rest: string): string {
  const end = rest.indexOf('/');
  return end < 0 ? rest : rest.slice(0, end);
}
