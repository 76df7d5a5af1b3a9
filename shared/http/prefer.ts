/** Seconds: longer than a client is likely to want, shorter than proxies keep a silent request. */
const MAX_WAIT_SECONDS = 60;

/** The members of a list; a comma in a quoted string separates none. */
const MEMBERS = /(?:[^,"]|"(?:[^"\\]|\\.)*")+/g;

/**
 * The `wait` preference of RFC 7240 section 4.3, in seconds; 0 where there is none. Of several the first counts
 * (section 2). A preference that cannot be read is no error: a server may ignore any.
 */
export function waitSecondsOf(prefer: string | string[] | undefined): number {
  for (const member of [prefer ?? ''].flat().join(',').match(MEMBERS) ?? []) {
    const [, seconds] = /^\s*wait\s*=\s*"?(\d+)"?\s*(?:;|$)/i.exec(member) ?? [];
    if (seconds !== undefined) return Math.min(Number(seconds), MAX_WAIT_SECONDS);
  }
  return 0;
}
