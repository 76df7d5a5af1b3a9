import type { Publish } from '../../shared/events/cloud-event.ts';
import { rescanRequest } from '../../shared/events/rescan-request.ts';
import { BLOBS_PREFIX } from '../../shared/files/blob-name.ts';
import { parseCount, parseTime } from '../../shared/files/fields.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import { countOutcomes } from './count-outcomes.ts';
import { resume } from './cursor.ts';
import { type RescanAges, rescanDueAt } from './due.ts';
import { rangesOf, walkRanges } from './ranges.ts';
import type { SweepTerms } from './sweep.ts';
import type { SweeperDeps } from './sweeper.ts';
import { walk } from './walk.ts';

/** Names are digests, so that each has as many. */
const RANGES = rangesOf(BLOBS_PREFIX, '0123456789abcdef', 8);
/** A content that was sent and is still due is sent again after so long: its request may have been given up. */
const SEND_AGAIN_MS = 86_400_000;

export interface RescanDeps extends Pick<SweeperDeps, 'permanent' | 'now' | 'log'>, RescanAges {
  /** Publishes to the rescanner. */
  readonly request: Publish;
  readonly filesPerDay: number;
  readonly bytesPerDay: number;
}

type RescanOutcome =
  /** Not due yet, or never again. */
  | 'young'
  /** Due, and sent by an earlier walk not long ago. */
  | 'sent'
  | 'requested';

export interface RescanReport {
  readonly blobs: Readonly<Partial<Record<RescanOutcome | 'error', number>>>;
  /** Age of the oldest request for a scan that was seen and not answered yet, or of a walk that is not at its end. */
  readonly behindSeconds: number;
  /** Spent of the day's budget. */
  readonly files: number;
  readonly bytes: number;
  /** False where the time or the budget was used up first: the next call goes on from there. */
  readonly complete: boolean;
}

/** A walk, as its place is kept. */
interface Begun {
  readonly began: Date;
  /** An earlier walk sent all that became due until then; undefined: all that is due is sent. */
  readonly since: Date | undefined;
  /** When a walk that sent all that was due last began. */
  readonly full: Date;
}

/**
 * Asks for a scan of every stored content that is due for one, within the budget of the day.
 * docs/adr/0034-re-scan.md
 * @throws {StorageError} where the bucket cannot be listed
 */
export async function requestRescans(
  deps: RescanDeps,
  { budgetMs, stopping }: SweepTerms,
): Promise<RescanReport> {
  if (deps.afterDays.length === 0 && deps.everyDays === undefined) {
    return { blobs: {}, behindSeconds: 0, files: 0, bytes: 0, complete: true };
  }
  const end = performance.now() + budgetMs;
  const now = deps.now();
  const blobs: Partial<Record<RescanOutcome | 'error', number>> = {};
  let [files, bytes, behindMs, complete] = [0, 0, 0, false];
  await resume(deps.permanent, 'sweeper/rescan', async (place) => {
    const day = now.toISOString().slice(0, 10);
    if (place['day'] === day) {
      files = parseCount(place['files'] ?? '') ?? 0;
      bytes = parseCount(place['bytes'] ?? '') ?? 0;
    }
    const walking = begun(place, now);
    const isSpent = () => files >= deps.filesPerDay || bytes >= deps.bytesPerDay;
    const visit = countOutcomes(deps.log, blobs, async (blob: StoredObject): Promise<RescanOutcome> => {
      const dueAt = rescanDueAt(blob, deps);
      if (!dueAt || dueAt > now) return 'young';
      behindMs = Math.max(behindMs, now.getTime() - dueAt.getTime());
      if (walking.since && dueAt <= walking.since) return 'sent';
      files++;
      bytes += blob.size;
      await deps.request(rescanRequest(blob, dueAt));
      return 'requested';
    });
    const stop = () => stopping() || performance.now() >= end || isSpent();
    const places = await walkRanges(
      (range) => walk({ bucket: deps.permanent, prefix: BLOBS_PREFIX, stop, visit, ...range }),
      RANGES,
      place,
    );
    complete = places === undefined;
    if (!complete) behindMs = Math.max(behindMs, now.getTime() - walking.began.getTime());
    const spent = { day, files: String(files), bytes: String(bytes), full: walking.full.toISOString() };
    const began = walking.began.toISOString();
    if (!places) return { ...spent, previous: began };
    return { ...spent, ...places, began, since: walking.since?.toISOString() ?? '' };
  });
  return { blobs, behindSeconds: Math.round(behindMs / 1000), files, bytes, complete };
}

/** The walk that was stopped, or a new one. */
function begun(place: Readonly<Partial<Record<string, string>>>, now: Date): Begun {
  const time = (key: string): Date | undefined => parseTime(place[key] ?? '');
  const [began, full, previous] = [time('began'), time('full'), time('previous')];
  if (began && full) return { began, since: time('since'), full };
  const isFull = !full || !previous || now.getTime() - full.getTime() >= SEND_AGAIN_MS;
  return { began: now, since: isFull ? undefined : previous, full: isFull ? now : full };
}
