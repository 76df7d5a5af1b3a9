import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseFileId } from '../../../shared/files/file-id.ts';
import { isReadable } from '../../../shared/files/readable.ts';
import { Problem } from '../../../shared/http/problems.ts';
import { sendHead } from '../../../shared/http/respond.ts';
import type { RequestContext } from '../../../shared/http/service.ts';
import type { Principal } from '../../../shared/identity/principal.ts';
import type { BorrowedBytes } from '../../../shared/runtime/memory.ts';
import { storedContent } from '../recovery/stored-content.ts';
import type { RestoreDeps } from '../restore.ts';

/**
 * Answers with the bytes of one file of an owner, if a download would have them: what was not found clean is handed to nobody. There is no
 * receipt, since an operator is no principal: the log line says who has them.
 * @throws {Problem} 404 where there is no such file of that owner, or nobody may have its bytes; {StorageError}
 */
export async function sendContent(
  { records, blobs, findings }: Pick<RestoreDeps, 'records' | 'blobs' | 'findings'>,
  { response, signal, audit, log }: RequestContext,
  { owner, file, by }: { readonly owner: Principal; readonly file: string; readonly by: string },
): Promise<void> {
  const id = parseFileId(file);
  const record = id && (await records.get(id, signal))?.record;
  if (!record || record.owner !== owner || !isReadable(record)) throw new Problem('not-found');
  const object = await storedContent(blobs, record, { use: false, signal });
  if (!object || (await findings.get(record.content.sha256, signal))) throw new Problem('not-found');
  const { size, sha256 } = record.content;
  const bytes = await blobs.read(object, { start: 0, end: size - 1 }, signal);
  if (!bytes) throw new Problem('not-found');
  log.warn({ fileId: id, by }, 'content exported for its owner');
  audit.bytes = size;
  sendHead(response, 200, {
    'content-type': 'application/octet-stream',
    'content-length': String(size),
    // The client compares it with what has arrived.
    'repr-digest': `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`,
  });
  await pipeline(Readable.from(copied(bytes)), response);
}

/** Copies each piece, since a stream requests the next one early. */
async function* copied(bytes: AsyncIterable<BorrowedBytes>): AsyncGenerator<Buffer, void, undefined> {
  for await (const piece of bytes) yield Buffer.from(piece);
}
