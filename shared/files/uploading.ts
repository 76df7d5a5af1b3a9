import type { FileRecord, Sha256, UploadingRecord } from './record.ts';

/** Cloud Storage's largest object, bytes: https://cloud.google.com/storage/quotas#objects */
export const MAX_OBJECT_BYTES = 5 * 2 ** 40;

/** A tus upload: what is acknowledged is exactly what its parts hold. */
export interface TusUpload {
  readonly kind: 'tus';
  /** Bytes of the whole; absent where the client has yet to say. */
  readonly length?: number;
  /** Bytes in `parts`. */
  readonly offset: number;
  /** Names of objects, without the prefix that they share, in the order of their bytes. */
  readonly parts: readonly string[];
  /** The digests of the first `offset` bytes, to go on with: `RunningTallies` in shared/storage/runningTally.ts. */
  readonly running: string;
  /** Upload-Metadata as the client sent it. */
  readonly metadata?: string;
  readonly expiresAt: Date;
}

/** The client sends the bytes to a session of Cloud Storage itself. */
export interface DirectUpload {
  readonly kind: 'direct';
  /** Bytes. */
  readonly length: number;
  /** URI, a bearer token: only to end it. */
  readonly session: string;
  /** As the client claims. */
  readonly sha256?: Sha256;
  readonly expiresAt: Date;
}

export type TusRecord = UploadingRecord & { readonly upload: TusUpload };
export type DirectRecord = UploadingRecord & { readonly upload: DirectUpload };

export function isTus(record: FileRecord): record is TusRecord {
  return record.state === 'uploading' && record.upload.kind === 'tus';
}

/**
 * The record of a file whose object is final, as it then is. The client of a direct session makes the object
 * final by itself, and nobody writes that down: it waits for its scan.
 */
export function arrived(record: FileRecord): FileRecord {
  if (record.state !== 'uploading' || record.upload.kind !== 'direct') return record;
  const { upload, content: _, ...stored } = record;
  const { length: size, sha256 } = upload;
  return { ...stored, state: 'pending', claims: { size, ...(sha256 && { sha256 }) } };
}
