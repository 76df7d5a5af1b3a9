import type { Publish } from '../../shared/events/cloud-event.ts';
import { rescanRequest } from '../../shared/events/rescan-request.ts';
import { BLOBS_PREFIX } from '../../shared/files/blob-name.ts';
import { parseCount } from '../../shared/files/fields.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import { countOutcomes } from './count-outcomes.ts';
import { type Places, rangesOf, walkRanges } from './ranges.ts';
import type { SweepTerms } from './sweep.ts';
import type { SweeperDeps } from './sweeper.ts';
import { walk } from './walk.ts';

/** Names are digests, so that each has as many. */
const RANGES = rangesOf(BLOBS_PREFIX, '0123456789abcdef', 8);

export interface SendDeps extends Pick<SweeperDeps, 'permanent' | 'now' | 'log'> {
  /** Publishes to the rescanner. */
  readonly request: Publish;
  readonly filesPerDay: number;
  readonly bytesPerDay: number;
}

export interface Sent<Passed extends string> {
  readonly blobs: Partial<Record<Passed | 'requested' | 'error', number>>;
  /** Spent of the day's budget. */
  readonly files: number;
  readonly bytes: number;
  /** The budget that is spent, for the place that is kept. */
  readonly spent: Readonly<Record<'day' | 'files' | 'bytes', string>>;
  /** Where to go on; undefined at the end. */
  readonly places: Places | undefined;
}

/**
 * Sends stored contents to the rescanner, from a place on, until the time or the budget of the day is used up.
 * @param place as it was kept, with the budget that was spent
 * @param pick resolves a blob to the time at which it became due, or to the reason why it is passed over
 * @throws {StorageError} where the bucket cannot be listed
 */
export async function sendRescans<Passed extends string>(
  deps: SendDeps,
  place: Readonly<Partial<Record<string, string>>>,
  { budgetMs, stopping }: SweepTerms,
  pick: (blob: StoredObject) => Date | Passed,
): Promise<Sent<Passed>> {
  const end = performance.now() + budgetMs;
  const day = deps.now().toISOString().slice(0, 10);
  const spentOf = (key: string) => (place['day'] === day && parseCount(place[key] ?? '')) || 0;
  let [files, bytes] = [spentOf('files'), spentOf('bytes')];
  const blobs: Partial<Record<Passed | 'requested' | 'error', number>> = {};
  const visit = countOutcomes(deps.log, blobs, async (blob: StoredObject): Promise<Passed | 'requested'> => {
    const dueAt = pick(blob);
    if (typeof dueAt === 'string') return dueAt;
    files++;
    bytes += blob.size;
    await deps.request(rescanRequest(blob, dueAt));
    return 'requested';
  });
  const isSpent = () => files >= deps.filesPerDay || bytes >= deps.bytesPerDay;
  const stop = () => stopping() || performance.now() >= end || isSpent();
  const places = await walkRanges(
    (range) => walk({ bucket: deps.permanent, prefix: BLOBS_PREFIX, stop, visit, ...range }),
    RANGES,
    place,
  );
  return { blobs, files, bytes, spent: { day, files: String(files), bytes: String(bytes) }, places };
}
