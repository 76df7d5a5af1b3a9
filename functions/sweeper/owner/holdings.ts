import { blobKeys, blobName } from '../../../shared/files/blob-name.ts';
import type { Metadata } from '../../../shared/files/fields.ts';
import { type FileId, ownerTag, parseFileId, tagOf } from '../../../shared/files/file-id.ts';
import { RECEIPTS_PREFIX } from '../../../shared/files/receipts.ts';
import { RECORDS_PREFIX, type RecordObjects } from '../../../shared/files/records.ts';
import { idIn, sharedPrefix } from '../../../shared/files/shared-files.ts';
import { type Principal, principalKey } from '../../../shared/identity/principal.ts';
import { defined } from '../../../shared/runtime/defined.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';
import { allObjects } from '../../../shared/storage/page.ts';
import { digestsOf } from '../digests-of.ts';
import type { RestoreDeps } from '../restore.ts';
import { type Buckets, type OwnFile, ownFiles } from './own-files.ts';

export type BucketRole = keyof Buckets;

/** An object that holds something of a principal, or says something of them. */
export interface Holding {
  readonly kind:
    | 'file'
    | 'verdict'
    | 'reference'
    | 'receipt'
    /** Bytes of one file: while they wait, of a resumable upload, accepted unscanned, or in quarantine. */
    | 'bytes'
    /** Bytes that files of others may have as well. */
    | 'content'
    | 'key'
    /** A file of another owner that the principal may view. */
    | 'grant'
    | 'entry';
  readonly bucket: BucketRole;
  readonly name: string;
  readonly fileId?: FileId;
  /** Bytes. */
  readonly size?: number;
  /** Absent where it is about others too. */
  readonly metadata?: Metadata;
}

export type HoldingsDeps = Buckets & Pick<RestoreDeps, 'records'>;

/** A bearer token of an upload that is under way. */
const SECRET = 'session';

/**
 * Everything in all buckets that is of a principal: their files with all that belongs to them, keys of their uploads, what was shared
 * with them and what they have downloaded. It walks through all records and receipts: nothing leads from a viewer to
 * files for certain. A page of each listing is in memory.
 * @throws {StorageError}
 */
export async function* holdings(
  deps: HoldingsDeps,
  principal: Principal,
): AsyncGenerator<Holding, void, undefined> {
  for await (const own of ownFiles(deps, principal)) yield* ofFile(deps, own, principal);
  for await (const object of ownKeys(deps, principal)) {
    yield { kind: 'key', bucket: 'permanent', name: object.name, metadata: object.metadata };
  }
  for await (const { file } of grantsTo(deps, principal)) {
    yield { kind: 'grant', bucket: 'permanent', name: file.name, ...named(file.name, RECORDS_PREFIX) };
  }
  for await (const { name } of entriesOf(deps, principal)) {
    const id = idIn(name.slice(sharedPrefix(principal).length));
    yield { kind: 'entry', bucket: 'permanent', name, ...defined({ fileId: id }) };
  }
  for await (const { name, metadata } of receiptsBy(deps, principal)) {
    yield { kind: 'receipt', bucket: 'permanent', name, ...named(name, RECEIPTS_PREFIX), metadata };
  }
}

async function* ofFile(
  deps: HoldingsDeps,
  own: OwnFile,
  owner: Principal,
): AsyncGenerator<Holding, void, undefined> {
  const { id, file, verdict } = own;
  const of = (kind: Holding['kind'], bucket: BucketRole, object: StoredObject | undefined) =>
    object ? [{ kind, bucket, name: object.name, fileId: id, ...described(kind, object) }] : [];
  yield* of('file', 'permanent', file);
  yield* of('verdict', 'permanent', verdict);
  for (const reference of own.references) yield* of('reference', 'permanent', reference);
  for (const receipt of own.receipts) {
    // Those of the owner come with all that they have read.
    if (!receipt.name.endsWith(`/${principalKey(owner)}`)) yield* of('receipt', 'permanent', receipt);
  }
  yield* of('bytes', 'permanent', own.accepted);
  yield* of('bytes', 'unscanned', own.upload);
  for (const part of own.parts) yield* of('bytes', 'unscanned', part);
  yield* of('bytes', 'quarantine', own.quarantined);
  for (const sha256 of digestsOf(own)) {
    const names = blobKeys({ owner, sha256 }).map(blobName);
    for (const name of names) yield* of('content', 'permanent', await deps.permanent.stat(name));
    yield* of('content', 'quarantine', await deps.quarantine?.stat(`sha256/${sha256}`));
  }
}

function described(kind: Holding['kind'], { size, metadata }: StoredObject): Partial<Holding> {
  if (kind === 'content') return { size };
  const { [SECRET]: _, ...shown } = metadata;
  return kind === 'bytes' ? { size } : { metadata: shown };
}

/** Keys are named by a digest: the file that one stands for begins with the tag of its owner. @throws {StorageError} */
export async function* ownKeys(
  { permanent, records }: HoldingsDeps,
  owner: Principal,
): AsyncGenerator<StoredObject, void, undefined> {
  for await (const key of allObjects(permanent, { prefix: 'idempotency/' })) {
    const id = parseFileId(key.metadata['fileId'] ?? '');
    if (!id || tagOf(id) !== ownerTag(owner)) continue;
    const file = await permanent.stat(RECORDS_PREFIX + id);
    if (!file || records.parse({ file })?.record.owner === owner) yield key;
  }
}

/** Files of others that a principal may view. @throws {StorageError} */
export async function* grantsTo(
  { records }: HoldingsDeps,
  viewer: Principal,
): AsyncGenerator<RecordObjects, void, undefined> {
  for await (const objects of allObjects(records, { prefix: RECORDS_PREFIX })) {
    if (objects.file.metadata['owner'] !== viewer && isNamedBy(objects.file, viewer)) yield objects;
  }
}

/** Whether a file is shared with a principal; each viewer may have an end behind it. */
export function isNamedBy({ metadata }: StoredObject, viewer: Principal): boolean {
  const { viewers = '' } = metadata;
  return viewers.split(' ').some((each) => each.split(';')[0] === viewer);
}

/** The index of what is shared with a principal. @throws {StorageError} */
export function entriesOf(
  { permanent }: HoldingsDeps,
  viewer: Principal,
): AsyncGenerator<StoredObject, void, undefined> {
  return allObjects(permanent, { prefix: sharedPrefix(viewer) });
}

/** Downloads by a principal, of any file. @throws {StorageError} */
export async function* receiptsBy(
  { permanent }: HoldingsDeps,
  reader: Principal,
): AsyncGenerator<StoredObject, void, undefined> {
  const end = `/${principalKey(reader)}`;
  for await (const receipt of allObjects(permanent, { prefix: RECEIPTS_PREFIX })) {
    if (receipt.name.endsWith(end)) yield receipt;
  }
}

function named(name: string, prefix: string): { readonly fileId?: FileId } {
  const [id = ''] = name.slice(prefix.length).split('/');
  const fileId = parseFileId(id);
  return fileId ? { fileId } : {};
}
