import type { Metadata } from './fields.ts';

/** Keys and values together, in bytes of UTF-8: https://cloud.google.com/storage/quotas#objects */
const MAX_METADATA_BYTES = 8 * 1024;

/**
 * Bytes that are kept for what is still to be written to `files/<id>`: that it is deleted and that this was published
 * (50), the digests of its content (110), whether and since when nothing refers to it (60), its end and that it is near (60).
 * A file without room for that could not be deleted. A test holds this number.
 */
const RESERVED_BYTES = 512;

/** Bytes for viewers of a file that is new. Without them, long metadata of an upload would keep it from being shared. */
const VIEWERS_BYTES = 1024;

/** Whether all that may still come fits beside what `files/<id>` is to say. */
export function fitsMetadata(file: Metadata): boolean {
  return bytesOf(file) + RESERVED_BYTES <= MAX_METADATA_BYTES;
}

/** The same of a file that is new, and whose first viewers are still to come. */
export function fitsNewMetadata(file: Metadata): boolean {
  return bytesOf(file) + RESERVED_BYTES + VIEWERS_BYTES <= MAX_METADATA_BYTES;
}

function bytesOf(file: Metadata): number {
  return Object.entries(file)
    .flat()
    .reduce((sum, text) => sum + Buffer.byteLength(text), 0);
}
