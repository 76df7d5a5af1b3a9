import type { FileId } from '../../shared/files/file-id.ts';
import { fitsMetadata } from '../../shared/files/metadata-budget.ts';
import type { FileRecord } from '../../shared/files/record.ts';
import { fileAfter, type Versioned } from '../../shared/files/records.ts';
import type { SharedFiles } from '../../shared/files/shared-files.ts';
import { Problem } from '../../shared/http/problems.ts';
import type { Principal } from '../../shared/identity/principal.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import { type IfMatch, requireMatch, versionTag } from './headers/if-match.ts';
import type { RecordWriter } from './record-writer.ts';

/** A change of who may see a file, and the version of the file that the client decided it on. */
export interface Sharing {
  readonly id: FileId;
  readonly grant?: readonly Principal[];
  readonly revoke?: readonly Principal[];
  readonly ifMatch: IfMatch | undefined;
}

export interface ShareDeps {
  readonly writer: RecordWriter;
  readonly shared: SharedFiles;
}

/**
 * Lets principals see a file and takes the sight of it away from others, in one write or not at all. Revoking works on
 * a file that was deleted too.
 * @throws {Problem}, {StorageError}
 */
export async function share({ writer, shared: index }: ShareDeps, sharing: Sharing): Promise<Versioned> {
  const { id, grant = [], revoke = [], ifMatch } = sharing;
  let entries: readonly (StoredObject | undefined)[] = [];
  let isRepeat = false;
  const written = await writer.change(
    id,
    (current) => {
      // Done by an earlier try, whose answer was lost: RFC 9110 section 13.1.1 lets that be a success.
      if (isRepeat && shared(current, sharing) === current.record) return current.record;
      isRepeat = true;
      requireMatch(ifMatch, [versionTag(current.object)]);
      return shared(current, sharing);
    },
    {
      alone: Array.isArray(ifMatch),
      // An entry is there before the record names a viewer, and goes after it does not any more: the record decides.
      prepare: async ({ record: { owner, viewers } }) => {
        const added = grant.filter((viewer) => viewer !== owner && !viewers.includes(viewer));
        const removed = revoke.filter((viewer) => viewers.includes(viewer));
        const [found] = await Promise.all([
          Promise.all(removed.map((viewer) => index.find(viewer, id))),
          ...added.map((viewer) => index.ensure(viewer, id)),
        ]);
        entries = found;
      },
    },
  );
  await Promise.all(entries.map((entry) => entry && index.remove(entry)));
  return written;
}

/** @returns the very same record where nothing changes */
function shared(current: Versioned, { grant = [], revoke = [] }: Sharing): FileRecord {
  const { record } = current;
  if (record.state === 'deleted' && grant.length > 0) throw new Problem('file-deleted');
  const kept = record.viewers.filter((viewer) => !revoke.includes(viewer));
  // The owner sees it anyway, and could otherwise seem to be revoked.
  const added = new Set(grant.filter((viewer) => viewer !== record.owner && !kept.includes(viewer)));
  if (added.size === 0 && kept.length === record.viewers.length) return record;
  const changed = { ...record, viewers: [...kept, ...added] };
  if (added.size === 0 || fitsMetadata(fileAfter(current, changed))) return changed;
  const viewers = record.viewers.length;
  throw new Problem('too-many-viewers', {
    detail: `The file has ${viewers} viewers and no room for ${added.size} more. Name a group instead, or revoke some.`,
    members: { viewers },
  });
}
