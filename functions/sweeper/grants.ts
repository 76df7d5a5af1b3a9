import { fileShared } from '../../shared/events/file-shared.ts';
import { isRemoved, parseSharedName, unannouncedSince } from '../../shared/files/shared-files.ts';
import { principalKey } from '../../shared/identity/principal.ts';
import { deleteUnlessHeld, isKept } from '../../shared/storage/delete-unless-held.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import { hasWaited, type SweeperDeps } from './sweeper.ts';

export type GrantOutcome =
  /** Nothing is to be done. */
  | 'unchanged'
  /** The granting request may still be about to publish the event. */
  | 'young'
  /** The event of the grant is now published. */
  | 'announced'
  /** No record names the viewer, and none will: the entry is gone, also one that a hold kept until now. */
  | 'dropped'
  | 'foreign';

/**
 * Handles one entry of the viewer index: publishes that a file was shared, unless that is already noted.
 * @throws {StorageError}, {CorruptRecord} and what publishing throws: a later sweep finds it again
 */
export async function reconcileGrant(deps: SweeperDeps, entry: StoredObject): Promise<GrantOutcome> {
  const { permanent, records, shared, publish, abandonedAfterMs, now } = deps;
  if (isRemoved(entry)) {
    if (isKept(entry, now())) return 'unchanged';
    return (await deleteUnlessHeld(permanent, entry)) === 'deleted' ? 'dropped' : 'unchanged';
  }
  const since = unannouncedSince(entry);
  if (!since) return 'unchanged';
  if (!hasWaited(deps, entry.updated)) return 'young';
  const named = parseSharedName(entry.name);
  if (!named) return 'foreign';
  const record = (await records.get(named.id))?.record;
  const viewer = record?.viewers.find(({ principal }) => principalKey(principal) === named.viewerKey);
  if (record && viewer && record.state !== 'deleted' && record.state !== 'expired') {
    await publish(fileShared(record, viewer, since));
    await shared.markAnnounced(viewer.principal, named.id, since);
    return 'announced';
  }
  // A granting request may still write the record.
  if (now().getTime() - entry.updated.getTime() < abandonedAfterMs) return 'young';
  await shared.remove(entry);
  return 'dropped';
}
