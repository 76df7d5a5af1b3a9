import { asOf } from '../../../shared/files/ends.ts';
import { parseTime } from '../../../shared/files/fields.ts';
import { isReadable } from '../../../shared/files/readable.ts';
import type { FileRecord, Sha256 } from '../../../shared/files/record.ts';
import { isKept } from '../../../shared/storage/delete-unless-held.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';
import { parsedRecord } from '../parsed-record.ts';
import type { FileObjects } from './gather.ts';

/** The rules that what is stored of one file must keep. */
export type FileRule =
  /** Its metadata does not parse: it grants nothing, and nobody knows what became of it. */
  | 'recordCorrupt'
  /** It may be read, and its content was found to be malware. */
  | 'findingIgnored'
  /** It may be read although it could not be scanned, and its bytes are not there. */
  | 'acceptedMissing'
  /** It may be read although it could not be scanned, and its bytes are others than the record says. */
  | 'acceptedDiffers'
  /** Its bytes wait for a verdict for too long. */
  | 'undecided'
  /** It was accepted, there is no verdict, and its bytes are gone. */
  | 'bytesLost'
  /** Its upload was never completed and did not expire. */
  | 'uploadOverdue'
  /** Nobody was told what became of it. */
  | 'unannounced'
  /** A resource refers to it, and the record does not say so: it might be deleted. */
  | 'referenceUnguarded'
  /** A resource refers to it, and it has an end: it would be deleted then. */
  | 'endUnguarded'
  /** A grant is over and was not swept. */
  | 'grantOverdue'
  | 'tombstoneOverdue'
  /** Objects of a file that needs them no more, or that is not there. */
  | 'verdictLeft'
  | 'acceptedLeft'
  | 'referenceLeft'
  | 'receiptLeft'
  | 'uploadLeft'
  | 'partLeft';

/** Times are milliseconds, as the sweeper's settings are. */
export interface FileTerms {
  readonly now: Date;
  /** The time for which anything may be unfinished beyond its end. */
  readonly graceMs: number;
  readonly abandonedAfterMs: number;
  readonly tombstoneMs: number;
  /** Whether the content was found to be malware, so that nobody may have it. */
  readonly isMalware: (sha256: Sha256) => boolean;
}

/**
 * The rules that what is stored of one file breaks. A listing is older than what is there: a rule counts as broken if it is when
 * looked at again.
 */
export function brokenRules(found: FileObjects, terms: FileTerms): readonly FileRule[] {
  if (!found.file) return leftWithoutFile(found, terms);
  const record = recordOf(found, terms.now);
  if (!record) return ['recordCorrupt'];
  return [...stateRules(found, record, terms), ...leftRules(found, record, terms)];
}

/** The record of a file at a time; undefined where there is none, or it does not parse. */
export function recordOf({ id, file, verdict }: FileObjects, now: Date): FileRecord | undefined {
  const record = file && parsedRecord(id, file.metadata, verdict?.metadata);
  return record && asOf(record, now);
}

function stateRules(found: FileObjects, record: FileRecord, terms: FileTerms): FileRule[] {
  const { upload, accepted } = found;
  const isLate = (at: Date, afterMs = 0): boolean => late(terms, at, afterMs);
  switch (record.state) {
    case 'uploading':
      if (upload) return isLate(upload.timeCreated) ? ['undecided'] : [];
      return isLate(record.upload.expiresAt, terms.abandonedAfterMs) ? ['uploadOverdue'] : [];
    case 'pending':
      if (upload) return isLate(upload.timeCreated) ? ['undecided'] : [];
      return isLate(record.createdAt, terms.abandonedAfterMs) ? ['bytesLost'] : [];
    case 'failed':
      return !record.announced && isLate(record.failedAt) ? ['unannounced'] : [];
    case 'deleted':
      if (!record.announced) return isLate(record.deletedAt) ? ['unannounced'] : [];
      return isLate(record.deletedAt, terms.tombstoneMs) && !isHeld(found, terms) ? ['tombstoneOverdue'] : [];
    case 'expired':
      return isLate(record.createdAt, terms.tombstoneMs) && !isHeld(found, terms) ? ['tombstoneOverdue'] : [];
    case 'infected': {
      const { recalled } = record;
      return recalled && !recalled.announced && isLate(recalled.at) ? ['unannounced'] : [];
    }
    default: {
      if (!isReadable(record)) return [];
      const { sha256, size, crc32c } = record.content;
      const rules: FileRule[] = terms.isMalware(sha256) ? ['findingIgnored'] : [];
      if (record.state === 'clean') {
        const { released } = record;
        if (released && !released.announced && isLate(released.at)) rules.push('unannounced');
        return rules;
      }
      if (!accepted) rules.push('acceptedMissing');
      else if (accepted.size !== size || accepted.crc32c !== crc32c) rules.push('acceptedDiffers');
      return rules;
    }
  }
}

function leftRules(found: FileObjects, record: FileRecord, terms: FileTerms): FileRule[] {
  const { reference, upload, part, accepted } = found;
  const isLate = (object: StoredObject | undefined, afterMs = 0): boolean =>
    object !== undefined && late(terms, object.timeCreated, afterMs);
  const isOver = record.state === 'deleted' || record.state === 'expired';
  const isWaiting = record.state === 'pending' || record.state === 'uploading';
  const rules: FileRule[] = [];
  // A reference to a file with an end is refused: one that is there was never promised to its client.
  if (!isOver && !record.referenced && !record.expiresAt && isLate(reference))
    rules.push('referenceUnguarded');
  if (record.referenced && record.expiresAt) rules.push('endUnguarded');
  if (!isOver && record.viewers.some(({ until }) => until && late(terms, until, 0)))
    rules.push('grantOverdue');
  // The bytes of a file that has failed are kept for a redrive.
  if (!isWaiting && record.state !== 'failed' && isLate(upload)) rules.push('uploadLeft');
  if (record.state !== 'uploading' && isLate(part, terms.abandonedAfterMs)) rules.push('partLeft');
  // A recall leaves them: a release brings the file back from there.
  const isRecalled = record.state === 'infected' && record.recalled?.unscanned === true;
  const needsAccepted = isReadable(record) || isWaiting || isRecalled;
  if (!needsAccepted && accepted && isLate(accepted) && wasAnnounced(record) && !isKept(accepted, terms.now))
    rules.push('acceptedLeft');
  return rules;
}

/** Objects of a deleted file wait for its announcement. */
function wasAnnounced(record: FileRecord): boolean {
  return record.state !== 'deleted' || record.announced === true;
}

function leftWithoutFile(found: FileObjects, terms: FileTerms): FileRule[] {
  const { verdict, accepted, reference, receipt, upload, part, partial } = found;
  const isLate = (object: StoredObject | undefined, afterMs = 0): boolean =>
    object !== undefined && late(terms, object.timeCreated, afterMs) && !isKept(object, terms.now);
  const partialExpires = partial && parseTime(partial.metadata['expiresAt'] ?? '');
  const arePartsLeft = partialExpires
    ? late(terms, partialExpires, terms.abandonedAfterMs)
    : isLate(partial ?? part, terms.abandonedAfterMs);
  return [
    ...(isLate(verdict) ? ['verdictLeft' as const] : []),
    ...(isLate(accepted) ? ['acceptedLeft' as const] : []),
    ...(isLate(reference) ? ['referenceLeft' as const] : []),
    ...(isLate(receipt) ? ['receiptLeft' as const] : []),
    ...(isLate(upload, terms.abandonedAfterMs) ? ['uploadLeft' as const] : []),
    ...(arePartsLeft ? ['partLeft' as const] : []),
  ];
}

function late({ now, graceMs }: FileTerms, since: Date, afterMs: number): boolean {
  return now.getTime() - since.getTime() >= afterMs + graceMs;
}

function isHeld({ file, verdict, accepted, reference, receipt }: FileObjects, { now }: FileTerms): boolean {
  return [file, verdict, accepted, reference, receipt].some(
    (object) => object !== undefined && isKept(object, now),
  );
}
