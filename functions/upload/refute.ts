import { removeParts } from '../../shared/files/parts.ts';
import type { Sha256 } from '../../shared/files/record.ts';
import { isTus, type TusRecord } from '../../shared/files/uploading.ts';
import { Problem } from '../../shared/http/problems.ts';
import type { AppendDeps } from './append.ts';

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
    const { upload: _, content: __, ...stored } = current.record;
    const ended = await records.replace(current, { ...stored, state: 'expired' });
    if (ended) await removeParts(unscanned, id);
  }
  const member = (hex: string) => `:${Buffer.from(hex, 'hex').toString('base64')}:`;
  throw new Problem('digest-mismatch', {
    detail: 'The sha-256 of the bytes that arrived is another than the one that was announced.',
    members: { algorithm: 'sha-256', expected: member(upload.sha256), actual: member(sha256) },
  });
}
