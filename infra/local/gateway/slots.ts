/** Gives a slot back. Further calls do nothing. */
export type Release = () => void;

/** A fixed number of slots, handed out in the order of asking. */
export class Slots {
  readonly #waiting = new Set<() => void>();
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  /** @returns undefined where none became free within `waitMs`, or `signal` was aborted while it waited */
  async take(waitMs: number, signal: AbortSignal): Promise<Release | undefined> {
    if (signal.aborted) return;
    if (this.#free > 0) this.#free -= 1;
    else if (!(await this.#inherit(waitMs, signal))) return;
    let held = true;
    return () => {
      if (held) this.#pass();
      held = false;
    };
  }

  /** Passes the slot directly to the request that has waited longest: in between nobody else can take it. */
  #pass(): void {
    const [next] = this.#waiting;
    if (next) next();
    else this.#free += 1;
  }

  #inherit(waitMs: number, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (mine: boolean) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', giveUp);
        this.#waiting.delete(goOn);
        resolve(mine);
      };
      const goOn = () => settle(true);
      const giveUp = () => settle(false);
      const timer = setTimeout(giveUp, waitMs);
      signal.addEventListener('abort', giveUp, { once: true });
      this.#waiting.add(goOn);
    });
  }
}
