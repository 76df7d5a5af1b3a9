import * as v from 'valibot';
import { cleanSince, isDamaged, lastScannedAt } from '../../../shared/files/blob.ts';
import { digestOf } from '../../../shared/files/blob-name.ts';
import { count, flag, group, optional, text, time } from '../../../shared/files/fields.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';
import { quarantinedDigest } from '../quarantined.ts';
import { Time } from '../routes.ts';

/** The stored contents of a job: those to which all of these apply. */
export interface Criteria {
  /** First hex digits of the SHA-256. */
  readonly prefix?: string | undefined;
  /** When the content was first found clean: at this time or later, and before this time. */
  readonly cleanFrom?: Date | undefined;
  readonly cleanBefore?: Date | undefined;
  /** The version of the signature database that found it clean last. */
  readonly database?: number | undefined;
  /** The contents in quarantine, in place of those that are stored; `database` is then the version that found something. */
  readonly quarantine?: true | undefined;
}

/** A part of an object's name. */
export const JobName = v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9-]{0,62}$/));
const criteria = {
  prefix: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{1,64}$/))),
  cleanFrom: v.optional(Time),
  cleanBefore: v.optional(Time),
  database: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1))),
  quarantine: v.optional(v.literal(true)),
};

/** The order of an operator to scan stored contents again: by some criteria, or `everything`. */
export const RescanOrder = v.pipe(
  v.strictObject({
    ...criteria,
    everything: v.optional(v.literal(true)),
    job: v.optional(JobName),
    dryRun: v.optional(v.boolean(), false),
  }),
  v.check(({ dryRun, job }) => dryRun || job !== undefined),
  v.check(({ quarantine, cleanFrom, cleanBefore }) => !(quarantine && (cleanFrom ?? cleanBefore))),
  v.check(
    ({ everything, job: _, dryRun: __, ...by }) =>
      Object.values(by).some((value) => value !== undefined) !== (everything ?? false),
  ),
);

export const EXPECTED_ORDER =
  '{"job": "lower-case-name", …} with "prefix", "cleanFrom", "cleanBefore" or "database", or with "everything": true; ' +
  '"quarantine": true alone or with "prefix" or "database"; ' +
  '"dryRun": true estimates alone';

/** Criteria as the metadata of an object. */
export const CRITERIA = {
  prefix: optional(text('prefix')),
  cleanFrom: optional(time('cleanFrom')),
  cleanBefore: optional(time('cleanBefore')),
  database: optional(count('database')),
  quarantine: flag('quarantine'),
};

/** Whether two orders are for the same contents. */
export function isSameOrder(one: Criteria, other: Criteria): boolean {
  const written = (of: Criteria) => JSON.stringify(group<Criteria>(CRITERIA).write(of));
  return written(one) === written(other);
}

/**
 * Decides whether a job asks for a scan of a content, by what a listing tells: of one in quarantine, the rest is in its finding.
 * @see picks
 */
export function picksQuarantined(object: StoredObject, { prefix }: Criteria, at: Date): Date | 'other' {
  const sha256 = quarantinedDigest(object);
  return sha256 && (prefix === undefined || sha256.startsWith(prefix)) ? at : 'other';
}

/**
 * Decides whether a job asks for a scan of a blob.
 * @param at the time of the order: a scan that ended since then answers it
 * @returns when it became due; `other` where the criteria do not apply or an operator has to look first, `scanned` where that is done
 */
export function picks(blob: StoredObject, by: Criteria, at: Date): Date | 'other' | 'scanned' {
  const { metadata, name } = blob;
  if (isDamaged(blob) || metadata['signature'] !== undefined) return 'other';
  if (by.prefix !== undefined && !digestOf(name)?.startsWith(by.prefix)) return 'other';
  if (by.database !== undefined && metadata['database'] !== String(by.database)) return 'other';
  const since = cleanSince(blob);
  if ((by.cleanFrom && since < by.cleanFrom) || (by.cleanBefore && since >= by.cleanBefore)) return 'other';
  return lastScannedAt(blob) >= at ? 'scanned' : at;
}
