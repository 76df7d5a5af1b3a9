import type { Metadata } from '../../shared/files/fields.ts';
import type { FileId } from '../../shared/files/file-id.ts';
import { CorruptRecord, fromMetadata } from '../../shared/files/metadata.ts';
import type { FileRecord } from '../../shared/files/record.ts';

/** The record that the metadata of a file and its verdict say; undefined where it does not parse. */
export function parsedRecord(
  id: FileId,
  file: Metadata,
  verdict: Metadata | undefined,
): FileRecord | undefined {
  try {
    return fromMetadata(id, file, verdict);
  } catch (error) {
    if (error instanceof CorruptRecord) return undefined;
    throw error;
  }
}
