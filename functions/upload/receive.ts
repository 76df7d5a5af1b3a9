import { newFileId } from '../../shared/files/fileId.ts';
import { type PendingRecord, parseSha256 } from '../../shared/files/record.ts';
import type { Records, Versioned } from '../../shared/files/records.ts';
import type { Principal } from '../../shared/identity/principal.ts';
import type { Bucket } from '../../shared/storage/bucket.ts';
import type { StagedUpload } from '../../shared/storage/stage.ts';

export interface Receiver {
  readonly unscanned: Bucket;
  readonly records: Records;
  readonly now: () => Date;
}

export interface Upload {
  readonly owner: Principal;
  readonly contentType: string;
  readonly fileName: string | undefined;
  /** Throws where it is cut short. */
  readonly bytes: AsyncIterable<Uint8Array>;
}

/**
 * Takes a file in: its bytes to the unscanned bucket, its record just before they become an object, so that
 * no event finds a file without a record. Cut short, it leaves nothing; a crash leaves at most a record that
 * nobody was told of, which the sweeper expires.
 * @throws what `bytes` throws, or {StorageError}: the client has to send it again
 */
export async function receive(receiver: Receiver, upload: Upload): Promise<PendingRecord> {
  const createdAt = receiver.now();
  const id = newFileId(upload.owner, createdAt);
  // The type that the client declared is the record's: nothing in the unscanned bucket is ever served.
  const staged = await receiver.unscanned.stage(id, upload.bytes, {
    contentType: 'application/octet-stream',
  });
  const read = await record(receiver, upload, staged, { id, createdAt });
  try {
    await staged.commit();
  } catch (error) {
    await abandon(receiver, read, staged);
    throw error;
  }
  return read.record;
}

async function record(
  receiver: Receiver,
  upload: Upload,
  staged: StagedUpload,
  file: Pick<PendingRecord, 'id' | 'createdAt'>,
): Promise<Versioned<PendingRecord>> {
  const { size, crc32c } = staged;
  const sha256 = parseSha256(staged.sha256);
  if (!sha256) throw new Error('a digest that is none');
  try {
    return await receiver.records.insert({
      ...file,
      state: 'pending',
      owner: upload.owner,
      viewers: [],
      contentType: upload.contentType,
      ...(upload.fileName !== undefined && { fileName: upload.fileName }),
      content: { size, sha256, crc32c },
    });
  } catch (error) {
    await staged.discard();
    throw error;
  }
}

/**
 * The client is told that its upload failed. The object may have become final all the same, where only the
 * answer was lost: the scanner drops the bytes of an expired record.
 */
async function abandon(
  receiver: Receiver,
  read: Versioned<PendingRecord>,
  staged: StagedUpload,
): Promise<void> {
  const expired = { ...read.record, state: 'expired' } as const;
  await Promise.allSettled([receiver.records.replace(read, expired), staged.discard()]);
}
