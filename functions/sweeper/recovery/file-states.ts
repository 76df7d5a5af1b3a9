import type { FileId } from '../../../shared/files/file-id.ts';
import { RECEIPTS_PREFIX } from '../../../shared/files/receipts.ts';
import { RECORDS_PREFIX, VERDICTS_PREFIX } from '../../../shared/files/records.ts';
import { REFERENCES_PREFIX } from '../../../shared/files/references.ts';
import type { Bucket } from '../../../shared/storage/bucket.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';
import { byFile, objectsOf, type Source, source } from '../by-file.ts';
import type { Archive, Chain } from '../exporter/archive.ts';
import type { ArchivedObject } from '../exporter/archived.ts';
import { stateOf } from '../exporter/state.ts';
import type { Range } from '../ranges.ts';

/** One file as exports and the permanent bucket have it. */
export interface FileState {
  /** Name of `files/<id>`. */
  readonly name: string;
  readonly id: FileId;
  /** These as they were at the time of the restore. */
  readonly file?: ArchivedObject;
  readonly verdict?: ArchivedObject;
  readonly references: readonly ArchivedObject[];
  /** `files/<id>` as the newest export has it. */
  readonly latest?: ArchivedObject;
  /** Those of the newest export: a reader who has the bytes has them whatever the record says. */
  readonly receipts: readonly ArchivedObject[];
  readonly live: {
    readonly file?: StoredObject;
    readonly verdict?: StoredObject;
    readonly references: readonly StoredObject[];
  };
}

export interface Exports {
  readonly archive: Archive;
  /** The export to restore from. */
  readonly asOf: Chain;
  readonly newest: Chain;
}

/** Each file of a range of ids that an export or the bucket knows, in the order of ids. @throws {StorageError}, {ArchiveDamaged} */
export async function* fileStates(
  { archive, asOf, newest }: Exports,
  permanent: Bucket,
  ids: Range,
): AsyncGenerator<FileState, void, undefined> {
  const isNewest = asOf.at(-1)?.id === newest.at(-1)?.id;
  const before = (chain: Chain, prefix: string) => stateOf(archive.bucket, chain, prefix, ids);
  const now = (prefix: string) => objectsOf(permanent, prefix, ids);
  const sources: readonly Source<FileState>[] = [
    source(RECORDS_PREFIX, before(asOf, RECORDS_PREFIX), (_, file) => ({
      file,
      ...(isNewest && { latest: file }),
    })),
    ...(isNewest
      ? []
      : [source(RECORDS_PREFIX, before(newest, RECORDS_PREFIX), (_: FileState, latest) => ({ latest }))]),
    source(VERDICTS_PREFIX, before(asOf, VERDICTS_PREFIX), (_, verdict) => ({ verdict })),
    source(REFERENCES_PREFIX, before(asOf, REFERENCES_PREFIX), ({ references }, reference) => ({
      references: [...references, reference],
    })),
    source(RECEIPTS_PREFIX, before(newest, RECEIPTS_PREFIX), ({ receipts }, receipt) => ({
      receipts: [...receipts, receipt],
    })),
    source(RECORDS_PREFIX, now(RECORDS_PREFIX), ({ live }, file) => ({ live: { ...live, file } })),
    source(VERDICTS_PREFIX, now(VERDICTS_PREFIX), ({ live }, verdict) => ({ live: { ...live, verdict } })),
    source(REFERENCES_PREFIX, now(REFERENCES_PREFIX), ({ live }, reference) => ({
      live: { ...live, references: [...live.references, reference] },
    })),
  ];
  const begin = (id: FileId): FileState => ({
    id,
    name: RECORDS_PREFIX + id,
    references: [],
    receipts: [],
    live: { references: [] },
  });
  yield* byFile(sources, begin);
}

/** A file whose record is gone stays deleted where a later export than the one to restore from says that it is. */
export function withDeletion(state: FileState): FileState {
  const { file, latest, live } = state;
  const isDeleted = latest?.metadata['state'] === 'deleted';
  return file && isDeleted && !live.file ? { ...state, file: latest, references: [] } : state;
}
