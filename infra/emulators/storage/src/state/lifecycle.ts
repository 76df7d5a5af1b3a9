import { isRecord } from '../json-body.ts';
import type { StoredBucket, StoredObject } from './stored-object.ts';

/** A rule that deletes. Every condition has to hold. */
interface Rule {
  /** Days since the object was made. */
  readonly age?: number;
  /** Days since its custom time; an object without one is never due. */
  readonly daysSinceCustomTime?: number;
  /** One of them begins the name. */
  readonly matchesPrefix?: readonly string[];
}

const CONDITIONS = ['age', 'daysSinceCustomTime', 'matchesPrefix'];
const DAY_MS = 86_400_000;

/**
 * Parses `lifecycle` of a bucket: https://cloud.google.com/storage/docs/lifecycle
 * @returns undefined where a rule does something else than to delete, or has another condition
 */
export function parseLifecycle(value: unknown): readonly Rule[] | undefined {
  if (value === undefined || value === null) return [];
  const rules = isRecord(value) ? (value['rule'] ?? []) : undefined;
  return Array.isArray(rules) && rules.every(isSupported)
    ? rules.map(({ condition }) => condition)
    : undefined;
}

function isSupported(rule: unknown): rule is { readonly condition: Rule } {
  if (!isRecord(rule) || !isRecord(rule['action']) || rule['action']['type'] !== 'Delete') return false;
  const { condition } = rule;
  if (!isRecord(condition) || Object.keys(condition).length === 0) return false;
  const { age, daysSinceCustomTime, matchesPrefix = [] } = condition;
  return (
    Object.keys(condition).every((name) => CONDITIONS.includes(name)) &&
    [age, daysSinceCustomTime].every((days) => days === undefined || Number.isSafeInteger(days)) &&
    Array.isArray(matchesPrefix) &&
    matchesPrefix.every((prefix) => typeof prefix === 'string')
  );
}

/** Whether a rule of the bucket deletes an object. */
export function isDue(bucket: StoredBucket, object: StoredObject, now: number): boolean {
  const rules = parseLifecycle(bucket.config['lifecycle']) ?? [];
  return rules.some(({ age, daysSinceCustomTime, matchesPrefix = [] }) => {
    const customTime = Date.parse(object.settable.customTime ?? '');
    return (
      (age === undefined || now >= object.timeCreated + age * DAY_MS) &&
      (daysSinceCustomTime === undefined || now >= customTime + daysSinceCustomTime * DAY_MS) &&
      (matchesPrefix.length === 0 || matchesPrefix.some((prefix) => object.name.startsWith(prefix)))
    );
  });
}
