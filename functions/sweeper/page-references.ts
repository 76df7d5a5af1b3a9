import { RECORDS_PREFIX, type RecordObjects } from '../../shared/files/records.ts';
import { isLiveReference, REFERENCES_PREFIX } from '../../shared/files/references.ts';
import type { Bucket } from '../../shared/storage/bucket.ts';
import { deleteUnlessHeld, isKept } from '../../shared/storage/delete-unless-held.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import { allObjects } from '../../shared/storage/page.ts';

/**
 * Which files of a page of records resources refer to. References are listed in the order of the records they are of,
 * so that all records together cost one listing of all references, and memory is a page of each. References that were
 * removed are deleted, where retention allows.
 * @returns the ids of the files
 * @throws {StorageError}
 */
export async function referencesOfPage(
  bucket: Bucket,
  records: readonly RecordObjects[],
  now: Date,
): Promise<ReadonlySet<string>> {
  const ids = records.map(idOf);
  const [first = '', last = first] = [ids[0], ids.at(-1)];
  const live = new Set<string>();
  // The character after the slash that ends an id.
  const range = { startOffset: `${REFERENCES_PREFIX}${first}/`, endOffset: `${REFERENCES_PREFIX}${last}0` };
  for await (const reference of allObjects(bucket, { prefix: REFERENCES_PREFIX, ...range })) {
    if (isLiveReference(reference)) live.add(fileOf(reference));
    else if (!isKept(reference, now)) await deleteUnlessHeld(bucket, reference);
  }
  return live;
}

export function idOf({ name }: RecordObjects): string {
  return name.slice(RECORDS_PREFIX.length);
}

function fileOf({ name }: StoredObject): string {
  const rest = name.slice(REFERENCES_PREFIX.length);
  return rest.slice(0, rest.indexOf('/'));
}
