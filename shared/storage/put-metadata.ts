import type { Bucket } from './bucket.ts';
import type { StoredObject } from './object.ts';

/**
 * Gives an empty object exactly this metadata. A try again may take for its own what somebody else wrote at the same
 * time, unless a value tells the two apart.
 * @param over the object as it was read; undefined where there was none, which makes it
 * @returns undefined where it is not what was read any more: nothing is written
 * @throws {StorageError}
 */
export async function putMetadata(
  bucket: Bucket,
  name: string,
  over: StoredObject | undefined,
  metadata: Readonly<Record<string, string>>,
): Promise<StoredObject | undefined> {
  if (!over) return bucket.insertEmpty(name, { metadata });
  const removed = Object.keys(over.metadata).filter((key) => !(key in metadata));
  const changes = { ...metadata, ...Object.fromEntries(removed.map((key) => [key, null])) };
  return bucket.patch(name, over, changes);
}
