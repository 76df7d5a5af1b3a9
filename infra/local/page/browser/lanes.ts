/**
 * So many at a time, the rest in line. A browser opens six connections to one host: the live feed holds one, and who
 * takes all of the others makes everybody wait.
 */
export class Lanes {
  #free: number;
  readonly #line: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** Runs `work` once a lane is free. @throws what it throws, or the reason of `signal` where its turn came too late */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((turn) => this.#line.push(turn));
    try {
      signal.throwIfAborted();
      return await work();
    } finally {
      const next = this.#line.shift();
      if (next) next();
      else this.#free++;
    }
  }
}
