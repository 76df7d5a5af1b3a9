import { parseFileId } from '../../shared/files/fileId.ts';
import type { FileRecord } from '../../shared/files/record.ts';
import type { Records } from '../../shared/files/records.ts';
import { Problem } from '../../shared/http/problems.ts';
import { type Caller, mayView } from '../../shared/identity/caller.ts';

/**
 * The record of a file that the caller may see.
 * @throws {Problem} the same 404 for a file of others, for none, and for what is not even an id
 */
export async function findFile(
  records: Records,
  caller: Caller,
  id: string,
  signal: AbortSignal,
): Promise<FileRecord> {
  const fileId = parseFileId(id);
  const read = fileId && (await records.get(fileId, signal));
  if (!read || !mayView(caller, read.record)) throw new Problem('not-found');
  return read.record;
}
