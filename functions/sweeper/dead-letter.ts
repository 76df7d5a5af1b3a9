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
  /** Sent to the scanner again, because it may be. */
  | 'redriven'
  /** Not about a file of ours. */
  | 'foreign'
  /** The file came to an end anyway. */
  | 'unchanged'
  /** Somebody scans it now. */
  | 'scanning'
  /** The file was sent to the scanner again since: that message decides. */
  | 'outdated'
  | 'conflict';

/**
 * The notification of an object that the scanner has refused for as long as Pub/Sub tries: its file is sent to the
 * scanner again, or has failed where that was tried often enough. All outcomes but 'conflict' acknowledge the message.
 * @param body of the Pub/Sub push, parsed
 * @throws {StorageError} and what `publish` throws: the message should come back
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

/** A record that cannot be read is not fixed by sending the message again. */
function unlessCorrupt({ log }: SweeperDeps) {
  return (error: unknown): undefined => {
    if (!(error instanceof CorruptRecord)) throw error;
    log.error({ err: error }, 'dead letter of a damaged record');
  };
}
