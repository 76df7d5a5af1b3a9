/**
 * How many of something each principal has under way in this instance, and how many it may have. Nothing is known of
 * other instances: docs/adr/0028-fairness.md.
 */
export class Shares {
  readonly atMost: number;
  readonly #taken = new Map<string, number>();

  constructor(atMost: number) {
    this.atMost = atMost;
  }

  /** How many more it may have. */
  left(principal: string): number {
    return this.atMost - (this.#taken.get(principal) ?? 0);
  }

  /** @returns what gives it back when it is disposed of; undefined where the principal has as many as it may */
  take(principal: string): Disposable | undefined {
    if (this.left(principal) <= 0) return undefined;
    this.#add(principal, 1);
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (held) this.#add(principal, -1);
        held = false;
      },
    };
  }

  #add(principal: string, by: 1 | -1): void {
    const taken = (this.#taken.get(principal) ?? 0) + by;
    if (taken > 0) this.#taken.set(principal, taken);
    else this.#taken.delete(principal);
  }
}
