import { fileMetadata } from './metadata.ts';
import type { FileRecord } from './record.ts';

/** Keys and values together, in bytes of UTF-8 (FACTS, Cloud Storage). */
const MAX_METADATA_BYTES = 8 * 1024;

/**
 * Bytes that are kept for what is still to be written: verdict and engine (300), a signature (1 550), lease and
 * redrives (150), digests of an upload that we did not see (120). A record without room for its verdict would be
 * pending for ever. A test holds this number.
 */
const RESERVED_BYTES = 2_304;

/** Whether all that may still come fits into the record's metadata. */
export function hasRoom(record: FileRecord): boolean {
  const fields = Object.entries(fileMetadata(record)).flat();
  const bytes = fields.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  return bytes + RESERVED_BYTES <= MAX_METADATA_BYTES;
}
