import type { Bucket } from './bucket.ts';
import { StorageError } from './error.ts';
import type { StoredObject } from './object.ts';

const KEPT: ReadonlySet<string> = new Set(['retentionPolicyNotMet', 'objectUnderActiveHold']);

/** A retention policy or a hold forbids its deletion now, by what was read of it. Its metadata can be changed. */
export function isKept({ retentionExpirationTime, held }: StoredObject, now: Date): boolean {
  return held === true || (retentionExpirationTime !== undefined && retentionExpirationTime > now);
}

/**
 * Deletes exactly what was read, unless somebody is bound to keep it: a retention policy or a hold refuses with 403,
 * which is an answer and not an error. https://cloud.google.com/storage/docs/bucket-lock
 * @returns 'deleted' also where it was gone; 'changed' where its metadata moved on
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
