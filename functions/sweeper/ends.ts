import { fileShared } from '../../shared/events/file-shared.ts';
import { noticeOf } from '../../shared/files/ends.ts';
import type { FileRecord } from '../../shared/files/record.ts';
import type { Versioned } from '../../shared/files/records.ts';
import { unannouncedSince } from '../../shared/files/shared-files.ts';
import { isLive } from '../../shared/identity/caller.ts';
import { fileExpiring } from './file-expiring.ts';
import type { SweeperDeps } from './sweeper.ts';

export type EndOutcome =
  /** The file ends soon, and the event is published. */
  | 'expiring'
  /** Expired grants were removed from the record. */
  | 'grantsEnded'
  | 'conflict';

/**
 * Says that the end of a file is near, and forgets grants that are over: nobody relied on them since. A process that ends after
 * the event publishes it again by the same id; one that ends after the write leaves entries of the index, which a listing of
 * that viewer removes.
 * @returns undefined where nothing is to be done
 * @throws {StorageError} and what publishing throws
 */
export async function reconcileEnds(
  { records, shared, publish, now, log }: SweeperDeps,
  current: Versioned,
): Promise<EndOutcome | undefined> {
  const { record } = current;
  const { id, expiresAt, expiringAnnounced, viewers } = record;
  if (record.state === 'deleted' || record.state === 'expired') return undefined;
  const isExpiring = expiresAt !== undefined && !expiringAnnounced && isNear(expiresAt, record, now());
  const ended = viewers.filter((viewer) => !isLive(viewer, now()));
  if (!isExpiring && ended.length === 0) return undefined;
  if (isExpiring) await publish(fileExpiring(record, expiresAt));
  // As they are before the record changes: a grant that comes meanwhile makes others of them (docs/adr/0042).
  const entries = await Promise.all(
    ended.map(async (viewer) => {
      const entry = await shared.find(viewer.principal, id);
      const since = entry && unannouncedSince(entry);
      if (since) await publish(fileShared(record, viewer, since));
      return entry;
    }),
  );
  const written = await records.replace(current, {
    ...record,
    viewers: viewers.filter((viewer) => !ended.includes(viewer)),
    ...(isExpiring && { expiringAnnounced: true }),
  });
  if (!written) return 'conflict';
  await Promise.all(entries.map((entry) => entry && shared.remove(entry)));
  log.info({ fileId: id, expiring: isExpiring, grantsEnded: ended.length }, 'ends processed');
  return isExpiring ? 'expiring' : 'grantsEnded';
}

/** A file that was to live for less than the notice comes with its end: those who got it were told both at once. */
function isNear(expiresAt: Date, { createdAt }: FileRecord, now: Date): boolean {
  const notice = noticeOf(expiresAt);
  return createdAt < notice && notice <= now;
}
