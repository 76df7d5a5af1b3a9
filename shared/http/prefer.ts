/** Seconds: longer than a client is likely to want, shorter than proxies keep a silent request. */
const MAX_WAIT_SECONDS = 60;

/**
 * The `wait` preference of RFC 7240 section 4.3, in seconds; 0 where there is none. A preference that cannot be
 * read is no error: a server may ignore any.
 */
export function waitSecondsOf(prefer: string | string[] | undefined): number {
  const [, seconds] =
    /(?:^|[,;]\s*)wait\s*=\s*"?(\d{1,9})"?\s*(?:$|[,;])/i.exec([prefer ?? ''].flat().join(',')) ?? [];
  return Math.min(Number(seconds ?? 0), MAX_WAIT_SECONDS);
}
