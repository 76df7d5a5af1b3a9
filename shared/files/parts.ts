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
 * All are inserted only where the name is free, so the name is the compare-and-swap. docs/adr/0015
 */
export const PARTS_PREFIX = 'parts/';

/** Cloud Storage composes at most so many at a time: https://cloud.google.com/storage/docs/composite-objects */
const MAX_COMPONENTS = 32;
/** Compose requests under way at the same time for one upload. */
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

/** The parts that follow one another without a gap from the first byte. Nothing of it ever changes but that it grows. */
export interface Chain {
  readonly parts: readonly Part[];
  /** Bytes in `parts`, where the next part begins. */
  readonly end: number;
  /** CRC32C of those bytes. */
  readonly crc32c: number;
  /** The length, where it was declared after the creation. */
  readonly declared?: { readonly length: number; readonly object: Named };
  /** Objects that a partial upload alone has. */
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

/** Says whose a partial upload is. */
export function partialName(id: FileId): string {
  return `${PARTS_PREFIX}${id}/partial`;
}

/** Says that a partial upload is spoken for. */
export function finalName(id: FileId): string {
  return `${PARTS_PREFIX}${id}/final`;
}

/** The upload that an object below {@link PARTS_PREFIX} belongs to; undefined where its name is none of ours. */
export function parsePart(name: string): FileId | undefined {
  const [, id = ''] = /^parts\/([^/]+)\/(?:\d{13}(?:-\d{13})?|length|partial|final)$/.exec(name) ?? [];
  return parseFileId(id);
}

/** Whether a sweep looks at the whole upload when it meets this object: one of its parts is enough. */
export function isFirst(name: string): boolean {
  return /\/(?:0{13}|length)$/.test(name);
}

/** Bytes of the whole; undefined where the client has yet to say. */
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

/** The chains of several uploads, one behind the other. */
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
 * Reads what is there of an upload. Parts behind a gap do not count.
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
 * Makes the object of a file of its parts, which are then to be removed. Anybody may do it at any time, also at once:
 * one of them makes the object, and each finds it.
 * @param sha256 of all bytes, where it is known
 * @returns the object; undefined where neither it nor all parts are there: its file has a verdict, or was lost
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
    // Looked for first: to insert it within a second of its creation is refused, and a repeat reads the object.
    return (
      (await objectOf(unscanned, id)) ?? (await unscanned.insertEmpty(id, options)) ?? objectOf(unscanned, id)
    );
  }
  const made = await composeAll(unscanned, id, chain, options);
  return typeof made === 'object' ? made : objectOf(unscanned, id);
}

/** The object of a file, by a listing: the upload function may list these objects, and not get them. */
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

/** The same, without a listing where what there is is known. @throws {StorageError} */
export async function removeChain(unscanned: Bucket, id: FileId, { parts, declared }: Chain): Promise<void> {
  if (parts.length > MAX_COMPONENTS) return removeParts(unscanned, id);
  const known: Named[] = [...parts, ...(declared ? [declared.object] : [])];
  await inBatches(known, ({ name, generation, updated }) => unscanned.delete(name, { generation, updated }));
}

/**
 * Composes a tree of objects whose names say what they hold: every process makes the same ones, so that one
 * goes on where another stopped.
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
    // A group of one is there already, under its own name or as what it was composed to before.
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
