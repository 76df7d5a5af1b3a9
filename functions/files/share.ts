import type { FileId } from '../../shared/files/fileId.ts';
import type { FileRecord } from '../../shared/files/record.ts';
import type { Versioned } from '../../shared/files/records.ts';
import type { RecordWriter } from '../../shared/files/recordWriter.ts';
import { hasRoom } from '../../shared/files/room.ts';
import { type IfMatch, requireMatch, versionTag } from '../../shared/http/ifMatch.ts';
import { Problem } from '../../shared/http/problems.ts';
import type { Principal } from '../../shared/identity/principal.ts';

/** Who is to see a file, or no longer, and on which version of it the client decided that. */
export interface Sharing {
  readonly id: FileId;
  readonly viewer: Principal;
  readonly ifMatch: IfMatch | undefined;
}

/** Lets a principal see a file. @throws {Problem}, {StorageError} */
export function grant(writer: RecordWriter, sharing: Sharing): Promise<Versioned> {
  return change(writer, sharing, (record) => {
    const { viewer } = sharing;
    if (record.state === 'deleted') throw new Problem('file-deleted');
    // The owner sees it anyway, and could otherwise seem to be revoked.
    if (viewer === record.owner || record.viewers.includes(viewer)) return record;
    const granted = { ...record, viewers: [...record.viewers, viewer] };
    if (hasRoom(granted)) return granted;
    const viewers = record.viewers.length;
    throw new Problem('too-many-viewers', {
      detail: `The file has ${viewers} viewers and no room for another. Name a group instead, or revoke some.`,
      members: { viewers },
    });
  });
}

/** Takes the sight of a file away again, of one that was deleted too. @throws {Problem}, {StorageError} */
export function revoke(writer: RecordWriter, sharing: Sharing): Promise<Versioned> {
  return change(writer, sharing, (record) => {
    const viewers = record.viewers.filter((viewer) => viewer !== sharing.viewer);
    return viewers.length === record.viewers.length ? record : { ...record, viewers };
  });
}

function change(
  writer: RecordWriter,
  { id, ifMatch }: Sharing,
  apply: (record: FileRecord) => FileRecord,
): Promise<Versioned> {
  let isRepeat = false;
  return writer.change(
    id,
    ({ record, object }) => {
      // Done by an earlier try, whose answer was lost: RFC 9110 section 13.1.1 lets that be a success.
      if (isRepeat && apply(record) === record) return record;
      isRepeat = true;
      requireMatch(ifMatch, [versionTag(object)]);
      return apply(record);
    },
    { alone: Array.isArray(ifMatch) },
  );
}
