const PREFIX = 'hops-fileshare:upload:';

/** Forgets uploads that others have begun in this browser. @param principal whose are kept; without it, none */
export function forgetResumePoints(principal?: string): void {
  for (const key of Object.keys(localStorage)) {
    if (!key.startsWith(PREFIX)) continue;
    if (principal === undefined || !key.startsWith(`${PREFIX}${principal} `)) localStorage.removeItem(key);
  }
}
