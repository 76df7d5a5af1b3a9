import type { FileRecord } from '../../../shared/files/record.ts';
import { isRemoved, SHARED_PREFIX, sharedName } from '../../../shared/files/shared-files.ts';
import type { Bucket } from '../../../shared/storage/bucket.ts';
import { allObjects } from '../../../shared/storage/page.ts';
import { walkRanges } from '../ranges.ts';
import { recordOf } from './file-rules.ts';
import { type Buckets, gatherOne, gatherRecords, ID_RANGES } from './gather.ts';

/** The rule of the index of viewers: a viewer finds each file whose record names them. */
export type ViewerRule = 'viewerUnindexed';

interface ViewerTerms extends Buckets {
  /** Entries in memory at a time. */
  readonly portion: number;
}

interface Portion {
  /** Name of the entry to begin with. */
  readonly from: string;
  readonly stop: () => boolean;
  readonly broken: (rule: ViewerRule, name: string) => void;
}

/**
 * Holds one portion of the index of viewers against all records. An entry too many is no broken rule: the record decides.
 * @returns the name to go on from, undefined at the end; `stopped` where it has to begin again
 * @throws {StorageError}
 */
export async function auditViewers(
  deps: ViewerTerms,
  { from, stop, broken }: Portion,
): Promise<{ readonly next: string | undefined } | 'stopped'> {
  const { names, next } = await listed(deps, from);
  const isMissing = (name: string) => name >= from && (next === undefined || name < next) && !names.has(name);
  const stopped = await walkRanges(
    async (ids) => {
      for await (const found of gatherRecords(deps, ids)) {
        if (stop()) return { from: found.id };
        if (!entriesOf(recordOf(found)).some(isMissing)) continue;
        // Looked at again, as it is now.
        const entries = entriesOf(recordOf(await gatherOne(deps, found.id)));
        for (const name of entries.filter(isMissing)) {
          if (!(await isThere(deps.permanent, name))) broken('viewerUnindexed', found.id);
        }
      }
      return undefined;
    },
    ID_RANGES,
    {},
  );
  return stopped ? 'stopped' : { next };
}

async function listed({ permanent, portion }: ViewerTerms, from: string) {
  const names = new Set<string>();
  for await (const object of allObjects(permanent, { prefix: SHARED_PREFIX, startOffset: from })) {
    if (names.size >= portion) return { names, next: object.name };
    if (!isRemoved(object)) names.add(object.name);
  }
  return { names, next: undefined };
}

/** The names of the entries by which the viewers of a file find it. */
function entriesOf(record: FileRecord | undefined): readonly string[] {
  if (!record || record.state === 'deleted' || record.state === 'expired') return [];
  return record.viewers.map((viewer) => sharedName(viewer, record.id));
}

/** Asks a listing, since the auditor may not read these. */
async function isThere(permanent: Bucket, name: string): Promise<boolean> {
  const { objects } = await permanent.list({ prefix: name, maxResults: 1 });
  return objects.some((object) => !isRemoved(object));
}
