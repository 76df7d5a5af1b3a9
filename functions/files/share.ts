import type { Publish } from '../../shared/events/cloud-event.ts';
import { fileShared } from '../../shared/events/file-shared.ts';
import type { FileId } from '../../shared/files/file-id.ts';
import { fitsMetadata } from '../../shared/files/metadata-budget.ts';
import type { FileRecord } from '../../shared/files/record.ts';
import { fileAfter, type Versioned } from '../../shared/files/records.ts';
import type { SharedFiles } from '../../shared/files/shared-files.ts';
import { Problem } from '../../shared/http/problems.ts';
import { isLive, type Viewer } from '../../shared/identity/caller.ts';
import type { Principal } from '../../shared/identity/principal.ts';
import type { Background } from '../../shared/runtime/background.ts';
import type { Logger } from '../../shared/runtime/log.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import { type IfMatch, requireMatch, versionTag } from './headers/if-match.ts';
import type { RecordWriter } from './record-writer.ts';

/** A change of who may see a file, and the version of the file that the client decided it on. */
export interface Sharing {
  readonly id: FileId;
  /** Replaces the end of a principal that has the file already. */
  readonly grant?: readonly Viewer[];
  readonly revoke?: readonly Principal[];
  readonly ifMatch: IfMatch | undefined;
}

interface ShareDeps {
  readonly writer: RecordWriter;
  readonly shared: SharedFiles;
  /** Absent: the sweeper publishes. */
  readonly publish?: Publish | undefined;
  readonly background: Background;
  readonly now: () => Date;
  readonly log: Logger;
}

/**
 * Lets principals see a file and takes the sight of it away from others, in one write or not at all. Revoking works on
 * a file that was deleted too. Each grant that is new has its event; where that cannot be published now, the sweeper does.
 * @throws {Problem}, {StorageError}
 */
export async function share(deps: ShareDeps, sharing: Sharing): Promise<Versioned> {
  const { writer, shared: index } = deps;
  const { id, grant = [], revoke = [], ifMatch } = sharing;
  const now = deps.now();
  let entries: readonly (readonly [Principal, StoredObject | undefined])[] = [];
  const granted = new Map<Principal, Date>();
  let isRepeat = false;
  const written = await writer.change(
    id,
    (current) => {
      // Done by an earlier try, whose answer was lost: RFC 9110 section 13.1.1 lets that be a success.
      if (isRepeat && shared(current, sharing, now) === current.record) return current.record;
      isRepeat = true;
      requireMatch(ifMatch, [versionTag(current.object)]);
      return shared(current, sharing, now);
    },
    {
      alone: Array.isArray(ifMatch),
      // An entry is there before the record names a viewer, and goes after it does not any more: the record decides.
      prepare: async ({ record }) => {
        const known = new Map(record.viewers.map((viewer) => [viewer.principal, viewer]));
        const removed = revoke.filter((principal) => known.has(principal));
        const ensure = async (wanted: Viewer): Promise<void> => {
          const before = known.get(wanted.principal);
          if (wanted.principal === record.owner || (before && isSame(before, wanted))) return;
          const isNew = !before || !isLive(before, now);
          const since = await index.ensure(wanted.principal, id, isNew ? now : undefined);
          if (isNew && since) granted.set(wanted.principal, since);
        };
        const [found] = await Promise.all([
          Promise.all(
            removed.map(async (principal) => [principal, await index.find(principal, id)] as const),
          ),
          ...grant.map(ensure),
        ]);
        entries = found;
      },
    },
  );
  // A grant that shares the write may have named one of them again.
  const named = new Set(written.record.viewers.map((viewer) => viewer.principal));
  await Promise.all(
    entries.map(([principal, entry]) => entry && !named.has(principal) && index.remove(entry)),
  );
  await announce(deps, written.record, granted);
  return written;
}

/** @returns the very same record where nothing changes */
function shared(current: Versioned, { grant = [], revoke = [] }: Sharing, now: Date): FileRecord {
  const { record } = current;
  if (record.state === 'deleted' && grant.length > 0) throw new Problem('file-deleted');
  // The owner sees it anyway, and could otherwise seem to be revoked.
  const wanted = new Map(
    grant
      .filter(({ principal }) => principal !== record.owner)
      .map((viewer) => [viewer.principal, viewer] as const),
  );
  const kept = record.viewers
    .filter(({ principal }) => !revoke.includes(principal))
    .map((viewer) => {
      const replacement = wanted.get(viewer.principal);
      wanted.delete(viewer.principal);
      return replacement && !isSame(viewer, replacement) ? replacement : viewer;
    });
  const isReplaced = kept.some((viewer) => !record.viewers.includes(viewer));
  if (wanted.size === 0 && !isReplaced && kept.length === record.viewers.length) return record;
  const changed = { ...record, viewers: [...kept, ...wanted.values()] };
  if ((wanted.size === 0 && !isReplaced) || fitsMetadata(fileAfter(current, changed))) return changed;
  const viewers = record.viewers.filter((viewer) => isLive(viewer, now)).length;
  throw new Problem('too-many-viewers', {
    detail: `The file has ${viewers} viewers and no room for ${wanted.size} more. Name a group instead, or revoke some.`,
    members: { viewers },
  });
}

function isSame(one: Viewer, other: Viewer): boolean {
  return one.until?.getTime() === other.until?.getTime();
}

/**
 * Publishes what the entries say is to be published, and notes there that it is out: a second later at the least, since
 * each was just written. A process that ends before leaves that to the sweeper, which publishes by the same id.
 */
async function announce(
  { shared: index, publish, background, log }: ShareDeps,
  record: FileRecord,
  granted: ReadonlyMap<Principal, Date>,
): Promise<void> {
  if (!publish || record.state === 'expired' || record.state === 'deleted') return;
  const told = record.viewers.map(async (viewer) => {
    const { principal } = viewer;
    const since = granted.get(principal);
    if (!since) return;
    await publish(fileShared(record, viewer, since));
    background.run(index.markAnnounced(principal, record.id, since), 'announced grant not marked');
  });
  for (const outcome of await Promise.allSettled(told)) {
    if (outcome.status === 'fulfilled') continue;
    log.warn({ err: outcome.reason, fileId: record.id }, 'grant not announced, left to the sweeper');
  }
}
