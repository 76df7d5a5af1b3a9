import { setTimeout as delay } from 'node:timers/promises';
import { StorageError } from './error.ts';

export interface RetryPolicy {
  /** Maximum number of attempts, including the first. */
  readonly attempts: number;
  /** Milliseconds: the first pause is drawn from base / 2..base, and both double with each try. */
  readonly baseMs: number;
  /** Milliseconds: upper limit of a pause. */
  readonly maxMs: number;
  /** Milliseconds for all attempts and pauses together; no pause starts that would exceed it. */
  readonly totalMs: number;
  /** Waits so many milliseconds; a timer by default. */
  readonly pause?: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
}

export const DEFAULT_RETRY: RetryPolicy = { attempts: 6, baseMs: 200, maxMs: 10_000, totalMs: 90_000 };

/**
 * Runs `attempt` until it returns, throws an error that is not transient, or exhausts the policy. Only for idempotent
 * calls. `attempt` receives the number of earlier attempts: after the first, a 404 or 412 may result from an earlier
 * attempt whose response was lost.
 *
 * Half of each pause is fixed and half is random, so that clients that failed together do not retry together. The
 * pauses of the default policy add up to at least 3.1 s, because a name accepts one write per second:
 * https://cloud.google.com/storage/quotas#objects.
 * @throws the last error of `attempt`
 */
export async function retrying<T>(
  policy: RetryPolicy,
  signal: AbortSignal | undefined,
  attempt: (triesBefore: number) => Promise<T>,
): Promise<T> {
  const end = performance.now() + policy.totalMs;
  for (let tries = 0; ; tries++) {
    try {
      return await attempt(tries);
    } catch (error) {
      if (!(error instanceof StorageError) || !error.transient || tries + 1 >= policy.attempts) throw error;
      const bound = Math.min(policy.maxMs, policy.baseMs * 2 ** tries);
      const jittered = (bound * (1 + Math.random())) / 2;
      const pause = Math.max(jittered, error.retryAfterMs ?? 0);
      if (performance.now() + pause > end) throw error;
      await (policy.pause ?? timer)(pause, signal);
    }
  }
}

/** Waits so many milliseconds. @throws an AbortError where the signal aborts */
export async function timer(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await delay(ms, undefined, signal ? { signal } : {});
}
