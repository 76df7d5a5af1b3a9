import type { BlobUse } from '../../shared/files/blobs.ts';
import type { PendingRecord } from '../../shared/files/record.ts';
import { defined } from '../../shared/runtime/defined.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import { retryOnConflict } from '../../shared/storage/retry-on-conflict.ts';
import { coverageOf, type DecideDeps, type Decision, type Undecided } from './decision.ts';
import type { EarlyRead } from './early-reads.ts';
import { foundBefore, known } from './known.ts';

/**
 * Step 4: tries to decide without scanning the bytes. Only side effect: a reused blob is marked as in use.
 * @returns undefined where they must be scanned
 */
export async function decideUnread(
  deps: DecideDeps,
  record: PendingRecord,
  object: StoredObject,
  early: EarlyRead | undefined,
  signal: AbortSignal,
): Promise<Decision | Undecided | undefined> {
  const { content, claims } = record;
  if (claims && claims.size !== object.size) return { failure: 'contentMismatch' };
  if (content && (content.size !== object.size || content.crc32c !== object.crc32c)) {
    return { failure: 'contentMismatch' };
  }
  const earlier = content && (await earlierScan(deps, { ...record, content }, object, early, signal));
  if (earlier) return earlier;
  if (coverageOf(deps, object.size)) return undefined;
  const scan = { generation: object.generation, scannedAt: deps.now() };
  return { verdict: { kind: 'unscannable', reason: 'tooLarge' }, content, scan, promoted: false };
}

/** Only digests computed by this service may be passed: with a digest from a client, it could claim any content. */
async function earlierScan(
  deps: DecideDeps,
  file: BlobUse,
  object: StoredObject,
  early: EarlyRead | undefined,
  signal: AbortSignal,
): Promise<Decision | undefined> {
  const { content } = file;
  const { generation } = object;
  const earlier = await retryOnConflict(async (): Promise<Decision | 'conflict' | undefined> => {
    const { blob, finding } = await (early?.takeKnown(content.sha256) ??
      known(deps.blobs.findShared(file, signal), deps.findings.get(content.sha256, signal)));
    const malware = finding ?? (blob && 'signature' in blob ? blob : undefined);
    if (malware) {
      return { ...foundBefore(malware, generation, deps.now()), content, promoted: false };
    }
    if (!blob || 'signature' in blob) return undefined;
    const same = blob.object.size === content.size && blob.object.crc32c === content.crc32c;
    const age = deps.now().getTime() - blob.scannedAt.getTime();
    if (!same || age > deps.verdictMaxAgeMs) return undefined;
    // A scan in windows is only reused if the file would be scanned in windows now.
    if (blob.coverage && blob.coverage !== coverageOf(deps, content.size)) return undefined;
    const { scannedAt, engine, coverage } = blob;
    const scan = defined({ generation, scannedAt, reusedAt: deps.now(), engine, coverage });
    if (!(await deps.blobs.use(blob))) return 'conflict';
    return { verdict: { kind: 'clean' }, content, scan, promoted: true };
  });
  // A blob that keeps changing: the bytes are scanned.
  return earlier === 'conflict' ? undefined : earlier;
}
