import type { FileRecord } from '../../shared/files/record.ts';
import { requireReadable } from '../../shared/http/outcome.ts';
import { Problem } from '../../shared/http/problems.ts';
import type { Digests } from '../../shared/storage/tally.ts';
import type { Upload } from './create-file.ts';

/**
 * Compares the parts of a head that must not change under its key. Another end is no other upload: the owner may have
 * moved it since, and the handle tells it.
 * @throws {Problem} `idempotency-key-reused` where the head of an upload tells that it is not the one of `record`;
 *   `file-deleted` where that file is over, and its record does not tell any more
 */
export function requireSameOffer(record: FileRecord, upload: Upload): void {
  if (record.state === 'deleted') requireReadable(record);
  const { contentType, fileName, callbackUrl, correlationId, declaredBytes } = upload;
  if (record.contentType !== contentType) throw reused('another Content-Type');
  if (record.fileName !== fileName) throw reused('another file name');
  if (record.callbackUrl !== callbackUrl) throw reused('another callback URL');
  if (record.correlationId !== correlationId) throw reused('another Correlation-Id');
  if (declaredBytes !== undefined && record.content?.size !== declaredBytes) throw reused('another length');
}

/** @throws {Problem} `idempotency-key-reused` where the bytes that went by are not those of `record` */
export function requireSameBytes(record: FileRecord, { size, sha256 }: Digests): void {
  if (record.content?.size === size && record.content.sha256 === sha256) return;
  throw reused('other bytes');
}

function reused(what: string): Problem {
  return new Problem('idempotency-key-reused', {
    detail: `An earlier upload with this key had ${what}. Use a new key for another upload.`,
  });
}
