import { OPERATION_CLASSES, type Operation, type OperationClass } from './operation.ts';

/** Calls of one operation. `errors` are answers of 400 and more and cut connections. Sizes in bytes. */
interface Count {
  calls: number;
  errors: number;
  bytesIn: number;
  bytesOut: number;
}

export interface OperationReport {
  readonly operations: Readonly<Partial<Record<Operation, Readonly<Count>>>>;
  /** Successful calls by price class; failed ones are not charged. */
  readonly classes: Readonly<Record<OperationClass, number>>;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Answers of 429 for more than one mutation a second to a name; only with the limit on. */
  readonly mutationsRefused: number;
  /** Buckets and names of those, the first twenty. */
  readonly namesRefused: readonly string[];
}

const MOST_NAMES = 20;

/** Counts what the emulator was asked, to reckon operations per file. */
export class OperationCounts {
  #mutationsRefused = 0;
  readonly #namesRefused: string[] = [];
  readonly #counts = new Map<Operation, Count>();

  /** The running count of an operation, to be added to. */
  of(operation: Operation): Count {
    const existing = this.#counts.get(operation);
    if (existing !== undefined) return existing;
    const count: Count = { calls: 0, errors: 0, bytesIn: 0, bytesOut: 0 };
    this.#counts.set(operation, count);
    return count;
  }

  /** @param id bucket and name of an object that was written too often */
  mutationRefused(id: string): void {
    this.#mutationsRefused += 1;
    if (this.#namesRefused.length < MOST_NAMES) this.#namesRefused.push(id);
  }

  reset(): void {
    this.#counts.clear();
    this.#mutationsRefused = 0;
    this.#namesRefused.length = 0;
  }

  report(): OperationReport {
    const classes = { A: 0, B: 0, free: 0 };
    const operations: Partial<Record<Operation, Count>> = {};
    let bytesIn = 0;
    let bytesOut = 0;
    for (const [operation, count] of this.#counts) {
      operations[operation] = { ...count };
      classes[OPERATION_CLASSES[operation]] += count.calls - count.errors;
      bytesIn += count.bytesIn;
      bytesOut += count.bytesOut;
    }
    return {
      operations,
      classes,
      bytesIn,
      bytesOut,
      mutationsRefused: this.#mutationsRefused,
      namesRefused: [...this.#namesRefused],
    };
  }
}
