import type { EngineVersion } from '../scanning/engine.ts';
import type { StoredObject } from '../storage/object.ts';
import { parseTime } from './fields.ts';
import type { Coverage } from './record.ts';
import { scanned } from './record-fields.ts';

/** A content that was found clean, and the scan that said so. */
export interface Blob {
  readonly object: StoredObject;
  /** When the latest scan of exactly these bytes found them clean. */
  readonly scannedAt: Date;
  readonly engine: EngineVersion;
  /** Absent where it was scanned as a whole. */
  readonly coverage?: Coverage;
}

/** Marked by an operator, or before findings were separate objects (docs/adr/0027): cannot be downloaded. */
export interface CondemnedBlob {
  readonly object: StoredObject;
  readonly signature: string;
}

/** When a file last started to use the blob, to within an hour: docs/adr/0009. */
export function usedAt({ metadata, timeCreated }: StoredObject): Date {
  return parseTime(metadata['usedAt'] ?? '') ?? timeCreated;
}

/** When a content was first found clean. */
export function cleanSince({ metadata, timeCreated }: StoredObject): Date {
  return parseTime(metadata['cleanSince'] ?? '') ?? timeCreated;
}

/** When the last scan of a content ended, whatever its result. */
export function lastScannedAt(object: StoredObject): Date {
  const { scannedAt = '', rescannedAt = '' } = object.metadata;
  const clean = parseTime(scannedAt) ?? cleanSince(object);
  const ended = parseTime(rescannedAt);
  return ended && ended > clean ? ended : clean;
}

/** A re-scan found that the bytes do not match the digest; not investigated yet. */
export function isDamaged({ metadata }: StoredObject): boolean {
  return metadata['damagedAt'] !== undefined;
}

/** The object under this digest in the permanent bucket was not created by a scan, so it is never served. */
export class BlobMismatch extends Error {
  override readonly name = 'BlobMismatch';
}

/** @throws {BlobMismatch} */
export function parseBlob(object: StoredObject): Blob | CondemnedBlob {
  const { signature } = object.metadata;
  if (signature !== undefined) return { object, signature };
  const mismatch = (): never => {
    throw new BlobMismatch(`${object.name} was not promoted by a scan`);
  };
  if (isDamaged(object)) throw new BlobMismatch(`the bytes of ${object.name} do not have its digest`);
  const { engine = mismatch(), ...scan } = scanned.read(object.metadata, mismatch) ?? mismatch();
  return { object, ...scan, engine };
}
