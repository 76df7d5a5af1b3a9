import { MAX_FIELD_LENGTH, membersOf } from './list.ts';

/** Seconds: longer than a client is likely to want, shorter than proxies keep a silent request. */
const MAX_WAIT_SECONDS = 60;

/**
 * The `wait` preference of RFC 7240 section 4.3, in seconds; 0 where there is none. Of several the first counts
 * (section 2). A preference that cannot be read, or is too long to be meant, is no error: a server may ignore any.
 */
export function waitSecondsOf(prefer: string | string[] | undefined): number {
  const list = [prefer ?? ''].flat().join(',');
  if (list.length > MAX_FIELD_LENGTH) return 0;
  for (const member of membersOf(list, { escapes: true })) {
    const [, seconds] = /^wait\s*=\s*"?(\d+)"?\s*(?:;|$)/i.exec(member) ?? [];
    if (seconds !== undefined) return Math.min(Number(seconds), MAX_WAIT_SECONDS);
  }
  return 0;
}
