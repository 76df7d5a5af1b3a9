type Labels = Readonly<Record<string, string>>;

/** Minutes between two samples. */
const STEP_MINUTES = 2;

/** Time series of made-up values, by the minute, as text of OpenMetrics. */
export class Samples {
  readonly #lines: string[] = [];
  readonly #start: number;
  readonly #minutes: number;

  /** @param start seconds since 1970 @param minutes from then on */
  constructor(start: number, minutes: number) {
    this.#start = start;
    this.#minutes = minutes;
  }

  /** @param value at a minute */
  gauge(metric: string, labels: Labels, value: (minute: number) => number): void {
    const said = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
    for (let minute = 0; minute <= this.#minutes; minute += STEP_MINUTES) {
      this.#lines.push(`${metric}{${said}} ${value(minute)} ${this.#start + minute * 60}`);
    }
  }

  /** @param rate what comes to it in a minute */
  counter(metric: string, labels: Labels, rate: (minute: number) => number): void {
    let counted = 0;
    this.gauge(metric, labels, (minute) => {
      if (minute > 0) counted += rate(minute) * STEP_MINUTES;
      return counted;
    });
  }

  /** @param seen values, and how often each comes in a minute */
  distribution(
    metric: string,
    labels: Labels,
    bounds: readonly number[],
    seen: (minute: number) => readonly (readonly [value: number, rate: number])[],
  ): void {
    const total = (minute: number, of: (value: number) => number) =>
      seen(minute).reduce((sum, [value, rate]) => sum + rate * of(value), 0);
    for (const bound of [...bounds, Number.POSITIVE_INFINITY]) {
      const le = bound === Number.POSITIVE_INFINITY ? '+Inf' : String(bound);
      this.counter(`${metric}_bucket`, { ...labels, le }, (minute) =>
        total(minute, (value) => Number(value <= bound)),
      );
    }
    this.counter(`${metric}_count`, labels, (minute) => total(minute, () => 1));
    this.counter(`${metric}_sum`, labels, (minute) => total(minute, (value) => value));
  }

  toString(): string {
    return `${this.#lines.join('\n')}\n# EOF\n`;
  }
}
