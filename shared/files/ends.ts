import { defined } from '../runtime/defined.ts';
import type { DeletedRecord, FileRecord } from './record.ts';

/** How long before the end of a file its event is published, in milliseconds. */
const NOTICE_MS = 86_400_000;
/** An end further in the future is assumed to be a mistake. */
const MAX_YEARS_AHEAD = 100;

/** RFC 3339 section 5.6: a time without a zone is none. */
const RFC_3339 =
  /^(\d{4}-\d\d-\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-][0-2]\d:[0-5]\d)$/i;

/** @returns undefined if it is not an RFC 3339 time, or its day does not exist */
export function parseInstant(text: string): Date | undefined {
  const [, date = ''] = RFC_3339.exec(text) ?? [];
  // Date reads 30 February as 2 March.
  const day = new Date(`${date}T00:00:00Z`);
  if (Number.isNaN(day.getTime()) || !day.toISOString().startsWith(date)) return undefined;
  const instant = new Date(text.toUpperCase());
  return Number.isNaN(instant.getTime()) ? undefined : instant;
}

/** Whether this is an allowed end for a grant or a file. */
export function isPossibleEnd(end: Date, now: Date): boolean {
  const latest = new Date(now);
  latest.setUTCFullYear(now.getUTCFullYear() + MAX_YEARS_AHEAD);
  return now < end && end <= latest;
}

/** The record at a given time: a file that has reached its end is deleted. */
export function asOf(record: FileRecord, now: Date): FileRecord {
  const { expiresAt, state } = record;
  if (!expiresAt || now < expiresAt || state === 'deleted' || state === 'expired') return record;
  return toDeleted(record, expiresAt);
}

/** Whether a file is deleted because it reached its end. */
export function hasExpired({ expiresAt, deletedAt }: DeletedRecord): boolean {
  return expiresAt !== undefined && expiresAt <= deletedAt;
}

/** When the event is due that the file will end soon. */
export function noticeOf(end: Date): Date {
  return new Date(end.getTime() - NOTICE_MS);
}

/** Changes or removes the end of a record. @returns the same object if nothing changes */
export function withEnd(record: FileRecord, expiresAt: Date | undefined): FileRecord {
  if (record.expiresAt?.getTime() === expiresAt?.getTime()) return record;
  const { expiresAt: _, expiringAnnounced: __, ...stored } = record;
  return { ...stored, ...defined({ expiresAt }) };
}

/**
 * The record of a file that is taken back: whose it was and who could see it, not what it was called, because a
 * retention policy may keep it for years. Its content stays named, for who releases it.
 */
export function toDeleted(record: FileRecord, deletedAt: Date): DeletedRecord {
  const { id, owner, viewers, createdAt, contentType, content, unreferencedSince } = record;
  const { correlationId, traceparent, callbackUrl, expiresAt } = record;
  return {
    id,
    owner,
    viewers,
    createdAt,
    contentType,
    ...defined({ correlationId, traceparent, content, unreferencedSince, callbackUrl, expiresAt }),
    state: 'deleted',
    deletedAt,
  };
}
