import type { FileRecord } from '../../../shared/files/record.ts';
import {
  isRemoved,
  SHARED_PREFIX,
  sharedName,
  unannouncedSince,
} from '../../../shared/files/shared-files.ts';
import { isLive } from '../../../shared/identity/caller.ts';
import type { Bucket } from '../../../shared/storage/bucket.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';
import { allObjects } from '../../../shared/storage/page.ts';
import { ID_RANGES } from '../by-file.ts';
import { walkRanges } from '../ranges.ts';
import { recordOf } from './file-rules.ts';
import { type Audited, type Buckets, gatherOne, gatherRecords, type Portion } from './gather.ts';

/** The rules of the index of viewers. */
export type ViewerRule =
  /** A viewer does not find a file whose record names them. */
  | 'viewerUnindexed'
  /** Nobody was told of a grant, or its entry is left. */
  | 'grantUnannounced';

interface ViewerTerms extends Buckets {
  /** Entries in memory at a time. */
  readonly portion: number;
  /** Milliseconds for which anything may be unfinished beyond its end. */
  readonly graceMs: number;
  readonly abandonedAfterMs: number;
}

/**
 * Holds one portion of the index of viewers against all records. An entry too many is no broken rule: the record decides.
 * @returns undefined where it was stopped, and has to begin again
 * @throws {StorageError}
 */
export async function auditViewers(
  deps: ViewerTerms,
  { now, from, stop, broken }: Portion<ViewerRule>,
): Promise<Audited | undefined> {
  const { names, next, unannounced } = await listed(deps, from, now);
  for (const name of unannounced) {
    if (await isThere(deps.permanent, name, (object) => isOverdue(deps, object, now)))
      broken('grantUnannounced', name);
  }
  const isMissing = (name: string) => name >= from && (next === undefined || name < next) && !names.has(name);
  const stopped = await walkRanges(ID_RANGES, {}, stop, async (ids, isOver) => {
    for await (const found of gatherRecords(deps, ids)) {
      if (isOver()) return { from: found.id };
      if (!entriesOf(recordOf(found, now), now).some(isMissing)) continue;
      // Looked at again, as it is now.
      const entries = entriesOf(recordOf(await gatherOne(deps, found.id), now), now);
      for (const name of entries.filter(isMissing)) {
        if (!(await isThere(deps.permanent, name))) broken('viewerUnindexed', found.id);
      }
    }
    return undefined;
  });
  return stopped ? undefined : { blobs: 0, next };
}

async function listed(deps: ViewerTerms, from: string, now: Date) {
  const { permanent, portion } = deps;
  const names = new Set<string>();
  const unannounced: string[] = [];
  for await (const object of allObjects(permanent, { prefix: SHARED_PREFIX, startOffset: from })) {
    if (names.size >= portion) return { names, unannounced, next: object.name };
    if (!isRemoved(object)) names.add(object.name);
    if (isOverdue(deps, object, now)) unannounced.push(object.name);
  }
  return { names, unannounced, next: undefined };
}

/** The sweeper announces a grant, or removes its entry once no request can be about to write the record. */
function isOverdue({ graceMs, abandonedAfterMs }: ViewerTerms, object: StoredObject, now: Date): boolean {
  const since = unannouncedSince(object);
  const written = Math.max(since?.getTime() ?? Number.POSITIVE_INFINITY, object.updated.getTime());
  return now.getTime() - written >= abandonedAfterMs + graceMs;
}

/** The names of the entries by which the viewers of a file find it. */
function entriesOf(record: FileRecord | undefined, now: Date): readonly string[] {
  if (!record || record.state === 'deleted' || record.state === 'expired') return [];
  const live = record.viewers.filter((viewer) => isLive(viewer, now));
  return live.map(({ principal }) => sharedName(principal, record.id));
}

/** Asks a listing, since the auditor may not read these. */
async function isThere(
  permanent: Bucket,
  name: string,
  which = (object: StoredObject) => !isRemoved(object),
): Promise<boolean> {
  const { objects } = await permanent.list({ prefix: name, maxResults: 1 });
  return objects.some(which);
}
