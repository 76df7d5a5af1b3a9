interface Waiting {
  readonly size: number;
  readonly begin: () => void;
}

/**
 * So many at a time, the rest in line, the smallest first. A browser opens six connections to one host: the live feed
 * holds one, and whatever takes all of the others makes everybody wait.
 */
export class Lanes {
  #free: number;
  readonly #line: Waiting[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /**
   * Runs `work` once a lane is free.
   * @param size smaller ones overtake larger ones in the line
   * @throws what it throws, or the reason of `signal` when that comes before its turn
   */
  async run<T>(signal: AbortSignal, work: () => Promise<T>, size = 0): Promise<T> {
    signal.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else await this.#turn(signal, size);
    try {
      signal.throwIfAborted();
      return await work();
    } finally {
      const next = this.#line.shift();
      if (next) next.begin();
      else this.#free++;
    }
  }

  #turn(signal: AbortSignal, size: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#line.splice(this.#line.indexOf(waiting), 1);
        reject(signal.reason);
      };
      const begin = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const waiting = { size, begin };
      const at = this.#line.findIndex((other) => other.size > size);
      this.#line.splice(at < 0 ? this.#line.length : at, 0, waiting);
      signal.addEventListener('abort', leave, { once: true });
    });
  }
}
