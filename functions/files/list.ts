import type { CorrelationId } from '../../shared/files/correlation-id.ts';
import { type FileId, ownerTag, parseFileId, startOfSecond } from '../../shared/files/file-id.ts';
import { CorruptRecord } from '../../shared/files/metadata.ts';
import type { FileRecord } from '../../shared/files/record.ts';
import type { RecordObjects, Records } from '../../shared/files/records.ts';
import type { Principal } from '../../shared/identity/principal.ts';
import type { Logger } from '../../shared/runtime/log.ts';

export type State = FileRecord['state'];

/** Every state, and whether a listing has it where no state was asked for. */
export const STATES: Readonly<Record<State, boolean>> = {
  uploading: true,
  pending: true,
  clean: true,
  infected: true,
  unscannable: true,
  failed: true,
  expired: false,
  deleted: false,
};

export interface Wanted {
  readonly owner: Principal;
  readonly states: ReadonlySet<State>;
  /** Absent: any, or none. */
  readonly correlationId?: CorrelationId | undefined;
  readonly limit: number;
  readonly after: FileId | undefined;
}

interface Listed {
  readonly items: FileRecord[];
  /**
   * The id to go on after, absent at the end; never that of a file of others, which may have the same tag. Where
   * thousands of theirs stand between two of the owner's, it tells of which second, roughly, one of them is.
   */
  readonly next?: FileId;
}

/**
 * The files of an owner, newest first. An unreadable record is left out and logged: one damaged record must not
 * hide the others.
 * @throws {StorageError}; {Error} where a page of files of others with the same tag, all of one second, leads nowhere
 */
export async function listFiles(
  records: Records,
  log: Logger,
  { owner, states, correlationId, ...terms }: Wanted,
  signal: AbortSignal,
): Promise<Listed> {
  let own = terms.after;
  const { items, next } = await records.page(ownerTag(owner), { ...terms, signal }, (objects) => {
    const record = readable(records, log, objects);
    // The tag of the id only narrows the listing: others may have it too.
    if (!record || record.owner !== owner) return undefined;
    own = record.id;
    const isWanted = correlationId === undefined || record.correlationId === correlationId;
    return isWanted && states.has(record.state) ? record : undefined;
  });
  if (next === undefined) return { items };
  const reached = parseFileId(next);
  const ahead = reached && startOfSecond(reached);
  const position = ahead !== undefined && (own === undefined || own < ahead) ? ahead : own;
  if (position === undefined || position === terms.after)
    throw new Error(`a listing does not get past ${next}`);
  return { items, next: position };
}

function readable(records: Records, log: Logger, objects: RecordObjects): FileRecord | undefined {
  try {
    return records.parse(objects)?.record;
  } catch (error) {
    if (!(error instanceof CorruptRecord)) throw error;
    log.error({ err: error }, 'record left out of a listing');
    return undefined;
  }
}
