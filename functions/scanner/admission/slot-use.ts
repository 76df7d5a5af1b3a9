/** How an instance used its slots, on average over a time. */
export interface MeanSlots {
  readonly slotsUsed: number;
  readonly slotsFree: number;
}

interface SlotUseOptions {
  readonly slots: number;
  /** Told once a minute while slots are in use, and not at all while none is. */
  readonly report: (mean: MeanSlots) => void;
  /** Milliseconds on any clock that does not jump. */
  readonly now?: () => number;
}

export const REPORT_MS = 60_000;

/**
 * Measures how many slots are in use. A mean, because a sample now and then would miss scans of milliseconds; and reported
 * while scans run, because those that hang never come to the line that they would write at their end.
 */
export class SlotUse {
  readonly #slots: number;
  readonly #report: (mean: MeanSlots) => void;
  readonly #now: () => number;
  #used = 0;
  /** Slots times milliseconds since `#began`, up to `#changed`. */
  #slotMs = 0;
  #began = 0;
  #changed = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor({ slots, report, now = () => performance.now() }: SlotUseOptions) {
    this.#slots = slots;
    this.#report = report;
    this.#now = now;
  }

  /** A slot was taken, or given back. */
  change(by: 1 | -1): void {
    if (!this.#timer) {
      this.#began = this.#changed = this.#now();
      this.#timer = setInterval(() => this.#endPeriod(), REPORT_MS).unref();
    }
    this.#account();
    this.#used += by;
  }

  #account(): void {
    const now = this.#now();
    this.#slotMs += this.#used * (now - this.#changed);
    this.#changed = now;
  }

  #endPeriod(): void {
    this.#account();
    if (this.#slotMs === 0 && this.#used === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    // Between requests Cloud Run stops the processor, and with it the timer: a late end of a period is no part of it.
    const lastedMs = this.#used > 0 ? this.#changed - this.#began : REPORT_MS;
    const used = Math.min(this.#slots, this.#slotMs / Math.max(lastedMs, 1));
    this.#report({ slotsUsed: rounded(used), slotsFree: rounded(this.#slots - used) });
    this.#slotMs = 0;
    this.#began = this.#changed;
  }
}

const rounded = (slots: number): number => Math.round(slots * 1000) / 1000;
