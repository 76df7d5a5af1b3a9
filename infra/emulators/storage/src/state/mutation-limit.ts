import { ApiError } from '../api-error.ts';
import type { Target } from '../operation.ts';

const INTERVAL_MS = 1000;

interface MutationLimitOptions {
  readonly enabled: boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** @param id bucket and name of the object */
  readonly onRefused: (id: string) => void;
}

/**
 * One mutation (create, update or delete, of metadata too) a second to an object name. Cloud Storage says that it
 * might refuse more; this always does. A request that changes nothing does not count.
 * Source: https://cloud.google.com/storage/quotas#objects and https://cloud.google.com/storage/docs/gcs429
 */
export class MutationLimit {
  enabled: boolean;
  readonly #options: MutationLimitOptions;
  /** Last writes by name, the oldest first. */
  readonly #last = new Map<string, number>();

  constructor(options: MutationLimitOptions) {
    this.#options = options;
    this.enabled = options.enabled;
  }

  /** @throws ApiError 429 within a second of the last mutation of the name */
  check(target: Target): void {
    if (!this.enabled) return;
    const last = this.#last.get(idOf(target));
    if (last === undefined || this.#options.now() - last >= INTERVAL_MS) return;
    this.#options.onRefused(idOf(target));
    throw new ApiError(
      429,
      'rateLimitExceeded',
      `The object ${idOf(target)} exceeded the rate limit for object mutation operations (create, update, and ` +
        'delete). Please reduce your request rate. See https://cloud.google.com/storage/docs/gcs429.',
    );
  }

  /** Starts the second of a name, after a mutation took effect. */
  record(target: Target): void {
    if (!this.enabled) return;
    const now = this.#options.now();
    for (const [id, at] of this.#last) {
      if (now - at < INTERVAL_MS) break;
      this.#last.delete(id);
    }
    this.#last.delete(idOf(target));
    this.#last.set(idOf(target), now);
  }
}

const idOf = ({ bucket, name }: Target): string => `${bucket}/${name}`;
