import { removeParts } from '../../shared/files/parts.ts';
import type { Sha256 } from '../../shared/files/record.ts';
import { isTus, type TusRecord } from '../../shared/files/uploading.ts';
import type { AppendDeps } from './append.ts';
import { requireDigest } from './headers/digest-fields.ts';

/**
 * Ends an upload whose bytes are all there and not those that its client announced. In a process that did not see all of
 * them, the scanner finds that out.
 * @throws {Problem} `digest-mismatch`
 */
export async function requireClaimed(
  { records, unscanned }: Pick<AppendDeps, 'records' | 'unscanned'>,
  { id, upload }: TusRecord,
  sha256: Sha256 | undefined,
): Promise<void> {
  if (!upload.sha256 || !sha256 || upload.sha256 === sha256) return;
  const current = await records.get(id);
  if (current && isTus(current.record)) {
    const ended = await records.replace(current, { ...current.record, state: 'expired' });
    if (ended) await removeParts(unscanned, id);
  }
  const claim = { algorithm: 'sha-256', digest: Buffer.from(upload.sha256, 'hex') } as const;
  requireDigest(claim, Buffer.from(sha256, 'hex'));
}
