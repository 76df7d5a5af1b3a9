import type { Operation, Target } from '../operation.ts';

export type Effect =
  /** Refused, or with `when: 'after'` refused although it took effect. `retryAfter` in seconds. */
  | {
      readonly kind: 'error';
      readonly status: number;
      readonly reason?: string | undefined;
      readonly retryAfter?: number | undefined;
      readonly when?: 'before' | 'after' | undefined;
    }
  /** Takes effect so much later, or once the faults are cleared. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** The connection is cut before the operation takes effect, or after it did and before the answer. */
  | { readonly kind: 'reset'; readonly when: 'before' | 'after' }
  /** A media answer, or the request of an upload, is cut after so many bytes; with `status`, it is refused after them. */
  | { readonly kind: 'truncate'; readonly bytes: number; readonly status?: number | undefined }
  /** Never answered, and nothing takes effect, or with `when: 'after'` everything does. */
  | { readonly kind: 'stall'; readonly when?: 'before' | 'after' | undefined }
  /** One byte of a media answer is flipped. */
  | { readonly kind: 'corrupt' }
  /** A notification is delivered twice. */
  | { readonly kind: 'duplicate' };

export interface FaultRule {
  readonly operation: Operation;
  readonly bucket?: string | undefined;
  /**
   * An upload whose name comes in its body, and not in its query, has the empty name here; a chunk has the
   * name of its session.
   */
  readonly namePrefix?: string | undefined;
  /** The first matching call that it strikes, from 1; by default the first. */
  readonly nth?: number | undefined;
  /** How many calls in a row it strikes; by default 1 where `nth` is given, and else all. */
  readonly times?: number | undefined;
  readonly effect: Effect;
}

/** Faults to order, for tests and for trying things out. */
export class Faults {
  #rules: { readonly rule: FaultRule; matches: number }[] = [];
  #struck = 0;
  #cleared = new AbortController();

  /** @returns how many calls have matched it so far */
  add(rule: FaultRule): () => number {
    const entry = { rule, matches: 0 };
    this.#rules.push(entry);
    return () => entry.matches;
  }

  /** How many effects have struck since the last {@link clear}. */
  get struck(): number {
    return this.#struck;
  }

  /** Aborted by the next {@link clear}. */
  get cleared(): AbortSignal {
    return this.#cleared.signal;
  }

  clear(): void {
    this.#rules = [];
    this.#struck = 0;
    this.#cleared.abort();
    this.#cleared = new AbortController();
  }

  /** The fault for this call; every rule that matches counts it. */
  strike(operation: Operation, targets: readonly Target[]): Effect[] {
    const effects: Effect[] = [];
    for (const entry of this.#rules) {
      const { rule } = entry;
      if (rule.operation !== operation || !targets.some((target) => concerns(rule, target))) continue;
      entry.matches += 1;
      const first = rule.nth ?? 1;
      const times = rule.times ?? (rule.nth === undefined ? Number.POSITIVE_INFINITY : 1);
      if (entry.matches >= first && entry.matches < first + times) effects.push(rule.effect);
    }
    this.#struck += effects.length;
    return effects;
  }
}

const concerns = (rule: FaultRule, target: Target): boolean =>
  (rule.bucket === undefined || rule.bucket === target.bucket) &&
  target.name.startsWith(rule.namePrefix ?? '');
