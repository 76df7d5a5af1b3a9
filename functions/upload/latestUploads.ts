import type { Versioned } from '../../shared/files/records.ts';
import type { TusRecord } from '../../shared/files/uploading.ts';

/** Of a few KiB each. One that is dropped is asked for again. */
const MOST_KEPT = 256;

/**
 * Tus uploads as this process wrote them last, so that the next request of one need not ask for its record. Whether it still is
 * the one shows when it is written, by compare-and-swap, as always.
 */
export class LatestUploads {
  readonly #kept = new Map<string, Versioned<TusRecord>>();

  keep(written: Versioned<TusRecord>): void {
    this.#kept.set(written.record.id, written);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MOST_KEPT && oldest !== undefined) this.#kept.delete(oldest);
  }

  /** It is not kept any more: after a request that fails, and for a second one at the same time, the record decides. */
  take(id: string): Versioned<TusRecord> | undefined {
    const kept = this.#kept.get(id);
    this.#kept.delete(id);
    return kept;
  }
}
