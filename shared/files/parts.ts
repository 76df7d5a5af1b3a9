import type { Bucket } from '../storage/bucket.ts';
import { combineCrc32c, decodeCrc32c } from '../storage/crc32c.ts';
import type { StoredObject } from '../storage/object.ts';
import { allObjects } from '../storage/page.ts';
import { parseCount } from './fields.ts';
import { type FileId, parseFileId } from './file-id.ts';
import type { Sha256, TusUpload } from './record.ts';

/**
 * The common prefix of everything that belongs to an unfinished tus upload, in the unscanned bucket:
 *
 *     parts/<fileId>/<offset of its first byte>         a part
 *     parts/<fileId>/<offset>-<end>                      parts that are composed already, of an upload of many
 *     parts/<fileId>/length                              the length, where it was deferred
 *     parts/<uploadId>/partial, parts/<uploadId>/final   of a partial upload: partial-uploads.ts
 *
 * Each is inserted only if its name is free, so the name is the compare-and-swap. docs/adr/0015
 */
export const PARTS_PREFIX = 'parts/';

/** Maximum number of objects in one compose request: https://cloud.google.com/storage/docs/composite-objects */
const MAX_COMPONENTS = 32;
/** Concurrent compose requests for one upload. */
const AT_ONCE = 8;
/** Digits of an offset: enough for Cloud Storage's largest object, so that names sort by offset. */
const DIGITS = 13;
const UNSERVED = { contentType: 'application/octet-stream' };

type Named = Pick<StoredObject, 'name' | 'generation' | 'updated'>;

/** One of the objects that hold the bytes of an upload. */
interface Part extends Named {
  /** Offset of its first byte in the file. */
  readonly offset: number;
}

/** The contiguous parts from the first byte. A chain only ever grows. */
export interface Chain {
  readonly parts: readonly Part[];
  /** Bytes in `parts`, where the next part begins. */
  readonly end: number;
  /** CRC32C of those bytes. */
  readonly crc32c: number;
  /** The length, if it was declared after the creation. */
  readonly declared?: { readonly length: number; readonly object: Named };
  /** Objects that only a partial upload has. */
  readonly partial?: StoredObject;
  readonly final?: StoredObject;
}

export const NO_PARTS: Chain = { parts: [], end: 0, crc32c: 0 };

/** @param offset of its first byte in the file */
export function partName(id: FileId, offset: number): string {
  return `${PARTS_PREFIX}${id}/${digits(offset)}`;
}

export function lengthName(id: FileId): string {
  return `${PARTS_PREFIX}${id}/length`;
}

/** Name of the object with the owner of a partial upload. */
export function partialName(id: FileId): string {
  return `${PARTS_PREFIX}${id}/partial`;
}

/** Name of the object that marks a partial upload as used. */
export function finalName(id: FileId): string {
  return `${PARTS_PREFIX}${id}/final`;
}

/** The upload that an object below {@link PARTS_PREFIX} belongs to; undefined if the name is not of this service. */
export function parsePart(name: string): FileId | undefined {
  const [, id = ''] = /^parts\/([^/]+)\/(?:\d{13}(?:-\d{13})?|length|partial|final)$/.exec(name) ?? [];
  return parseFileId(id);
}

/** Whether a sweep looks at the whole upload when it meets this object: one of its parts is enough. */
export function isFirst(name: string): boolean {
  return /\/(?:0{13}|length)$/.test(name);
}

/** Size of the whole in bytes; undefined if the client has not declared it yet. */
export function lengthOf(upload: TusUpload, { declared }: Chain): number | undefined {
  return upload.length ?? declared?.length;
}

export function isWhole(upload: TusUpload, chain: Chain): boolean {
  return lengthOf(upload, chain) === chain.end;
}

function partOf({ name, generation, updated }: StoredObject, offset: number): Part {
  return { name, generation, updated, offset };
}

export function withPart(chain: Chain, object: StoredObject): Chain {
  return {
    ...chain,
    parts: [...chain.parts, partOf(object, chain.end)],
    ...totalWith(chain, object),
  };
}

function totalWith({ end, crc32c }: Chain, object: StoredObject): Pick<Chain, 'end' | 'crc32c'> {
  return {
    end: end + object.size,
    crc32c: combineCrc32c(crc32c, decodeCrc32c(object.crc32c), object.size),
  };
}

/** Concatenates the chains of several uploads. */
export function joined(chains: readonly Chain[]): Chain {
  const parts: Part[] = [];
  let { end, crc32c } = NO_PARTS;
  for (const chain of chains) {
    for (const part of chain.parts) parts.push({ ...part, offset: end + part.offset });
    crc32c = combineCrc32c(crc32c, chain.crc32c, chain.end);
    end += chain.end;
  }
  return { parts, end, crc32c };
}

/**
 * Reads the received parts of an upload. Parts after a gap do not count.
 * @throws {StorageError}
 */
export async function readChain(unscanned: Bucket, id: FileId): Promise<Chain> {
  const parts: Part[] = [];
  let chain: Chain = { ...NO_PARTS, parts };
  for await (const object of objectsOf(unscanned, id)) {
    const length = object.name === lengthName(id) ? parseCount(object.metadata['length'] ?? '') : undefined;
    if (length !== undefined) chain = { ...chain, declared: { length, object } };
    if (object.name === partialName(id)) chain = { ...chain, partial: object };
    if (object.name === finalName(id)) chain = { ...chain, final: object };
    if (object.name !== partName(id, chain.end)) continue;
    parts.push(partOf(object, chain.end));
    chain = { ...chain, ...totalWith(chain, object) };
  }
  return chain;
}

/**
 * Composes the object of a file from its parts, which are to be removed afterwards. Safe to call concurrently: one call
 * creates the object, and all return it.
 * @param sha256 digest of all bytes, if known
 * @returns the object; undefined if neither it nor all parts exist: the file has a verdict, or was lost
 * @throws {StorageError}
 */
export async function assemble(
  unscanned: Bucket,
  id: FileId,
  chain: Chain,
  sha256?: Sha256,
): Promise<StoredObject | undefined> {
  const options = { ...UNSERVED, ...(sha256 && { metadata: { sha256 } }) };
  const sources = chain.parts.map(({ name }) => name);
  if (sources.length === 0) {
    // Looked up first: inserting it within a second of its creation is refused, and a retry would read the object.
    return (
      (await objectOf(unscanned, id)) ?? (await unscanned.insertEmpty(id, options)) ?? objectOf(unscanned, id)
    );
  }
  const made = await composeAll(unscanned, id, chain, options);
  return typeof made === 'object' ? made : objectOf(unscanned, id);
}

/** Finds the object of a file by listing: the upload function may list these objects but not get them. */
export async function objectOf(unscanned: Bucket, id: FileId): Promise<StoredObject | undefined> {
  const { objects } = await unscanned.list({ prefix: id, maxResults: 1 });
  return objects.find(({ name }) => name === id);
}

/** Removes everything below the prefix of an upload. @throws {StorageError} */
export async function removeParts(unscanned: Bucket, id: FileId): Promise<void> {
  const found: StoredObject[] = [];
  for await (const object of objectsOf(unscanned, id)) found.push(object);
  await inBatches(found, (object) => unscanned.delete(object.name, object));
}

/** The same, without listing if the objects are known. @throws {StorageError} */
export async function removeChain(unscanned: Bucket, id: FileId, { parts, declared }: Chain): Promise<void> {
  if (parts.length > MAX_COMPONENTS) return removeParts(unscanned, id);
  const known: Named[] = [...parts, ...(declared ? [declared.object] : [])];
  await inBatches(known, ({ name, generation, updated }) => unscanned.delete(name, { generation, updated }));
}

/**
 * Composes a tree of objects whose names give their ranges: every process creates the same ones, so one can continue
 * where another stopped.
 */
async function composeAll(
  unscanned: Bucket,
  id: FileId,
  { parts, end }: Chain,
  options: { contentType: string; metadata?: Readonly<Record<string, string>> },
): Promise<StoredObject | 'sourceGone' | 'targetExists'> {
  let level: readonly { name: string; offset: number }[] = parts;
  while (level.length > MAX_COMPONENTS) {
    const groups = Array.from({ length: Math.ceil(level.length / MAX_COMPONENTS) }, (_, at) => {
      const members = level.slice(at * MAX_COMPONENTS, (at + 1) * MAX_COMPONENTS);
      const offset = members[0]?.offset ?? 0;
      const until = level[(at + 1) * MAX_COMPONENTS]?.offset ?? end;
      const name = `${partName(id, offset)}-${digits(until)}`;
      return { name, offset, sources: members.map((member) => member.name) };
    });
    // A group of one exists already, as a part or as an earlier composition.
    const missing = groups.filter(({ sources }) => sources.length > 1);
    const made = await inBatches(missing, ({ name, sources }) => unscanned.compose(name, sources, UNSERVED));
    if (made.includes('sourceGone')) return 'sourceGone';
    level = groups.map(({ name, offset, sources }) => ({
      name: sources.length > 1 ? name : (sources[0] ?? name),
      offset,
    }));
  }
  return unscanned.compose(
    id,
    level.map(({ name }) => name),
    options,
  );
}

function objectsOf(unscanned: Bucket, id: FileId): AsyncIterable<StoredObject> {
  return allObjects(unscanned, { prefix: `${PARTS_PREFIX}${id}/` });
}

export async function inBatches<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let at = 0; at < items.length; at += AT_ONCE) {
    results.push(...(await Promise.all(items.slice(at, at + AT_ONCE).map(work))));
  }
  return results;
}

function digits(offset: number): string {
  return String(offset).padStart(DIGITS, '0');
}
