import type { Metadata } from '../../shared/files/fields.ts';

/** Keys and values together, in bytes of UTF-8: https://cloud.google.com/storage/quotas#objects */
const MAX_METADATA_BYTES = 8 * 1024;

/**
 * Bytes that are kept for what is still to be written to `files/<id>`: that it is deleted and that this was published
 * (50), the digests of its content (110), whether and since when nothing refers to it (60). A file without room for
 * that could not be deleted. A test holds this number.
 */
const RESERVED_BYTES = 512;

/** Whether all that may still come fits beside what `files/<id>` is to say. */
export function fitsMetadata(file: Metadata): boolean {
  const bytes = Object.entries(file)
    .flat()
    .reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  return bytes + RESERVED_BYTES <= MAX_METADATA_BYTES;
}
