import { randomUUID } from 'node:crypto';
import { parseCount } from '../../shared/files/fields.ts';
import { Cursor } from './cursor.ts';
import type { SweeperDeps } from './sweeper.ts';

const NAME = 'sweeper/rescan-budget';
/** The share of a day that is reserved at a time, so that a process which dies loses no more. */
const PORTION = 1 / 20;
/** A portion is not smaller: each is a write, and the name takes one a second. */
const LEAST_FILES = 100;
const LEAST_BYTES = 1_073_741_824;

/** A number of contents, and bytes of them. */
interface Amount {
  readonly files: number;
  readonly bytes: number;
}

/** A part of a day's budget that nobody else may spend. */
export interface Reserved extends Amount {
  readonly day: string;
}

interface BudgetDeps extends PerDay, Pick<SweeperDeps, 'permanent' | 'now'> {}

/** A budget. */
export interface PerDay {
  /** The most contents and bytes that are sent in a day (UTC). */
  readonly filesPerDay: number;
  readonly bytesPerDay: number;
}

/**
 * The contents and bytes that are sent to the rescanner in a day, by whichever walk. A part is reserved by a compare-and-swap before it is
 * spent: any number of walks at the same time spend a day's budget once. A process that dies leaves its part as spent.
 * docs/adr/0034-re-scan.md
 */
export class RescanBudget {
  readonly #deps: BudgetDeps;

  constructor(deps: BudgetDeps) {
    this.#deps = deps;
  }

  /**
   * @param least bytes that are needed to go on. More than the budget of a day is reserved of a day of which nothing is spent: else a
   *   content of that size would never be sent.
   * @returns undefined where too little is left of the day
   * @throws {StorageError}
   */
  async reserve(least: number): Promise<Reserved | undefined> {
    const { filesPerDay, bytesPerDay } = this.#deps;
    for (;;) {
      const { cursor, day, spent } = await this.#read();
      const left = { files: filesPerDay - spent.files, bytes: bytesPerDay - spent.bytes };
      const isUntouched = spent.files === 0 && spent.bytes === 0;
      if (left.files <= 0 || left.bytes <= 0 || (left.bytes < least && !isUntouched)) return undefined;
      const files = Math.min(left.files, Math.max(LEAST_FILES, Math.ceil(filesPerDay * PORTION)));
      const portion = Math.max(LEAST_BYTES, Math.ceil(bytesPerDay * PORTION));
      const bytes = Math.max(least, Math.min(left.bytes, portion));
      const after = { files: spent.files + files, bytes: spent.bytes + bytes };
      if (await this.#write(cursor, day, after)) return { day, files, bytes };
    }
  }

  /** Returns what was reserved and not spent, unless its day is over. @throws {StorageError} */
  async refund({ day, files, bytes }: Reserved): Promise<void> {
    if (files <= 0 && bytes <= 0) return;
    for (;;) {
      const current = await this.#read();
      if (current.day !== day) return;
      const { spent } = current;
      const after = { files: Math.max(0, spent.files - files), bytes: Math.max(0, spent.bytes - bytes) };
      if (await this.#write(current.cursor, day, after)) return;
    }
  }

  /** The part of this day's budget that is spent or reserved. @throws {StorageError} */
  async spent(): Promise<Amount> {
    return (await this.#read()).spent;
  }

  async #read(): Promise<{ cursor: Cursor; day: string; spent: Amount }> {
    const cursor = await Cursor.open(this.#deps.permanent, NAME);
    const day = this.#deps.now().toISOString().slice(0, 10);
    const { place } = cursor;
    const spentOf = (key: string) => (place['day'] === day && parseCount(place[key] ?? '')) || 0;
    return { cursor, day, spent: { files: spentOf('files'), bytes: spentOf('bytes') } };
  }

  #write(cursor: Cursor, day: string, { files, bytes }: Amount): Promise<boolean> {
    // Two walks may reserve the same at the same time: a try again must not take the other's write for its own.
    return cursor.save({ day, files: String(files), bytes: String(bytes), write: randomUUID() });
  }
}
