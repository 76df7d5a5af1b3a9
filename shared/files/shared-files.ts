import { randomUUID } from 'node:crypto';
import { type Principal, principalKey } from '../identity/principal.ts';
import type { Bucket } from '../storage/bucket.ts';
import { deleteUnlessHeld } from '../storage/delete-unless-held.ts';
import type { StoredObject } from '../storage/object.ts';
import { type Page, type PageTerms, pageOf } from '../storage/page.ts';
import { parseTime } from './fields.ts';
import { type FileId, parseFileId, positionOf, TAG_LENGTH, tagOf } from './file-id.ts';

/** The prefix of all entries' names, followed by the SHA-256 of the viewer. */
export const SHARED_PREFIX = 'shared/';

/** Time of a grant whose event is not published yet. */
const GRANTED_AT = 'grantedAt';

/** A file that was shared with a principal at some time; the record of the file tells whether it still is. */
export interface SharedEntry {
  readonly id: FileId;
  readonly object: StoredObject;
}

/**
 * Files by who may see them: zero-byte objects `shared/<SHA-256 of the viewer>/<position and tag of the file>` of the permanent
 * bucket, newest file first. There is one before a record names a viewer, and perhaps one left when it no longer does: the
 * record decides, and the index only finds. docs/adr/0042-shared-with-me.md
 */
export class SharedFiles {
  readonly #bucket: Bucket;

  constructor(permanent: Bucket) {
    this.#bucket = permanent;
  }

  /**
   * Makes sure of an entry, for a record that is about to name the viewer. One that is there becomes another version, so that a
   * revocation that read the one before cannot delete it.
   * @param grantedAt of a grant that is to be announced; absent where another one goes on
   * @returns when the grant was first asked for that is to be announced: of two at once, both get the same
   * @throws {StorageError}
   */
  async ensure(viewer: Principal, id: FileId, grantedAt?: Date): Promise<Date | undefined> {
    const name = sharedName(viewer, id);
    for (;;) {
      const metadata = grantedAt && { [GRANTED_AT]: grantedAt.toISOString() };
      if (await this.#bucket.insertEmpty(name, metadata && { metadata })) return grantedAt;
      const there = await this.#bucket.stat(name);
      if (!there) continue;
      const since = unannouncedSince(there) ?? grantedAt;
      const changes = { ensured: randomUUID(), removed: null, [GRANTED_AT]: since?.toISOString() ?? null };
      if (await this.#bucket.patch(name, there, changes)) return since;
    }
  }

  /** Notes that the event of a grant has been published. @throws {StorageError} */
  async markAnnounced(viewer: Principal, id: FileId, grantedAt: Date): Promise<void> {
    const name = sharedName(viewer, id);
    for (;;) {
      const there = await this.#bucket.stat(name);
      if (!there || unannouncedSince(there)?.getTime() !== grantedAt.getTime()) return;
      if (await this.#bucket.patch(name, there, { [GRANTED_AT]: null })) return;
    }
  }

  /** The entry as it is before a record ceases to name the viewer. @throws {StorageError} */
  find(viewer: Principal, id: FileId): Promise<StoredObject | undefined> {
    return this.#bucket.stat(sharedName(viewer, id));
  }

  /** Removes an entry, if it still is the version that was read: marked, where it may not be deleted. @throws {StorageError} */
  async remove(entry: StoredObject): Promise<void> {
    if ((await deleteUnlessHeld(this.#bucket, entry)) !== 'kept') return;
    await this.#bucket.patch(entry.name, entry, { removed: 'true', [GRANTED_AT]: null });
  }

  /** Entries of a viewer, those of the newest files first. @param terms positions are {@link sharedPosition} @throws {StorageError} */
  page(viewer: Principal, terms: PageTerms): Promise<Page<SharedEntry>> {
    const folder = sharedPrefix(viewer);
    return pageOf({ bucket: this.#bucket, folder, ...terms }, (object) => {
      const id = idIn(object.name.slice(folder.length));
      return id && !isRemoved(object) ? { id, object } : undefined;
    });
  }
}

/** An entry that could not be deleted remains, marked. */
export function isRemoved({ metadata }: StoredObject): boolean {
  return metadata['removed'] !== undefined;
}

/** Time of a grant whose event may not be published yet; undefined if it is. */
export function unannouncedSince({ metadata }: StoredObject): Date | undefined {
  return parseTime(metadata[GRANTED_AT] ?? '');
}

/** The file of an entry, and the digest of the viewer. */
export function parseSharedName(
  name: string,
): { readonly id: FileId; readonly viewerKey: string } | undefined {
  const [viewerKey = '', position = ''] = name.slice(SHARED_PREFIX.length).split('/');
  const id = idIn(position);
  return id && { id, viewerKey };
}

/** The position of a file among those that are shared with a viewer. */
export function sharedPosition(id: FileId): string {
  return positionOf(id) + tagOf(id);
}

/** The id at a position; undefined if the position is invalid. */
export function idIn(position: string): FileId | undefined {
  const at = position.length - TAG_LENGTH;
  return parseFileId(position.slice(at) + position.slice(0, Math.max(0, at)));
}

export function sharedName(viewer: Principal, id: FileId): string {
  return sharedPrefix(viewer) + sharedPosition(id);
}

export function sharedPrefix(viewer: Principal): string {
  return `${SHARED_PREFIX}${principalKey(viewer)}/`;
}
