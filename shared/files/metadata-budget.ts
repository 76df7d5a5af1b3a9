import type { Metadata } from './fields.ts';

/** Keys and values together, in bytes of UTF-8: https://cloud.google.com/storage/quotas#objects */
const MAX_METADATA_BYTES = 8 * 1024;

/**
 * Bytes that are kept for what is still to be written to `files/<id>`: that it is deleted and that this was published
 * (50), the digests of its content (110), whether and since when nothing refers to it (60), its end and that it is near (60).
 * A file without room for that could not be deleted. A test holds this number.
 */
const RESERVED_BYTES = 512;

/** Bytes reserved for viewers of a new file, so that long upload metadata does not prevent sharing. */
const VIEWERS_BYTES = 1024;

/** Whether `files/<id>` leaves room for everything that may still be added. */
export function fitsMetadata(file: Metadata): boolean {
  return bytesOf(file) + RESERVED_BYTES <= MAX_METADATA_BYTES;
}

/** The same for a new file, including room for its first viewers. */
export function fitsNewMetadata(file: Metadata): boolean {
  return bytesOf(file) + RESERVED_BYTES + VIEWERS_BYTES <= MAX_METADATA_BYTES;
}

function bytesOf(file: Metadata): number {
  return Object.entries(file)
    .flat()
    .reduce((sum, text) => sum + Buffer.byteLength(text), 0);
}
