import { CANDIDATES_PREFIX } from '../../../shared/files/candidates.ts';
import { parseTime } from '../../../shared/files/fields.ts';
import { RECALLS_PREFIX } from '../../../shared/files/recalls.ts';
import type { Bucket } from '../../../shared/storage/bucket.ts';
import { isKept } from '../../../shared/storage/delete-unless-held.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';
import { allObjects } from '../../../shared/storage/page.ts';

/** The rules of work that is noted to be done. */
export type WorkRule =
  /** Content was found to be malware, and its files were not recalled in time. */
  | 'recallOverdue'
  /** Content that perhaps nobody needs was not decided on in time. */
  | 'candidateOverdue'
  /** An idempotency key stands for nothing any more, and is there. */
  | 'keyOverdue';

interface WorkTerms {
  readonly permanent: Bucket;
  readonly now: Date;
  /** Milliseconds, as the sweeper's settings are. */
  readonly graceMs: number;
  readonly blobGraceMs: number;
}

const IDEMPOTENCY_MS = 86_400_000;

/** Says which work has not been done in time. @throws {StorageError} */
export async function auditWork(
  { permanent, now, graceMs, blobGraceMs }: WorkTerms,
  broken: (rule: WorkRule, name: string) => void,
): Promise<void> {
  const isLate = (since: Date, afterMs = 0) => now.getTime() - since.getTime() >= afterMs + graceMs;
  const isDone = ({ metadata }: StoredObject) => metadata['done'] !== undefined;
  for await (const recall of allObjects(permanent, { prefix: RECALLS_PREFIX })) {
    if (!isDone(recall) && isLate(recall.timeCreated)) broken('recallOverdue', recall.name);
  }
  for await (const candidate of allObjects(permanent, { prefix: CANDIDATES_PREFIX })) {
    const notBefore = parseTime(candidate.metadata['notBefore'] ?? '') ?? candidate.updated;
    if (!isDone(candidate) && isLate(notBefore, blobGraceMs) && isLate(candidate.updated, blobGraceMs))
      broken('candidateOverdue', candidate.name);
  }
  for await (const key of allObjects(permanent, { prefix: 'idempotency/' })) {
    const since = parseTime(key.metadata['claimedAt'] ?? '') ?? key.timeCreated;
    if (isLate(since, IDEMPOTENCY_MS) && !isKept(key, now)) broken('keyOverdue', key.name);
  }
}
