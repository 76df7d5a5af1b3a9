import { invalid } from './api-error.ts';
import { isRecord, type JsonRecord } from './json-body.ts';

const READ_ONLY = new Set([
  'kind',
  'id',
  'selfLink',
  'projectNumber',
  'name',
  'timeCreated',
  'updated',
  'metageneration',
  'generation',
  'etag',
  'acl',
  'defaultObjectAcl',
  'owner',
]);

/**
 * Applies a bucket resource as PATCH does (RFC 7396), without its read-only fields. Kept whatever it says;
 * of it, the retention policy alone is enforced.
 * @throws ApiError 400, also for versioning, which would be promised and not kept
 */
export function mergeBucketConfig(current: JsonRecord, change: JsonRecord, now: number): JsonRecord {
  const settable = Object.fromEntries(Object.entries(change).filter(([key]) => !READ_ONLY.has(key)));
  const next = mergePatch(current, settable);
  const { versioning, retentionPolicy } = next;
  if (isRecord(versioning) && versioning['enabled'] === true) {
    throw invalid('Object versioning is not available in this emulator.');
  }
  if (isRecord(retentionPolicy)) {
    const seconds = Number(retentionPolicy['retentionPeriod']);
    if (!Number.isSafeInteger(seconds) || seconds <= 0) {
      throw invalid('Invalid value for: retentionPolicy.retentionPeriod');
    }
    const effectiveTime = retentionPolicy['effectiveTime'] ?? new Date(now).toISOString();
    next['retentionPolicy'] = { ...retentionPolicy, retentionPeriod: String(seconds), effectiveTime };
  }
  return next;
}

function mergePatch(current: JsonRecord, patch: JsonRecord): JsonRecord {
  const next = new Map(Object.entries(current));
  for (const [key, value] of Object.entries(patch)) {
    const before = next.get(key);
    if (value === null) next.delete(key);
    else if (isRecord(value)) next.set(key, mergePatch(isRecord(before) ? before : {}, value));
    else next.set(key, value);
  }
  return Object.fromEntries(next);
}
