import { announceFailure, fail } from '../../shared/events/conclude.ts';
import { parseFinalized, redrivenAtOf } from '../../shared/events/finalized.ts';
import { parseFileId } from '../../shared/files/file-id.ts';
import { CorruptRecord } from '../../shared/files/metadata.ts';
import { arrived } from '../../shared/files/uploading.ts';
import { redrive, triedEnough } from './redrive.ts';
import { isLeased, type Sweeper } from './sweeper.ts';

/** This many lost compare-and-swaps cannot come from a race with a scan. */
const MAX_RACES = 5;

export type DeadLetterOutcome =
  | 'failed'
  /** Sent to the scanner again, because it may be. */
  | 'redriven'
  /** Not about a file of ours. */
  | 'foreign'
  /** The file came to an end all the same. */
  | 'settled'
  /** Somebody scans it now. */
  | 'scanning'
  /** The file was sent to the scanner again since: that message decides. */
  | 'outdated'
  | 'lostRace';

/**
 * The notification of an object that the scanner has refused for as long as Pub/Sub tries: its file is sent to the
 * scanner again, or has failed where that was tried often enough. All outcomes but 'lostRace' acknowledge the message.
 * @param body of the Pub/Sub push, parsed
 * @throws {StorageError} and what `publish` throws: the message should come back
 */
export async function deadLettered(sweeper: Sweeper, body: unknown): Promise<DeadLetterOutcome> {
  const event = parseFinalized({}, body);
  if (event.kind === 'foreign' || event.object.bucket !== sweeper.unscanned.name) return 'foreign';
  const id = parseFileId(event.object.name);
  if (!id) return 'foreign';
  for (let races = 0; races < MAX_RACES; races++) {
    const read = await sweeper.records.get(id).catch(unlessCorrupt(sweeper));
    if (!read) return 'foreign';
    const record = arrived(read.record, event.object);
    if (record.state === 'failed') {
      await announceFailure(sweeper, { ...read, record });
      return 'failed';
    }
    if (record.state !== 'pending') return 'settled';
    if (isLeased(record, sweeper.now())) return 'scanning';
    if (record.redriven?.at.toISOString() !== redrivenAtOf(body)) return 'outdated';
    if (triedEnough(record, sweeper)) {
      if (await fail(sweeper, { ...read, record }, 'gaveUp')) return 'failed';
    } else if (await redrive(sweeper, { ...read, record }, event.object)) return 'redriven';
  }
  return 'lostRace';
}

/** A record that cannot be read is not mended by sending the message again. */
function unlessCorrupt({ log }: Sweeper) {
  return (error: unknown): undefined => {
    if (!(error instanceof CorruptRecord)) throw error;
    log.error({ err: error }, 'dead letter of a damaged record');
  };
}
