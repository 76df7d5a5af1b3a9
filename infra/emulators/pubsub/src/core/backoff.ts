import { isPush, type Subscription } from './subscription.ts';

/** Bounds in milliseconds (cloud.google.com/pubsub/docs/push, "Push backoff"). */
const pushDefault = { minimumBackoff: 100, maximumBackoff: 60_000 };
const pullDefault = { minimumBackoff: 0, maximumBackoff: 0 };

/**
 * Milliseconds to wait before the next delivery of a message that failed `failures` (1 or more) times:
 * the minimum, doubled with every failure, up to the maximum. Without a retry policy a pull subscription
 * redelivers at once.
 */
export function backoff(subscription: Subscription, failures: number): number {
  const policy = subscription.retryPolicy ?? (isPush(subscription) ? pushDefault : pullDefault);
  return Math.min(policy.maximumBackoff, policy.minimumBackoff * 2 ** (failures - 1));
}
