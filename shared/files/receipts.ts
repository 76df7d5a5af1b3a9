import { type Principal, parsePrincipal, principalKey } from '../identity/principal.ts';
import type { Bucket } from '../storage/bucket.ts';
import type { StoredObject } from '../storage/object.ts';
import { type Page, type PageTerms, pageOf } from '../storage/page.ts';
import { parseTime } from './fields.ts';
import type { FileId } from './file-id.ts';

/** The prefix of all receipts' names, followed by the file id, a slash and a digest of the principal. */
export const RECEIPTS_PREFIX = 'receipts/';

/** Records that a principal has begun to download a file. */
export interface Receipt {
  readonly principal: Principal;
  /** Time of its first download, RFC 3339. */
  readonly at: string;
}

/**
 * Which principals have downloaded a file: zero-byte objects `receipts/<fileId>/<SHA-256 of the principal>` of the permanent
 * bucket. One is written before the first byte leaves, and never again; a collection deletes it with the record of the file.
 * docs/adr/0039-receipts.md
 */
export class Receipts {
  readonly #bucket: Bucket;

  constructor(permanent: Bucket) {
    this.#bucket = permanent;
  }

  /** @returns when the receipt was written, by the clock of Cloud Storage; undefined where there is none. @throws {StorageError} */
  async writtenAt(id: FileId, principal: Principal, signal: AbortSignal): Promise<Date | undefined> {
    return (await this.#bucket.stat(name(id, principal), signal))?.timeCreated;
  }

  /** Once it returns, any listing finds it. The first one stands. @throws {StorageError} */
  async add(id: FileId, { principal, at }: Receipt): Promise<void> {
    await this.#bucket.insertEmpty(name(id, principal), { metadata: { principal, at } });
  }

  /** Receipts in the order of their keys. @param terms positions are {@link principalKey}. @throws {StorageError} */
  page(id: FileId, terms: PageTerms): Promise<Page<Receipt>> {
    return pageOf({ bucket: this.#bucket, folder: receiptsOf(id), ...terms }, receiptIn);
  }
}

export function receiptsOf(id: FileId): string {
  return `${RECEIPTS_PREFIX}${id}/`;
}

function name(id: FileId, principal: Principal): string {
  return receiptsOf(id) + principalKey(principal);
}

/** A receipt with foreign metadata is ignored. */
function receiptIn({ metadata }: StoredObject): Receipt | undefined {
  const { at = '' } = metadata;
  const principal = parsePrincipal(metadata['principal']);
  return principal && parseTime(at) && { principal, at };
}
