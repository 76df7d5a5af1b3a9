import { ACCEPTED_PREFIX } from '../../../shared/files/blobs.ts';
import { type FileId, ownerTag } from '../../../shared/files/file-id.ts';
import { PARTS_PREFIX, partialName } from '../../../shared/files/parts.ts';
import { RECEIPTS_PREFIX } from '../../../shared/files/receipts.ts';
import { RECORDS_PREFIX, VERDICTS_PREFIX } from '../../../shared/files/records.ts';
import { REFERENCES_PREFIX } from '../../../shared/files/references.ts';
import type { Principal } from '../../../shared/identity/principal.ts';
import type { Bucket } from '../../../shared/storage/bucket.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';
import { byFile, idsBeginning, objectsOf, type Source, source } from '../by-file.ts';
import type { RestoreDeps } from '../restore.ts';

export type Buckets = Pick<RestoreDeps, 'permanent' | 'unscanned' | 'quarantine'>;

/** All objects that are named by one file or upload of an owner. */
export interface OwnFile {
  readonly id: FileId;
  /** Name of `files/<id>`. */
  readonly name: string;
  readonly file?: StoredObject;
  readonly verdict?: StoredObject;
  readonly references: readonly StoredObject[];
  readonly receipts: readonly StoredObject[];
  readonly accepted?: StoredObject;
  /** Its bytes, while they wait for a verdict. */
  readonly upload?: StoredObject;
  readonly parts: readonly StoredObject[];
  readonly quarantined?: StoredObject;
}

/**
 * The files and uploads of an owner. Ids begin with a tag that another owner may have as well: the record decides, and what has no
 * record any more belongs to the only one who may have written it.
 * @throws {StorageError}
 */
export async function* ownFiles(
  { permanent, unscanned, quarantine }: Buckets,
  owner: Principal,
): AsyncGenerator<OwnFile, void, undefined> {
  const ids = idsBeginning(ownerTag(owner));
  const from = (
    bucket: Bucket,
    prefix: string,
    add: (state: OwnFile, object: StoredObject) => Partial<OwnFile>,
  ): Source<OwnFile> => source(prefix, objectsOf(bucket, prefix, ids), add);
  const sources = [
    from(permanent, RECORDS_PREFIX, (_, file) => ({ file })),
    from(permanent, VERDICTS_PREFIX, (_, verdict) => ({ verdict })),
    from(permanent, REFERENCES_PREFIX, ({ references }, object) => ({ references: [...references, object] })),
    from(permanent, RECEIPTS_PREFIX, ({ receipts }, object) => ({ receipts: [...receipts, object] })),
    from(permanent, ACCEPTED_PREFIX, (_, accepted) => ({ accepted })),
    from(unscanned, '', (_, upload) => ({ upload })),
    from(unscanned, PARTS_PREFIX, ({ parts }, object) => ({ parts: [...parts, object] })),
    ...(quarantine ? [from(quarantine, '', (_, quarantined) => ({ quarantined }))] : []),
  ];
  const begin = (id: FileId): OwnFile => ({
    id,
    name: RECORDS_PREFIX + id,
    references: [],
    receipts: [],
    parts: [],
  });
  for await (const found of byFile(sources, begin)) {
    const partial = found.parts.find(({ name }) => name === partialName(found.id));
    const said = (found.file ?? partial)?.metadata['owner'];
    if (said === undefined || said === owner) yield found;
  }
}
