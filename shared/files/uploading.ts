import type { StoredObject } from '../storage/object.ts';
import { type Claims, type FileRecord, parseSha256, type Sha256, type UploadingRecord } from './record.ts';

/** Cloud Storage's largest object, bytes: https://cloud.google.com/storage/quotas#objects */
export const MAX_OBJECT_BYTES = 5 * 2 ** 40;

/** A tus upload as it was created. How far it is, its parts say: shared/files/parts.ts. */
export interface TusUpload {
  readonly kind: 'tus';
  /** Bytes of the whole; absent where it was left to be said later. */
  readonly length?: number;
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
 * The record of a file whose object is final: it waits for its scan. Nobody writes that down before the scanner
 * does, so a record that says `uploading` may be about such a file.
 */
export function arrived(record: FileRecord, object: StoredObject): Exclude<FileRecord, UploadingRecord> {
  if (record.state !== 'uploading') return record;
  const { upload, content: _, ...stored } = record;
  if (upload.kind === 'direct') return { ...stored, state: 'pending', claims: claimsOf(upload) };
  const { size, crc32c, metadata } = object;
  // Only objects of tus are made by us with a digest that we computed. The client of a direct session claims one.
  const sha256 = parseSha256(metadata['sha256'] ?? '');
  const known = sha256 ? { content: { size, sha256, crc32c } } : { claims: { size } };
  return { ...stored, state: 'pending', ...known };
}

/** The claims of the client of a direct session about its bytes. */
export function claimsOf({ length, sha256 }: DirectUpload): Claims {
  return { size: length, ...(sha256 && { sha256 }) };
}
