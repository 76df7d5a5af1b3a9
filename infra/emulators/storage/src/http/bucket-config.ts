import { invalid } from '../api-error.ts';
import { isRecord, type JsonRecord } from '../json-body.ts';
import { parseLifecycle } from '../state/lifecycle.ts';
import { isNothing, unsupportedField } from './object-fields.ts';

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
  'owner',
  'satisfiesPZI',
  'satisfiesPZS',
]);

/** Kept and answered; where and how bytes are stored makes no difference here. */
const WITHOUT_EFFECT = new Set(['labels', 'location', 'locationType', 'storageClass']);

/** Features that are off here: what says so is accepted, and anything else is refused. */
const OFF: Readonly<Record<string, (value: unknown) => boolean>> = {
  autoclass: flagIs('enabled', false),
  billing: flagIs('requesterPays', false),
  defaultEventBasedHold: (value) => value === false,
  hierarchicalNamespace: flagIs('enabled', false),
  iamConfiguration: (value) =>
    isRecord(value) && flagIs('enabled', true)(value['uniformBucketLevelAccess'] ?? { enabled: true }),
  softDeletePolicy: (value) => isRecord(value) && Number(value['retentionDurationSeconds']) === 0,
  versioning: flagIs('enabled', false),
};

function flagIs(flag: string, expected: boolean): (value: unknown) => boolean {
  return (value) => isRecord(value) && (value[flag] ?? false) === expected;
}

/**
 * Applies a bucket resource as PATCH does (RFC 7396), without its read-only fields.
 * Source: https://cloud.google.com/storage/docs/json_api/v1/buckets#resource
 * @throws ApiError 400, also for a setting that would be kept and not enforced
 */
export function mergeBucketConfig(current: JsonRecord, change: JsonRecord, now: number): JsonRecord {
  const settable = Object.fromEntries(Object.entries(change).filter(([key]) => !READ_ONLY.has(key)));
  for (const [name, value] of Object.entries(settable)) {
    if (WITHOUT_EFFECT.has(name) || name === 'retentionPolicy' || isNothing(value)) continue;
    if (name === 'lifecycle' && parseLifecycle(value)) continue;
    if (OFF[name]?.(value) !== true) throw unsupportedField(name, true);
  }
  const next = mergePatch(current, settable);
  const { retentionPolicy } = next;
  if (isRecord(retentionPolicy)) {
    const seconds = Number(retentionPolicy['retentionPeriod']);
    if (!Number.isSafeInteger(seconds) || seconds <= 0) {
      throw invalid('Invalid value for: retentionPolicy.retentionPeriod');
    }
    if (retentionPolicy['isLocked'] === true) throw unsupportedField('retentionPolicy.isLocked', true);
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
