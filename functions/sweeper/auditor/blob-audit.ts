import { blobKeys, blobName, type DeduplicationScope, keyOf } from '../../../shared/files/blob-name.ts';
import { candidateName } from '../../../shared/files/candidates.ts';
import type { FileRecord } from '../../../shared/files/record.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';
import { ID_RANGES } from '../by-file.ts';
import { walkRanges } from '../ranges.ts';
import { recordOf } from './file-rules.ts';
import {
  type Audited,
  type Buckets,
  type FileObjects,
  gatherOne,
  gatherRecords,
  type Portion,
} from './gather.ts';
import { type BlobRule, StoredBlobs } from './stored-blobs.ts';

/** States in which a file does not rely on a blob, and does not come to without looking for it again. */
const WITHOUT_BLOB: ReadonlySet<string> = new Set(['unscannable', 'failed', 'expired']);

/** Times are milliseconds. */
export interface BlobTerms extends Buckets {
  readonly scope: DeduplicationScope;
  /** Blobs in memory at a time. */
  readonly portion: number;
  readonly graceMs: number;
  /** The time after its last use in which no collection deletes a blob. */
  readonly blobGraceMs: number;
}

/**
 * Holds one portion of the blobs against all records: a clean file has its content, and a content has its file.
 * @returns undefined where it was stopped, and has to begin again
 * @throws {StorageError}
 */
export async function auditBlobs(
  deps: BlobTerms,
  { from, now, stop, broken }: Portion<BlobRule>,
): Promise<Audited | undefined> {
  const { permanent, scope, portion: most } = deps;
  const stored = await StoredBlobs.list(permanent, { from, most, scope, now }, broken);
  const late = new Date(now.getTime() - deps.graceMs);
  const stopped = await walkRanges(ID_RANGES, {}, stop, async (ids, isOver) => {
    for await (const found of gatherRecords(deps, ids)) {
      if (isOver()) return { from: found.id };
      if (isSuspect(found, stored, { now, late })) await confirm(deps, found, { now, broken });
    }
    return undefined;
  });
  if (stopped) return undefined;
  const unusedSince = new Date(late.getTime() - deps.blobGraceMs);
  for (const name of stored.unused(unusedSince)) {
    if (await isForgotten(deps, name, late)) broken('blobUnused', name);
  }
  return { blobs: stored.size, next: stored.next };
}

/** Notes what a file uses. @returns whether it seems to have no content, or another */
function isSuspect(
  found: FileObjects,
  stored: StoredBlobs,
  { now, late }: { readonly now: Date; readonly late: Date },
): boolean {
  const record = recordOf(found, now);
  const isSettled = [found.file, found.verdict].every((object) => !object || object.updated < late);
  // A record that does not parse uses what it names.
  if (!record || !isSettled || needsContent(record)) stored.use(found);
  return record?.state === 'clean' && stored.suspects(record);
}

/** Whether a file relies on its content, or has still to let go of it. */
function needsContent(record: FileRecord): boolean {
  if (record.state === 'deleted') return !record.announced;
  if (record.state === 'infected') return record.recalled !== undefined && !record.recalled.announced;
  return !WITHOUT_BLOB.has(record.state);
}

/** Looks again, at what is there now. */
async function confirm(
  deps: BlobTerms,
  { id }: FileObjects,
  { now, broken }: Pick<Portion<BlobRule>, 'now' | 'broken'>,
): Promise<void> {
  const record = recordOf(await gatherOne(deps, id), now);
  if (record?.state !== 'clean') return;
  const { owner, content } = record;
  let object: StoredObject | undefined;
  for (const key of blobKeys({ owner, sha256: content.sha256 }, deps.scope)) {
    object ??= await deps.permanent.stat(blobName(key));
  }
  if (!object) broken('blobMissing', id);
  else if (object.size !== content.size || object.crc32c !== content.crc32c) broken('blobDiffers', id);
}

/** Whether a blob that no file uses is there, and no collection is about to look at it. */
async function isForgotten(
  { permanent, blobGraceMs }: BlobTerms,
  name: string,
  late: Date,
): Promise<boolean> {
  const candidate = await permanent.stat(candidateName(keyOf(name)));
  const isWaiting =
    candidate &&
    (candidate.metadata['done'] !== undefined || candidate.updated.getTime() > late.getTime() - blobGraceMs);
  return !isWaiting && (await permanent.stat(name)) !== undefined;
}
