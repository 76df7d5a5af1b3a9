/** How Cloud Run runs a service. */
export interface Scaling {
  /** Requests that one instance gets at a time. */
  readonly concurrency: number;
  readonly minInstances: number;
  readonly maxInstances: number;
  /** Seconds until a new instance takes requests: of the scanner, mostly ClamAV's signatures being loaded. */
  readonly startSeconds: number;
  /**
   * Whether as many start together as requests ask for, as Cloud Run documents, or one after the other, which is the slowest that
   * its documentation would allow.
   */
  readonly starts: 'together' | 'oneByOne';
}

/** Share of the concurrency: https://cloud.google.com/run/docs/about-instance-autoscaling */
const UTILIZATION = 0.6;

/** @returns instances to start now, for so many requests under way and waiting */
export function instancesToStart(
  { concurrency, maxInstances, starts }: Scaling,
  { requests, running, starting }: { requests: number; running: number; starting: number },
): number {
  const wanted = Math.min(maxInstances, Math.ceil(requests / (concurrency * UTILIZATION)));
  const missing = Math.max(0, wanted - running - starting);
  if (starts === 'together') return missing;
  return starting === 0 ? Math.min(1, missing) : 0;
}

/** How a request goes through an instance of the scanner. Seconds; from a measurement. */
export interface ServiceTimes {
  /** Seconds before it wants a slot, and after it has given the slot back. */
  readonly outsideSlot: number;
  /** Seconds for which it holds a slot. */
  readonly inSlot: number;
}

/** How many scans an instance takes. */
export interface Slots {
  readonly slots: number;
  /** Those that may wait; one more is refused. */
  readonly queue: number;
}

/** One instance, in which slots are handed out in the order of asking. */
export class Instance {
  requests = 0;
  #busy = 0;
  readonly #limits: Slots;
  readonly #waiting: (() => void)[] = [];

  constructor(limits: Slots) {
    this.#limits = limits;
  }

  /** Calls `begin` once there is a slot. @returns false where none may be waited for */
  takeSlot(begin: () => void): boolean {
    if (this.#busy < this.#limits.slots) {
      this.#busy += 1;
      begin();
      return true;
    }
    if (this.#waiting.length >= this.#limits.queue) return false;
    this.#waiting.push(begin);
    return true;
  }

  giveSlotBack(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#busy -= 1;
  }
}
