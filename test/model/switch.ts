export type Known = 'on' | 'off' | 'unknown';

/**
 * The knowledge that a client has of something that it turns on, perhaps until some time, and off: nothing while a request is under way, and nothing after one
 * that was cut off or overlapped with another, until the next.
 */
export class Switch {
  #known: Known = 'off';
  #underWay = 0;
  #begun = 0;
  #until: number | undefined;
  /** Milliseconds of each time until which it was to be on. */
  readonly asked: (number | undefined)[] = [];

  get known(): Known {
    return this.#underWay > 0 ? 'unknown' : this.#known;
  }

  /** Milliseconds; undefined where it has no end, or that is not known. */
  get until(): number | undefined {
    return this.known === 'on' ? this.#until : undefined;
  }

  /** The same at a time: what was on until then is off. */
  knownAt(now: number): Known {
    return this.until !== undefined && this.until <= now ? 'off' : this.known;
  }

  /** @param request false where it was refused, and so changed nothing */
  async turn(to: 'on' | 'off', request: () => Promise<boolean>, until?: number): Promise<void> {
    if (to === 'on') this.asked.push(until);
    const before = this.known;
    const alone = this.#underWay === 0;
    const begun = ++this.#begun;
    this.#known = 'unknown';
    this.#underWay++;
    try {
      const done = await request();
      if (!alone || begun !== this.#begun) return;
      this.#known = done ? to : before;
      if (done) this.#until = until;
    } finally {
      this.#underWay--;
    }
  }

  /** @returns what was known from now until it is called, at this time */
  watch(now: number): () => Known {
    const begun = this.#begun;
    const known = this.knownAt(now);
    return () => (begun === this.#begun ? known : 'unknown');
  }
}
