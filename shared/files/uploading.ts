import { defined } from '../runtime/defined.ts';
import type { StoredObject } from '../storage/object.ts';
import {
  type DeclaredDigests,
  type DirectUpload,
  type FileRecord,
  parseSha256,
  type TusUpload,
  type UploadingRecord,
} from './record.ts';

/** Cloud Storage's largest object, bytes: https://cloud.google.com/storage/quotas#objects */
export const MAX_OBJECT_BYTES = 5 * 2 ** 40;

export type TusRecord = UploadingRecord & { readonly upload: TusUpload };
export type DirectRecord = UploadingRecord & { readonly upload: DirectUpload };

export function isTus(record: FileRecord): record is TusRecord {
  return record.state === 'uploading' && record.upload.kind === 'tus';
}

/** Bytes that are to become a part of a file: its record is among its parts, and it is no file (docs/adr/0015). */
export function isPartial({ upload }: TusRecord): boolean {
  return upload.concat === 'partial';
}

/**
 * The record of a file whose object is final: it waits for its scan. Nobody writes that down before the scanner
 * does, so a record that says `uploading` may be about such a file.
 */
export function asPending(record: FileRecord, object: StoredObject): Exclude<FileRecord, UploadingRecord> {
  if (record.state !== 'uploading') return record;
  const { upload, content: _, ...stored } = record;
  if (upload.kind === 'direct') return { ...stored, state: 'pending', claims: declaredDigestsOf(upload) };
  const { size, crc32c, metadata } = object;
  // Only objects of tus are made by us with a digest that we computed. The client of a direct session claims one.
  const sha256 = parseSha256(metadata['sha256'] ?? '');
  const known = sha256
    ? { content: { size, sha256, crc32c } }
    : { claims: defined({ size, sha256: upload.sha256 }) };
  return { ...stored, state: 'pending', ...known };
}

/** The size and digest that the client of a direct session declared. */
export function declaredDigestsOf({ length, sha256 }: DirectUpload): DeclaredDigests {
  return { size: length, ...defined({ sha256 }) };
}
