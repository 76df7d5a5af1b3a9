import { createHash } from 'node:crypto';
import { parseTime } from '../../shared/files/fields.ts';
import { type FileId, parseFileId } from '../../shared/files/file-id.ts';
import type { Principal } from '../../shared/identity/principal.ts';
import type { Bucket } from '../../shared/storage/bucket.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import { putMetadata } from '../../shared/storage/put-metadata.ts';

/** The prefix of all keys' names, followed by 64 hex digits. */
const PREFIX = 'idempotency/';

/** Milliseconds after which a key stands for nothing any more, whether the sweeper has collected it or not. */
const LIFETIME_MS = 24 * 60 * 60_000;

/** The file that a key stands for, or will. Only the record of the file tells whether it exists. */
export interface KeyReservation {
  readonly fileId: FileId;
  readonly claimedAt: Date;
}

/** A key as it was read; the next claim requires that it is unchanged. */
export interface VersionedKey {
  readonly object: StoredObject;
  /** Absent where it is too old, or not ours to read: the key may be taken over as if it were new. */
  readonly claim?: KeyReservation;
}

/** An idempotency key with its owner. */
interface OwnedKey {
  readonly owner: Principal;
  readonly key: string;
}

/**
 * Idempotency keys: zero-byte objects `idempotency/<SHA-256 of owner and key>` of the permanent bucket, one only where
 * a client sends a key, which itself is stored nowhere. Under a retention policy such an object may stay for ever, so
 * its age is in its metadata, and one claim replaces another by compare-and-swap.
 * See docs/adr/0010-idempotency-keys.md.
 */
export class IdempotencyKeys {
  readonly #bucket: Bucket;

  constructor(permanent: Bucket) {
    this.#bucket = permanent;
  }

  /** @throws {StorageError} */
  async get(key: OwnedKey, now: Date): Promise<VersionedKey | undefined> {
    const object = await this.#bucket.stat(nameOf(key));
    if (!object) return undefined;
    const fileId = parseFileId(object.metadata['fileId'] ?? '');
    const claimedAt = parseTime(object.metadata['claimedAt'] ?? '');
    if (!fileId || !claimedAt || now.getTime() - claimedAt.getTime() >= LIFETIME_MS) return { object };
    return { object, claim: { fileId, claimedAt } };
  }

  /**
   * Makes a key stand for a file, if the key is unchanged since it was read.
   * @returns whether it does now
   * @throws {StorageError}: it may, or may not
   */
  async claim(key: OwnedKey, current: VersionedKey | undefined, claim: KeyReservation): Promise<boolean> {
    const metadata = { fileId: claim.fileId, claimedAt: claim.claimedAt.toISOString() };
    return (await putMetadata(this.#bucket, nameOf(key), current?.object, metadata)) !== undefined;
  }
}

/** No principal holds a line feed: two pairs never have one name. */
function nameOf({ owner, key }: OwnedKey): string {
  return PREFIX + createHash('sha256').update(`${owner}\n${key}`).digest('hex');
}
