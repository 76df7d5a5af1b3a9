import { type FileId, ownerTag } from '../../shared/files/fileId.ts';
import { CorruptRecord } from '../../shared/files/metadata.ts';
import type { FileRecord } from '../../shared/files/record.ts';
import type { Records } from '../../shared/files/records.ts';
import type { Principal } from '../../shared/identity/principal.ts';
import type { Logger } from '../../shared/runtime/log.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import type { Page } from '../../shared/storage/page.ts';

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
  readonly limit: number;
  readonly after: FileId | undefined;
}

/**
 * The files of an owner, newest first. What cannot be read is left out and logged: one damaged record must not
 * hide the others.
 * @throws {StorageError}
 */
export function listFiles(
  records: Records,
  log: Logger,
  { owner, states, ...terms }: Wanted,
  signal: AbortSignal,
): Promise<Page<FileRecord>> {
  return records.page(ownerTag(owner), { ...terms, signal }, (object) => {
    const record = readable(records, log, object);
    // The tag of the id only narrows the listing: others may have it too.
    return record && record.owner === owner && states.has(record.state) ? record : undefined;
  });
}

function readable(records: Records, log: Logger, object: StoredObject): FileRecord | undefined {
  try {
    return records.parse(object)?.record;
  } catch (error) {
    if (!(error instanceof CorruptRecord)) throw error;
    log.error({ err: error }, 'record left out of a listing');
    return undefined;
  }
}
