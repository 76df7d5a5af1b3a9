/** Ctrl-C in `npm start` arrives twice, from the terminal and from npm, a few ms apart: that is still one. */
const SAME_KEYSTROKE_MS = 400;
/** 128 and the number of SIGINT, as a shell reports it. */
const INTERRUPTED = 130;

/**
 * Aborted at the first SIGINT, SIGTERM or SIGHUP. At the next one the process exits at once, which kills
 * every process that it guards.
 */
export function untilStopped(print: (line: string) => void): AbortSignal {
  const stop = new AbortController();
  let askedAt: number | undefined;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (askedAt !== undefined && performance.now() - askedAt > SAME_KEYSTROKE_MS) process.exit(INTERRUPTED);
      if (askedAt !== undefined) return;
      askedAt = performance.now();
      print('\nStopping: requests under way are finished (Ctrl-C again stops at once).');
      stop.abort();
    });
  }
  return stop.signal;
}
