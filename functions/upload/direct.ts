import { newFileId } from '../../shared/files/fileId.ts';
import type { Sha256 } from '../../shared/files/record.ts';
import type { Records } from '../../shared/files/records.ts';
import type { DirectRecord } from '../../shared/files/uploading.ts';
import type { Bucket } from '../../shared/storage/bucket.ts';
import type { Admitted } from './admit.ts';

export interface Director {
  readonly unscanned: Bucket;
  readonly records: Records;
  /** Milliseconds, at most the week that Cloud Storage gives a session. */
  readonly expiresMs: number;
  readonly now: () => Date;
}

export interface DirectOrder extends Admitted {
  /** Bytes, exactly. */
  readonly size: number;
  /** As the client claims: what arrives must have it, and nothing is concluded from it. */
  readonly sha256: Sha256 | undefined;
  /** Of the web page that will send the bytes. */
  readonly origin: string | undefined;
}

/**
 * Opens a session of Cloud Storage for the client to send the bytes to: their number, their name and the bucket
 * are fixed, the client chooses nothing but the bytes. The record is there before anybody knows the session.
 * docs/adr/0016
 * @throws {StorageError}
 */
export async function openDirect(director: Director, order: DirectOrder): Promise<DirectRecord> {
  const { size: length, sha256, origin, ...admitted } = order;
  const createdAt = director.now();
  const id = newFileId(order.owner, createdAt);
  const opening = { contentType: 'application/octet-stream', size: length, origin };
  const session = await director.unscanned.openSession(id, opening);
  const expiresAt = new Date(createdAt.getTime() + director.expiresMs);
  const upload = { kind: 'direct', length, session, expiresAt, ...(sha256 && { sha256 }) } as const;
  try {
    const record: DirectRecord = { ...admitted, id, createdAt, viewers: [], state: 'uploading', upload };
    await director.records.insert(record);
    return record;
  } catch (error) {
    // Best effort: a session that nobody knows ends by itself, and was never an object.
    await director.unscanned.cancelSession(session).catch(() => undefined);
    throw error;
  }
}
