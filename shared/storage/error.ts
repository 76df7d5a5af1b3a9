/** Statuses after which the same request may succeed: https://cloud.google.com/storage/docs/retry-strategy */
const TRANSIENT = new Set([0, 408, 429, 500, 502, 503, 504]);

/**
 * A call to Cloud Storage that failed for a reason the caller did not ask about: 404 and 412 are values of
 * the operations that expect them, everything else is one of these.
 */
export class StorageError extends Error {
  override readonly name = 'StorageError';
  /** JSON API method, such as `objects.insert`. */
  readonly operation: string;
  /** HTTP status; 0 if there was no response (connection, deadline). */
  readonly status: number;
  /** Google's `errors[0].reason`, or a reason of this service if there was no response. */
  readonly reason: string;
  /** Milliseconds the server asked us to wait. */
  readonly retryAfterMs: number | undefined;

  constructor(
    operation: string,
    failure: { status: number; reason: string; message?: string; retryAfterMs?: number | undefined },
    options?: ErrorOptions,
  ) {
    super(
      `${operation}: ${failure.status || 'no answer'} ${failure.reason}: ${failure.message ?? ''}`,
      options,
    );
    this.operation = operation;
    this.status = failure.status;
    this.reason = failure.reason;
    this.retryAfterMs = failure.retryAfterMs;
  }

  /** Rate limit for concurrent writes to one object: https://cloud.google.com/storage/quotas#objects */
  get contended(): boolean {
    return this.status === 429 || this.reason === 'contention';
  }

  get transient(): boolean {
    return TRANSIENT.has(this.status) && this.reason !== 'aborted';
  }
}
