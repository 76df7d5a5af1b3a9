import { newFileId } from '../../shared/files/file-id.ts';
import { isDecided, type PendingRecord, parseSha256 } from '../../shared/files/record.ts';
import type { Records, Versioned } from '../../shared/files/records.ts';
import type { BorrowedBytes } from '../../shared/runtime/memory.ts';
import type { Bucket } from '../../shared/storage/bucket.ts';
import { MAX_RACES } from '../../shared/storage/retry-on-conflict.ts';
import type { StagedUpload } from '../../shared/storage/stage.ts';
import type { Digests } from '../../shared/storage/tally.ts';
import type { ValidUpload } from './validate-upload.ts';

export interface CreateFileDeps {
  readonly unscanned: Bucket;
  readonly records: Records;
  readonly now: () => Date;
}

export interface Upload extends ValidUpload {
  /** Size in bytes, if the framing tells. */
  readonly declaredBytes?: number | undefined;
  /** Throws if it is cut short. */
  readonly bytes: AsyncIterable<BorrowedBytes>;
  /** Called after all bytes; throws if they do not match what was declared. */
  readonly verify?: (digests: Digests) => void;
}

/** A file whose bytes are complete and valid, but which does not exist yet. */
export interface StagedFile {
  readonly record: PendingRecord;
  readonly staged: StagedUpload & Digests;
}

/**
 * Takes a file in: its bytes to the unscanned bucket, and once they are good its record, while they become an object.
 * Either may be there first; the file is taken in once both are. Cut short, it leaves nothing; a crash leaves at most
 * one of the two, which nobody was told of. docs/adr/0001
 * @throws what `bytes` and `verify` throw, or {StorageError}: the client must send the file again
 */
export async function createFile(deps: CreateFileDeps, upload: Upload): Promise<PendingRecord> {
  const file = await stageFile(deps, upload);
  const { record, staged } = file;
  const [inserted, committed] = await Promise.allSettled([deps.records.insert(record), staged.commit()]);
  if (inserted.status === 'rejected') {
    if (committed.status === 'rejected') await staged.discard();
    else if (await isRecorded(deps.records, record)) return record;
    throw inserted.reason;
  }
  if (committed.status === 'rejected') await undo(deps, file, inserted.value, committed.reason);
  return record;
}

/**
 * Whether a record is there though no answer said so. Where none is, one that is `expired` lets the scanner drop the bytes;
 * where that cannot be written either, nobody ever finds them, and the sweeper deletes them.
 */
async function isRecorded(records: Records, { content: _, ...record }: PendingRecord): Promise<boolean> {
  const answer = records.insertIfAbsent({ ...record, state: 'expired' });
  return answer.then(
    (written) => written === undefined,
    () => false,
  );
}

/** Stores and verifies the bytes. @throws what `bytes` and `verify` throw, or {StorageError}; nothing is kept */
export async function stageFile(deps: CreateFileDeps, upload: Upload): Promise<StagedFile> {
  const { owner, contentType, fileName, callbackUrl, correlationId, expiresAt, traceparent } = upload;
  const { declaredBytes, bytes, verify } = upload;
  const createdAt = deps.now();
  const id = newFileId(owner, createdAt);
  // The type that the client declared is the record's: nothing in the unscanned bucket is ever served.
  const options = { contentType: 'application/octet-stream', size: declaredBytes };
  // Lets the scanner look up the content before it has the record.
  const staged = await deps.unscanned.stage(id, bytes, options, ({ sha256 }) => ({ sha256 }));
  return unlessFailed({ staged }, async () => {
    verify?.(staged);
    const { size, crc32c } = staged;
    const sha256 = parseSha256(staged.sha256);
    if (!sha256) throw new Error('a digest that is none');
    const content = { size, sha256, crc32c };
    const described = { contentType, fileName, callbackUrl, correlationId, expiresAt, traceparent };
    const record = { id, owner, viewers: [], createdAt, ...described, content };
    return { record: { ...record, state: 'pending' }, staged };
  });
}

/** Makes the object of a record final. @throws {StorageError}: the client is told that its upload failed */
export async function commitFile(
  deps: CreateFileDeps,
  file: StagedFile,
  current: Versioned<PendingRecord>,
): Promise<void> {
  await file.staged.commit().catch((error: unknown) => undo(deps, file, current, error));
}

/**
 * Where no answer says that the object is final, the record decides: either it is made `expired` here, and the scanner
 * drops bytes that are final anyway; or it holds a verdict, so that they were final.
 * @throws `error`, unless they were
 */
async function undo(
  { records }: CreateFileDeps,
  { staged }: StagedFile,
  current: Versioned<PendingRecord>,
  error: unknown,
): Promise<void> {
  const [decided] = await Promise.allSettled([expireUndecided(records, current), staged.discard()]);
  if (decided.status === 'rejected' || !decided.value) throw error;
}

/**
 * Makes a record `expired` for as long as it waits for its scan: a scanner may lease it meanwhile, an owner grant a viewer.
 * @returns whether it holds a verdict
 */
async function expireUndecided(records: Records, written: Versioned<PendingRecord>): Promise<boolean> {
  let current = await records.get(written.record.id);
  // Not retryOnConflict: looks again after the last conflict too, since the verdict may have won it.
  for (let races = 0; current?.record.state === 'pending' && races < MAX_RACES; races++) {
    // Confirmed by a retry that found the object.
    if (written.record.tentative && !current.record.tentative) return true;
    if (await records.replace(current, { ...current.record, state: 'expired' })) return false;
    current = await records.get(written.record.id);
  }
  return current !== undefined && isDecided(current.record);
}

/** Runs a step before the commit, after whose failure the bytes are dropped. */
export async function unlessFailed<T>(
  { staged }: Pick<StagedFile, 'staged'>,
  step: () => Promise<T>,
): Promise<T> {
  try {
    return await step();
  } catch (error) {
    await staged.discard();
    throw error;
  }
}
