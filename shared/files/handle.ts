import { isLive } from '../identity/caller.ts';
import { defined } from '../runtime/defined.ts';
import { type ShownEngine, shownEngine } from '../scanning/engine.ts';
import { fileUrl } from './file-url.ts';
import type { DecidedRecord, FileRecord, UploadingRecord } from './record.ts';

/** The outcome of a scan, in handles and in statements. */
export interface Outcome {
  readonly scannedAt?: string;
  /** The verdict is from an earlier scan of the same content; absent if this file was scanned. */
  readonly reused?: true;
  readonly engine?: ShownEngine;
  /** `windows` where the file was scanned in parts; absent where it was scanned as a whole. */
  readonly coverage?: string;
  /** ClamAV's name for what it found; `infected` alone. */
  readonly signature?: string;
  /** When the file was recalled after it had been clean; only if `infected`. */
  readonly recalledAt?: string;
  /** Why it could not be scanned, or what went wrong; `unscannable` and `failed` alone. */
  readonly reason?: string;
  readonly detail?: string;
  /** Whether it can be downloaded although it could not be scanned; only if `unscannable`. */
  readonly accepted?: boolean;
}

/** A file as JSON, for those who may see it. Times are RFC 3339, sizes bytes. */
export interface Handle extends Outcome {
  readonly id: string;
  readonly state: FileRecord['state'];
  readonly owner: string;
  readonly contentType: string;
  readonly fileName?: string;
  /** The identifier that its uploader gave it. */
  readonly correlationId?: string;
  readonly size?: number;
  readonly sha256?: string;
  readonly createdAt: string;
  /** When the file is deleted; set by its owner. */
  readonly expiresAt?: string;
  /** When the access of the caller ends; for viewers whose grants all have an end. */
  readonly until?: string;
  readonly deletedAt?: string;
  /** An operator released the content; only if `clean`, for its owner and administrators. */
  readonly released?: { readonly by: string; readonly reason: string; readonly at: string };
  /** Number of viewers; only for the owner and administrators. */
  readonly viewerCount?: number;
  /**
   * Only if `uploading`. `offset` is only in responses to tus requests; a direct session knows its own offset.
   */
  readonly upload?: { readonly offset?: number; readonly length?: number; readonly expiresAt: string };
  /** The outcome, if already certain; only in the response to the upload. */
  readonly expected?: { readonly state: 'unscannable'; readonly reason: 'tooLarge' };
  readonly links: { readonly self: string; readonly status: string };
}

interface HandleTerms {
  readonly forOwner?: boolean;
  readonly offset?: number | undefined;
  readonly until?: Date | undefined;
  readonly now?: Date;
}

/**
 * @param filesUrl where clients reach the files function; without it the links are relative
 * @param about `forOwner` tells what viewers should not learn of one another, to owner and administrators; `offset`
 *   is how many bytes of an upload are there, where that is known; `until` is when the caller ceases to see the file
 */
export function toHandle(
  record: FileRecord,
  filesUrl: string | undefined,
  { forOwner = false, offset, until, now = new Date() }: HandleTerms = {},
): Handle {
  const { content } = record;
  const self = fileUrl(filesUrl, record.id);
  return {
    id: record.id,
    state: record.state,
    owner: record.owner,
    contentType: record.contentType,
    ...defined({
      fileName: record.fileName,
      correlationId: record.correlationId,
      size: content?.size,
      sha256: content?.sha256,
    }),
    createdAt: record.createdAt.toISOString(),
    ...defined({ expiresAt: record.expiresAt?.toISOString(), until: until?.toISOString() }),
    ...outcome(record, offset),
    ...(forOwner && {
      viewerCount: record.viewers.filter((viewer) => isLive(viewer, now)).length,
      ...released(record),
    }),
    links: { self, status: `${self}/status` },
  };
}

function outcome(record: FileRecord, offset: number | undefined): Partial<Handle> {
  switch (record.state) {
    case 'uploading':
      return { upload: progress(record.upload, offset) };
    case 'pending':
    case 'expired':
      return {};
    case 'deleted':
      return { deletedAt: record.deletedAt.toISOString() };
    case 'failed':
      return { reason: record.failure };
    default:
      return outcomeOf(record);
  }
}

/** Members that say what a scan came to, and nothing of whose the file is. */
export function outcomeOf(record: DecidedRecord): Outcome {
  const { scannedAt, reusedAt, engine, coverage } = record.scan;
  return {
    scannedAt: scannedAt.toISOString(),
    ...(reusedAt && { reused: true }),
    ...defined({ engine: engine && shownEngine(engine), coverage }),
    ...(record.state === 'infected' && {
      signature: record.signature,
      ...defined({ recalledAt: record.recalled?.at.toISOString() }),
    }),
    ...(record.state === 'unscannable' && {
      reason: record.reason,
      accepted: record.accepted,
      ...defined({ detail: record.detail }),
    }),
  };
}

function released(record: FileRecord): Pick<Handle, 'released'> {
  if (record.state !== 'clean' || !record.released) return {};
  const { by, reason, at } = record.released;
  return { released: { by, reason, at: at.toISOString() } };
}

function progress(
  { length, expiresAt }: UploadingRecord['upload'],
  offset: number | undefined,
): NonNullable<Handle['upload']> {
  return { ...defined({ offset, length }), expiresAt: expiresAt.toISOString() };
}
