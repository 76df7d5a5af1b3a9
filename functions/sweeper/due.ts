import { cleanSince, isDamaged, lastScannedAt } from '../../shared/files/blob.ts';
import type { StoredObject } from '../../shared/storage/object.ts';

const DAY_MS = 86_400_000;

/** When a content is scanned again, counted from when it was first found clean. */
export interface RescanAges {
  /** Days, in any order. */
  readonly afterDays: readonly number[];
  /** Days; undefined: not beyond those. */
  readonly everyDays: number | undefined;
}

/**
 * When a blob is due for its next re-scan, counted from its last scan; may be in the past.
 * @returns undefined if no further re-scan is due, or an operator must look first
 */
export function rescanDueAt(blob: StoredObject, { afterDays, everyDays }: RescanAges): Date | undefined {
  if (isDamaged(blob) || blob.metadata['signature'] !== undefined) return undefined;
  const since = cleanSince(blob).getTime();
  const scanned = lastScannedAt(blob).getTime();
  const times = afterDays.map((days) => since + days * DAY_MS).filter((time) => time > scanned);
  if (everyDays !== undefined) {
    const periods = Math.floor(Math.max(0, scanned - since) / (everyDays * DAY_MS));
    times.push(since + (periods + 1) * everyDays * DAY_MS);
  }
  return times.length > 0 ? new Date(Math.min(...times)) : undefined;
}
