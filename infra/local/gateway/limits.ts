/**
 * Limits of Cloud Run's front end over HTTP/1: 32 MiB a request, and 32 MiB an answer unless it is chunked.
 * The documentation does not say whether the head counts; here it does, so that what passes here passes there.
 * https://cloud.google.com/run/quotas
 */
export const MESSAGE_BYTES = 32 * 1024 * 1024;

/** Request line and header fields: https://cloud.google.com/load-balancing/docs/quotas#https-lb-header-limits */
export const REQUEST_HEAD_BYTES = 64 * 1024;
/** Same source. */
export const RESPONSE_HEAD_BYTES = 128 * 1024;

/**
 * A request waits for an instance for 10 s or 3.5 times the mean start time, whichever is longer, and is then
 * refused with 429. https://cloud.google.com/run/docs/about-instance-autoscaling#exceeding_maximum_instances
 */
export const PENDING = { leastMs: 10_000, startTimes: 3.5 } as const;

/**
 * Paths that Google's front end keeps for itself: `/eventlog`, all below `/_ah/`, and "some paths that end in z", of
 * which users report `/healthz` and no deeper path (kkdai/linebot-file#5, checkmarble/marble-backend#977). Here every
 * path of one segment that ends in z is kept. https://cloud.google.com/run/docs/known-issues
 */
export function isReserved(path: string): boolean {
  return path === '/eventlog' || path.startsWith('/_ah/') || /^\/[^/]*z$/.test(path);
}
