import { ACCEPTED_PREFIX } from '../../../shared/files/blobs.ts';
import type { FileId } from '../../../shared/files/file-id.ts';
import { PARTS_PREFIX } from '../../../shared/files/parts.ts';
import { RECEIPTS_PREFIX } from '../../../shared/files/receipts.ts';
import { RECORDS_PREFIX, VERDICTS_PREFIX } from '../../../shared/files/records.ts';
import { isLiveReference, REFERENCES_PREFIX } from '../../../shared/files/references.ts';
import type { Bucket } from '../../../shared/storage/bucket.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';
import { byFile, idsBeginning, objectsOf, type Source, source } from '../by-file.ts';
import type { Range } from '../ranges.ts';
import type { SweeperDeps } from '../sweeper.ts';

type Kind = 'file' | 'verdict' | 'accepted' | 'reference' | 'receipt' | 'upload' | 'part' | 'partial';

/** All that the buckets hold of one file or upload: of several objects of a kind, the oldest. */
export type FileObjects = { readonly id: FileId } & { readonly [K in Kind]?: StoredObject };

export type Buckets = Pick<SweeperDeps, 'permanent' | 'unscanned'>;

/** The part of an audit that one portion is. */
export interface Portion<Rule extends string> {
  readonly now: Date;
  /** Name of the object to begin with. */
  readonly from: string;
  readonly stop: () => boolean;
  readonly broken: (rule: Rule, name: string) => void;
}

/** A portion that was audited to its end. */
export interface Audited {
  /** Number of blobs in it. */
  readonly blobs: number;
  /** Name of the object to go on from; undefined at the end. */
  readonly next: string | undefined;
}

/** All that is stored, by file, in the order of ids. A page of each listing is in memory. @throws {StorageError} */
export function gather(
  { permanent, unscanned }: Buckets,
  ids: Range,
): AsyncGenerator<FileObjects, void, undefined> {
  const sources = [
    ...recordsIn(permanent, ids),
    sourceOf(permanent, ACCEPTED_PREFIX, ids, () => 'accepted'),
    sourceOf(permanent, REFERENCES_PREFIX, ids, (object) =>
      isLiveReference(object) ? 'reference' : undefined,
    ),
    sourceOf(permanent, RECEIPTS_PREFIX, ids, () => 'receipt'),
    sourceOf(unscanned, '', ids, () => 'upload'),
    sourceOf(unscanned, PARTS_PREFIX, ids, ({ name }) => (name.endsWith('/partial') ? 'partial' : 'part')),
  ];
  return byFile(sources, begin);
}

/** The same of records and verdicts alone. @throws {StorageError} */
export function gatherRecords(
  { permanent }: Buckets,
  ids: Range,
): AsyncGenerator<FileObjects, void, undefined> {
  return byFile(recordsIn(permanent, ids), begin);
}

/** The same of one file, as it is now. @throws {StorageError} */
export async function gatherOne(buckets: Buckets, id: FileId): Promise<FileObjects> {
  for await (const found of gather(buckets, idsBeginning(id))) return found;
  return { id };
}

function begin(id: FileId): FileObjects {
  return { id };
}

function recordsIn(permanent: Bucket, ids: Range): readonly Source<FileObjects>[] {
  return [
    sourceOf(permanent, RECORDS_PREFIX, ids, () => 'file'),
    sourceOf(permanent, VERDICTS_PREFIX, ids, () => 'verdict'),
  ];
}

/** @param kindOf undefined leaves an object out */
function sourceOf(
  bucket: Bucket,
  prefix: string,
  ids: Range,
  kindOf: (object: StoredObject) => Kind | undefined,
): Source<FileObjects> {
  return source(prefix, objectsOf(bucket, prefix, ids), (found: FileObjects, object) => {
    const kind = kindOf(object);
    const other = kind && found[kind];
    return !kind || (other && other.timeCreated <= object.timeCreated) ? {} : { [kind]: object };
  });
}
