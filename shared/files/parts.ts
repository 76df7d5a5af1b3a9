import { randomBytes } from 'node:crypto';
import type { Bucket } from '../storage/bucket.ts';
import { type FileId, parseFileId } from './fileId.ts';
import type { PendingRecord } from './record.ts';
import type { Records } from './records.ts';

/**
 * What the names of all parts begin with, in the unscanned bucket: `parts/<fileId>/<offset>.<random>`, with a
 * `c` at the end where it was composed of others. No name is ever used twice. docs/adr/0015
 */
export const PARTS_PREFIX = 'parts/';

/** Cloud Storage composes at most so many at a time: https://cloud.google.com/storage/docs/composite-objects */
const MAX_COMPONENTS = 32;
const UNSERVED = { contentType: 'application/octet-stream' };

/** @param offset of its first byte in the file */
export function newPart(offset: number): string {
  return `${offset}.${randomBytes(5).toString('hex')}`;
}

export function partName(id: FileId, part: string): string {
  return `${PARTS_PREFIX}${id}/${part}`;
}

export function parsePart(name: string): { id: FileId; part: string } | undefined {
  const [, id = '', part = ''] = /^parts\/([^/]+)\/(\d+\.[0-9a-f]+c?)$/.exec(name) ?? [];
  const fileId = parseFileId(id);
  return fileId && { id: fileId, part };
}

export interface Folded {
  readonly parts: readonly string[];
  /** Composed of those that it replaces. */
  readonly made?: string;
}

/**
 * Makes room for one more part, so that a record of any size names few and one request composes them all. What
 * was composed before is composed again only where nothing else is left, so that bytes are not copied each time.
 * @returns undefined where a part is gone: somebody else was faster
 */
export async function fold(
  unscanned: Bucket,
  id: FileId,
  parts: readonly string[],
): Promise<Folded | undefined> {
  if (parts.length < MAX_COMPONENTS) return { parts };
  const loose = parts.findLastIndex((part) => part.endsWith('c')) + 1;
  const from = parts.length - loose > 1 ? loose : 0;
  const made = `${newPart(Number(parts[from]?.split('.')[0]))}c`;
  const sources = parts.slice(from).map((part) => partName(id, part));
  if ((await unscanned.compose(partName(id, made), sources, UNSERVED)) === 'sourceGone') return undefined;
  return { parts: [...parts.slice(0, from), made], made };
}

/**
 * Makes the object of a file of its parts, if that is still to be done, and removes them. Everybody may do it at
 * any time: one of them makes the object, and what comes too late is scanned to the same end.
 * @returns 'gone' where neither the parts nor the object are there, and no verdict is
 * @throws {StorageError}
 */
export async function assemble(
  { unscanned, records }: { unscanned: Bucket; records: Records },
  { id, parts }: PendingRecord,
): Promise<'made' | 'gone'> {
  if (!parts) return 'made';
  const sources = parts.map((part) => partName(id, part));
  const made = await unscanned.compose(id, sources, UNSERVED);
  // The parts are removed only once the object is there, and that only once a verdict stands.
  if (made === 'sourceGone' && !(await exists(unscanned, id))) {
    const read = await records.get(id);
    if (read?.record.state === 'pending') return 'gone';
  }
  await removeParts(unscanned, id);
  return 'made';
}

/** By a listing, which says no more than that: the upload function may list these objects, and not get them. */
async function exists(unscanned: Bucket, id: FileId): Promise<boolean> {
  const { objects } = await unscanned.list({ prefix: id, maxResults: 1 });
  return objects.some(({ name }) => name === id);
}

/** @param which all by default */
export async function removeParts(
  unscanned: Bucket,
  id: FileId,
  which: (part: string) => boolean = () => true,
): Promise<void> {
  const prefix = `${PARTS_PREFIX}${id}/`;
  for (let pageToken: string | undefined; ; ) {
    const page = await unscanned.list({ prefix, pageToken, maxResults: 1000 });
    const chosen = page.objects.filter(({ name }) => which(name.slice(prefix.length)));
    await Promise.all(chosen.map((object) => unscanned.delete(object.name, object)));
    pageToken = page.nextPageToken;
    if (!pageToken) return;
  }
}
