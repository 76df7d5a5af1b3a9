interface Waiting<T> {
  readonly resolve: (item: T) => void;
  readonly reject: (error: Error) => void;
}

/** Collects what arrives, and hands it out one by one to those who wait for it. */
export class Inbox<T> {
  readonly #items: T[] = [];
  readonly #waiting: Waiting<T>[] = [];
  #failure: Error | undefined;

  put(item: T): void {
    const waiting = this.#waiting.shift();
    if (waiting) waiting.resolve(item);
    else this.#items.push(item);
  }

  /** Nothing more will come: those who wait, now or later, get the error. */
  fail(error: Error): void {
    this.#failure = error;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  async take(): Promise<T> {
    const [item] = this.#items.splice(0, 1);
    if (item !== undefined) return item;
    if (this.#failure) throw this.#failure;
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  async takeMany(count: number): Promise<T[]> {
    const items: T[] = [];
    while (items.length < count) items.push(await this.take());
    return items;
  }

  /** Arrived and not yet taken. */
  get size(): number {
    return this.#items.length;
  }
}
