import type { Bucket } from './bucket.ts';
import type { StoredObject } from './object.ts';

/**
 * Sets the metadata of an empty object to exactly this. A retry may mistake a concurrent identical write for its own,
 * so include a unique value if that matters.
 * @param over the object as it was read; undefined where there was none, which makes it
 * @returns undefined if the object has changed since it was read: nothing is written
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
