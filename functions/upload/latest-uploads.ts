import type { Progress } from './append.ts';

/** Number of entries of a few KiB each. One that is dropped is asked for again. */
const MOST_KEPT = 256;

/**
 * Tus uploads as this process left them, so that the next request of one need not look for its parts. Whether it
 * still is so shows when the next part is added, whose name must be free, as always.
 */
export class LatestUploads {
  readonly #kept = new Map<string, Progress>();

  keep(progress: Progress): void {
    this.#kept.set(progress.record.id, progress);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MOST_KEPT && oldest !== undefined) this.#kept.delete(oldest);
  }

  /** It is not kept any more: after a request that fails, and for a second one at the same time, the parts decide. */
  take(id: string): Progress | undefined {
    const kept = this.#kept.get(id);
    this.#kept.delete(id);
    return kept;
  }
}
