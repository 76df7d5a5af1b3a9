import type { FileId } from '../../shared/files/file-id.ts';
import type { Versioned } from '../../shared/files/records.ts';
import { withdrawn } from '../../shared/files/withdraw.ts';
import { Problem } from '../../shared/http/problems.ts';
import type { Files } from './files.ts';
import { type IfMatch, requireMatch, versionTag } from './headers/if-match.ts';

/** How far references are counted for the answer. */
const MOST_COUNTED = 1000;

/**
 * Takes a file back: from here on nobody reads it. Its events and its content are the sweeper's to deal with, the
 * bytes of one that waits for its scan the scanner's. A file that was deleted before stays so.
 *
 * The references are listed between the read of a record and the write that must still find it. A request that adds
 * one writes it first and then ensures that the record says `referenced`, so either the listing finds it, or the
 * write does not find the record as it was: docs/adr/0008-ownership-and-references.md.
 * @throws {Problem} 409 where resources refer to it, 412; {StorageError}
 */
export async function withdraw(
  { references, writer, now }: Pick<Files, 'references' | 'writer' | 'now'>,
  id: FileId,
  ifMatch: IfMatch | undefined,
): Promise<void> {
  let expected = ifMatch;
  for (;;) {
    let count = 0;
    const step = async ({ record, object }: Versioned) => {
      if (record.state === 'deleted') return record;
      requireMatch(expected, tagsOf({ record, object }));
      count = await references.count(id, MOST_COUNTED);
      return withdrawn(record, count, now());
    };
    const written = await writer.change(id, step, { alone: true });
    if (written.record.state === 'deleted') return;
    if (count > 0) throw stillReferenced(count);
    // Our own write moved the version on; anybody else's still counts.
    if (Array.isArray(expected)) expected = [versionTag(written.object)];
  }
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
