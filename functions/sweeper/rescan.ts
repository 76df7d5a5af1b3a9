import { randomUUID } from 'node:crypto';
import { group, optional, parseTime, time } from '../../shared/files/fields.ts';
import type { Counts } from './count-outcomes.ts';
import { Cursor, type Place } from './cursor.ts';
import { type RescanAges, rescanDueAt } from './due.ts';
import { type SendDeps, sendRescans } from './send-rescans.ts';
import type { SweepTerms } from './sweep-terms.ts';

/** A content that was sent and is still due is sent again after so long: its request may have been given up. */
const SEND_AGAIN_MS = 86_400_000;

export interface RescanDeps extends SendDeps, RescanAges {}

type RescanOutcome =
  /** Not due yet, or never again. */
  | 'young'
  /** Due, and sent by an earlier walk not long ago. */
  | 'sent'
  | 'requested';

export interface RescanReport {
  readonly blobs: Readonly<Counts<RescanOutcome>>;
  /** Age of the oldest request for a scan that was seen and not answered yet, or of a walk that is not at its end. */
  readonly behindSeconds: number;
  /** Spent of the day's budget, by whichever walk. */
  readonly files: number;
  readonly bytes: number;
  /** False where the time or the budget was used up first: the next call goes on from there. */
  readonly complete: boolean;
}

/** A walk, as its place is kept. */
interface Begun {
  /** When a walk that sent all that was due last began. */
  readonly full: Date;
  readonly began: Date;
  /** An earlier walk sent all that became due until then; undefined: all that is due is sent. */
  readonly since?: Date | undefined;
}

const BEGUN = group<Begun>({ full: time('full'), began: time('began'), since: optional(time('since')) });

/**
 * Asks for a scan of every stored content that is due for one, within the budget of the day.
 * docs/adr/0034-re-scan.md
 * @throws {StorageError} where the bucket cannot be listed
 */
export async function requestRescans(deps: RescanDeps, terms: SweepTerms): Promise<RescanReport> {
  if (deps.afterDays.length === 0 && deps.everyDays === undefined) {
    return { blobs: {}, behindSeconds: 0, files: 0, bytes: 0, complete: true };
  }
  const now = deps.now();
  const cursor = await Cursor.open(deps.permanent, 'sweeper/rescan');
  const walking = begun(cursor.place, now);
  const walker = randomUUID();
  const placeOf = (places: Place): Place => ({ ...places, ...BEGUN.write(walking), walker });
  let behindMs = 0;
  const { blobs, places, overtaken } = await sendRescans(deps, {
    ...terms,
    places: cursor.place,
    pick: (blob): Date | 'young' | 'sent' => {
      const dueAt = rescanDueAt(blob, deps);
      if (!dueAt || dueAt > now) return 'young';
      behindMs = Math.max(behindMs, now.getTime() - dueAt.getTime());
      return walking.since && dueAt <= walking.since ? 'sent' : dueAt;
    },
    keep: (sent) => cursor.save(placeOf(sent.places ?? {})),
  });
  if (places) behindMs = Math.max(behindMs, now.getTime() - walking.began.getTime());
  const { full = '', began = '' } = BEGUN.write(walking);
  if (!overtaken) await cursor.save(places ? placeOf(places) : { full, previous: began });
  const behindSeconds = Math.round(behindMs / 1000);
  return { blobs, ...(await deps.budget.spent()), behindSeconds, complete: !places };
}

/** The walk that was stopped, or a new one. */
function begun(place: Place, now: Date): Begun {
  const known = BEGUN.read(place, () => undefined);
  if (known) return known;
  const [full, previous] = [parseTime(place['full'] ?? ''), parseTime(place['previous'] ?? '')];
  const isFull = !full || !previous || now.getTime() - full.getTime() >= SEND_AGAIN_MS;
  return isFull ? { full: now, began: now } : { full, began: now, since: previous };
}
