import { announceFailure, markFailed } from '../../shared/events/complete-scan.ts';
import { parseFinalized, redrivenAtOf } from '../../shared/events/finalized.ts';
import { parseFileId } from '../../shared/files/file-id.ts';
import { CorruptRecord } from '../../shared/files/metadata.ts';
import { asPending } from '../../shared/files/uploading.ts';
import { retryOnConflict } from '../../shared/storage/retry-on-conflict.ts';
import { redrive, triedEnough } from './redrive.ts';
import { isLeased, type SweeperDeps } from './sweeper.ts';

type DeadLetterOutcome =
  | 'failed'
  /** Sent to the scanner again, because attempts are left. */
  | 'redriven'
  /** Not about a file of this service. */
  | 'foreign'
  /** The file has a verdict or is over. */
  | 'unchanged'
  /** A scan is in progress. */
  | 'scanning'
  /** The file was sent to the scanner again since; that message counts. */
  | 'outdated'
  | 'conflict';

/**
 * Handles the notification of an object that the scanner has refused for as long as Pub/Sub retries: sends the file to
 * the scanner again, or marks it as failed if that was tried often enough. All outcomes but 'conflict' acknowledge the
 * message.
 * @param body of the Pub/Sub push, parsed
 * @throws {StorageError} and what `publish` throws: the message should be redelivered
 */
export async function deadLettered(deps: SweeperDeps, body: unknown): Promise<DeadLetterOutcome> {
  const event = parseFinalized({}, body);
  if (event.kind === 'foreign' || event.object.bucket !== deps.unscanned.name) return 'foreign';
  const id = parseFileId(event.object.name);
  if (!id) return 'foreign';
  return retryOnConflict(async () => {
    const current = await deps.records.get(id).catch(unlessCorrupt(deps));
    if (!current) return 'foreign';
    const record = asPending(current.record, event.object);
    if (record.state === 'failed') {
      await announceFailure(deps, { ...current, record });
      return 'failed';
    }
    if (record.state !== 'pending') return 'unchanged';
    if (isLeased(record, deps.now())) return 'scanning';
    if (record.redriven?.at.toISOString() !== redrivenAtOf(body)) return 'outdated';
    if (triedEnough(record, deps)) {
      if (await markFailed(deps, { ...current, record }, 'gaveUp')) return 'failed';
    } else if (await redrive(deps, { ...current, record }, event.object)) return 'redriven';
    return 'conflict';
  });
}

/** Redelivering the message does not repair an unreadable record. */
function unlessCorrupt({ log }: SweeperDeps) {
  return (error: unknown): undefined => {
    if (!(error instanceof CorruptRecord)) throw error;
    log.error({ err: error }, 'dead letter of a damaged record');
  };
}
