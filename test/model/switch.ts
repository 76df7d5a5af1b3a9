export type Known = 'on' | 'off' | 'unknown';

/**
 * The knowledge that a client has of something that it turns on and off: nothing while a request is under way, and nothing after one
 * that was cut off or overlapped with another, until the next.
 */
export class Switch {
  #known: Known = 'off';
  #underWay = 0;
  #begun = 0;

  get known(): Known {
    return this.#underWay > 0 ? 'unknown' : this.#known;
  }

  /** @param request false where it was refused, and so changed nothing */
  async turn(to: 'on' | 'off', request: () => Promise<boolean>): Promise<void> {
    const before = this.known;
    const alone = this.#underWay === 0;
    const begun = ++this.#begun;
    this.#known = 'unknown';
    this.#underWay++;
    try {
      const done = await request();
      if (alone && begun === this.#begun) this.#known = done ? to : before;
    } finally {
      this.#underWay--;
    }
  }

  /** @returns what was known from now until it is called */
  watch(): () => Known {
    const begun = this.#begun;
    const { known } = this;
    return () => (begun === this.#begun ? known : 'unknown');
  }
}
