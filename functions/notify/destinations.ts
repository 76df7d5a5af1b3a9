import { Shares } from '../../shared/runtime/shares.ts';

/** Milliseconds: however long a receiver asks to be left alone. */
const MAX_PAUSE_MS = 600_000;
/** More than a deployment allows origins; a wildcard may stand for any number. */
const MAX_PAUSES = 1_000;

/**
 * The origins that this instance posts to: how many callbacks each has under way, so that one that is slow does not hold all
 * of the instance, and until when it wants none.
 */
export class Destinations {
  readonly #underWay: Shares;
  readonly #pausedUntil = new Map<string, number>();
  readonly #now: () => Date;

  constructor(atMost: number, now: () => Date) {
    this.#underWay = new Shares(atMost);
    this.#now = now;
  }

  /** @returns what ends it when it is disposed of; undefined where the origin is to be left alone for now */
  take(origin: string): Disposable | undefined {
    if ((this.#pausedUntil.get(origin) ?? 0) > this.#now().getTime()) return undefined;
    this.#pausedUntil.delete(origin);
    return this.#underWay.take(origin);
  }

  /** @param retryAfter seconds or a date, as a receiver answers it; anything else is ignored */
  pause(origin: string, retryAfter: string | undefined): void {
    const now = this.#now().getTime();
    const until = /^\d{1,9}$/.test(retryAfter ?? '')
      ? now + Number(retryAfter) * 1000
      : Date.parse(retryAfter ?? '');
    if (!(until > now)) return;
    if (this.#pausedUntil.size >= MAX_PAUSES) this.#pausedUntil.clear();
    this.#pausedUntil.set(origin, Math.min(until, now + MAX_PAUSE_MS));
  }
}
