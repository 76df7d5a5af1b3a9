import { createHash } from 'node:crypto';
import type { Principal } from '../identity/principal.ts';
import type { Bucket } from '../storage/bucket.ts';
import { deleteUnlessHeld, isKept } from '../storage/delete-unless-held.ts';
import type { StoredObject } from '../storage/object.ts';
import { allObjects, type Page, type PageTerms, pageOf } from '../storage/page.ts';
import type { FileId } from './file-id.ts';

/** The prefix of all references' names, followed by the file id, a slash and a digest of the URI. */
export const REFERENCES_PREFIX = 'references/';

declare const resourceUri: unique symbol;
/** The URI of a resource that refers to a file, as its owner wrote it; two are the same where all characters are. */
export type ResourceUri = string & { readonly [resourceUri]: true };

/** Bytes; it shares the 8 KiB of an object's metadata with who added it and when. */
const MAX_URI_BYTES = 2_000;
/** RFC 3986 section 3: a scheme, a colon and what may follow it; `urn:uuid:…` as well as `https://…`. */
const URI = /^[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9._~:/?#[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+$/;

export function parseResourceUri(text: string): ResourceUri | undefined {
  return text.length <= MAX_URI_BYTES && URI.test(text) ? (text as ResourceUri) : undefined;
}

/**
 * Which resources refer to a file: zero-byte objects `references/<fileId>/<SHA-256 of the URI>` of the permanent
 * bucket, any number of them. Under a retention policy none can be deleted: that one is removed is metadata then
 * (`removedAt`). docs/adr/0008-ownership-and-references.md says how they and the
 * record agree.
 */
export class References {
  readonly #bucket: Bucket;

  constructor(permanent: Bucket) {
    this.#bucket = permanent;
  }

  /** Once it returns, any listing finds it. Again is fine. @throws {StorageError} */
  async add(id: FileId, uri: ResourceUri, added: { by: Principal; at: Date }): Promise<void> {
    const metadata = { uri, addedBy: added.by, addedAt: added.at.toISOString() };
    for (;;) {
      if (await this.#bucket.insertEmpty(name(id, uri), { metadata })) return;
      const object = await this.#bucket.stat(name(id, uri));
      if (object && isLiveReference(object)) return;
      if (object && (await this.#bucket.patch(object.name, object, { ...metadata, removedAt: null }))) return;
    }
  }

  /**
   * Removes a reference: once this returns, it no longer counts. Takes one write: if a retention policy or a hold
   * forbids its deletion, it is marked as removed, and a later collection deletes it. Succeeds if it does not exist.
   * @throws {StorageError}
   */
  async remove(id: FileId, uri: ResourceUri, at: Date): Promise<void> {
    for (;;) {
      const object = await this.#bucket.stat(name(id, uri));
      if (!object || !isLiveReference(object)) return;
      const released = isKept(object, at) ? 'kept' : await deleteUnlessHeld(this.#bucket, object);
      if (released === 'deleted') return;
      const removed = { removedAt: at.toISOString() };
      if (released === 'kept' && (await this.#bucket.patch(object.name, object, removed))) return;
    }
  }

  /** @returns the number of references to the file, counted up to `most` */
  async count(id: FileId, most: number): Promise<number> {
    let count = 0;
    for await (const reference of allObjects(this.#bucket, { prefix: referencesOf(id) })) {
      if (isLiveReference(reference)) count++;
      if (count >= most) break;
    }
    return count;
  }

  /** The URIs, in the order of their digests. @param terms positions are the SHA-256 of URIs, in lower-case hex */
  page(id: FileId, terms: PageTerms): Promise<Page<string>> {
    return pageOf({ bucket: this.#bucket, folder: referencesOf(id), ...terms }, (object) =>
      isLiveReference(object) ? object.metadata['uri'] : undefined,
    );
  }
}

/** A removed reference remains, marked, if retention forbids its deletion. */
export function isLiveReference(object: Pick<StoredObject, 'metadata'>): boolean {
  return object.metadata['removedAt'] === undefined;
}

export function referencesOf(id: FileId): string {
  return `${REFERENCES_PREFIX}${id}/`;
}

function name(id: FileId, uri: ResourceUri): string {
  return referencesOf(id) + createHash('sha256').update(uri).digest('hex');
}
