import { ApiError } from '../api-error.ts';
import { isRecord } from '../json-body.ts';
import type { StoredBucket, StoredObject } from './stored-object.ts';

/** Milliseconds since 1970 until which the bucket's policy keeps an object; undefined where nothing does. */
export function retentionExpiration(bucket: StoredBucket, object: StoredObject): number | undefined {
  const policy = bucket.config['retentionPolicy'];
  if (!isRecord(policy) || object.settable.eventBasedHold === true) return undefined;
  const seconds = Number(policy['retentionPeriod']);
  return seconds > 0 ? (object.holdReleased ?? object.timeCreated) + seconds * 1000 : undefined;
}

/**
 * Holds and the retention policy forbid deletion and overwriting; metadata stays editable: https://cloud.google.com/storage/docs/bucket-lock.
 * @throws ApiError 403
 */
export function checkReplaceable(bucket: StoredBucket, object: StoredObject, now: number): void {
  const id = `${object.bucket}/${object.name}`;
  for (const hold of ['temporaryHold', 'eventBasedHold'] as const) {
    if (object.settable[hold] !== true) continue;
    const kind = hold === 'temporaryHold' ? 'Temporary' : 'Event-Based';
    throw new ApiError(
      403,
      'objectUnderActiveHold',
      `Object '${id}' is under active ${kind} hold and cannot be deleted, overwritten or archived until hold is removed.`,
    );
  }
  const expires = retentionExpiration(bucket, object);
  if (expires !== undefined && now < expires) {
    throw new ApiError(
      403,
      'retentionPolicyNotMet',
      `Object '${id}' is subject to bucket's retention policy or object retention and cannot be deleted or overwritten until ${new Date(expires).toISOString()}`,
    );
  }
}

/** Whether a hold or the retention policy forbids deletion. */
export function isKept(bucket: StoredBucket, object: StoredObject, now: number): boolean {
  try {
    checkReplaceable(bucket, object, now);
    return false;
  } catch (error) {
    if (error instanceof ApiError) return true;
    throw error;
  }
}
