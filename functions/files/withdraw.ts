import { withEnd } from '../../shared/files/ends.ts';
import type { FileId } from '../../shared/files/file-id.ts';
import type { FileRecord } from '../../shared/files/record.ts';
import type { Versioned } from '../../shared/files/records.ts';
import { withdrawn } from '../../shared/files/withdraw.ts';
import { requireReadable } from '../../shared/http/outcome.ts';
import { Problem } from '../../shared/http/problems.ts';
import type { Files } from './files.ts';
import { type IfMatch, requireMatch, versionTag } from './headers/if-match.ts';

/** How far references are counted for the answer. */
const MOST_COUNTED = 1000;

type WithdrawDeps = Pick<Files, 'references' | 'writer' | 'now'>;

/**
 * Takes a file back: from here on nobody reads it. Its events and its content are the sweeper's to deal with, the
 * bytes of one that waits for its scan the scanner's. A file that was deleted before stays so.
 * @throws {Problem} 409 where resources refer to it, 412; {StorageError}
 */
export async function withdraw(deps: WithdrawDeps, id: FileId, ifMatch: IfMatch | undefined): Promise<void> {
  await changeUnreferenced(deps, id, ifMatch, { isDone: ({ state }) => state === 'deleted' });
}

/**
 * Gives a file another end, and where nothing refers to it: a reference is refused from then on, or refuses this.
 * @throws {Problem} 409 where resources refer to it, 410 where it is over, 412; {StorageError}
 */
export function setEnd(
  deps: WithdrawDeps,
  id: FileId,
  expiresAt: Date,
  ifMatch: IfMatch | undefined,
): Promise<Versioned> {
  return changeUnreferenced(deps, id, ifMatch, {
    isDone: (record) => withEnd(requireUnended(record), expiresAt) === record,
    last: (record) => withEnd(record, expiresAt),
  });
}

/** Lets a file stay until it is deleted otherwise. @throws {Problem} 410 where it is over, 412; {StorageError} */
export function removeEnd(
  { writer }: WithdrawDeps,
  id: FileId,
  ifMatch: IfMatch | undefined,
): Promise<Versioned> {
  const change = ({ record, object }: Versioned) => {
    const changed = withEnd(requireUnended(record), undefined);
    if (changed !== record) requireMatch(ifMatch, [versionTag(object)]);
    return changed;
  };
  return writer.change(id, change, { alone: Array.isArray(ifMatch) });
}

function requireUnended(record: FileRecord): FileRecord {
  if (record.state === 'deleted' || record.state === 'expired') requireReadable(record);
  return record;
}

/**
 * Changes a record to what only one without references may become. The references are listed between the read of a record and the write that must still find it. A request that adds
 * one writes it first and then ensures that the record says `referenced`, so either the listing finds it, or the
 * write does not find the record as it was: docs/adr/0008-ownership-and-references.md.
 */
async function changeUnreferenced(
  { references, writer, now }: WithdrawDeps,
  id: FileId,
  ifMatch: IfMatch | undefined,
  { isDone, last }: UnreferencedChange,
): Promise<Versioned> {
  let expected = ifMatch;
  for (;;) {
    let count = 0;
    const step = async ({ record, object }: Versioned) => {
      if (isDone(record)) return record;
      requireMatch(expected, tagsOf({ record, object }));
      count = await references.count(id, MOST_COUNTED);
      return withdrawn(record, count, now(), last);
    };
    const written = await writer.change(id, step, { alone: true });
    if (isDone(written.record)) return written;
    if (count > 0) throw stillReferenced(count);
    // Our own write moved the version on; anybody else's still counts.
    if (Array.isArray(expected)) expected = [versionTag(written.object)];
  }
}

interface UnreferencedChange {
  /** May throw the answer where the change is not possible any more. */
  readonly isDone: (record: FileRecord) => boolean;
  /** The record once nothing refers to its file; a deleted one by default. */
  readonly last?: (record: FileRecord) => FileRecord;
}

/** A client knows the version of the viewers, or of the bytes. */
function tagsOf({ record, object }: Versioned): readonly [string, ...string[]] {
  const version = versionTag(object);
  return record.content ? [version, `"${record.content.sha256}"`] : [version];
}

function stillReferenced(references: number): Problem {
  const least = references === MOST_COUNTED ? 'at least ' : '';
  const detail = `The number of resources that refer to it is ${least}${references}. Remove the references first.`;
  return new Problem('file-referenced', { detail, members: { references } });
}
