import type { Bucket } from './bucket.ts';
import { StorageError } from './error.ts';
import type { StoredObject } from './object.ts';

const KEPT: ReadonlySet<string> = new Set(['retentionPolicyNotMet', 'objectUnderActiveHold']);

/**
 * Whether a retention policy or a hold forbids deletion, by the metadata as read. The metadata itself can be changed.
 */
export function isKept({ retentionExpirationTime, held }: StoredObject, now: Date): boolean {
  return held === true || (retentionExpirationTime !== undefined && retentionExpirationTime > now);
}

/**
 * Deletes the object as it was read, unless a retention policy or a hold keeps it: Cloud Storage refuses that with 403,
 * which is a result here, not an error. https://cloud.google.com/storage/docs/bucket-lock
 * @returns 'deleted' also if it did not exist; 'changed' if its metadata has changed
 * @throws {StorageError}
 */
export async function deleteUnlessHeld(
  bucket: Bucket,
  object: Pick<StoredObject, 'name' | 'generation' | 'metageneration'> &
    Partial<Pick<StoredObject, 'updated'>>,
): Promise<'deleted' | 'kept' | 'changed'> {
  try {
    return (await bucket.delete(object.name, object)) ? 'deleted' : 'changed';
  } catch (error) {
    if (error instanceof StorageError && error.status === 403 && KEPT.has(error.reason)) return 'kept';
    throw error;
  }
}
