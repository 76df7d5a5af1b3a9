/**
 * What Cloud Run's SIGTERM leaves us is ten seconds, of which the platform's own shutdown wants some.
 * https://cloud.google.com/run/docs/container-contract#instance-shutdown
 */
const GRACE_MS = 8_000;

let draining = false;
const stop = new AbortController();
const idle: (() => void)[] = [];
let active = 0;

/** Aborts when the grace is over: whatever still runs then must let go in a way that can be repeated. */
export const shutdownSignal: AbortSignal = stop.signal;

export function isDraining(): boolean {
  return draining;
}

/** Counts a request as in flight, so that the process does not end under it. */
export async function whileServing<T>(serve: () => Promise<T>): Promise<T> {
  active++;
  try {
    return await serve();
  } finally {
    active--;
    if (active === 0) for (const wake of idle.splice(0)) wake();
  }
}

/**
 * Drains on SIGTERM and SIGINT: requests in flight are finished within the grace, then `close` runs, then the
 * process exits. functions-framework registers handlers of its own that exit at once and fail what is in
 * flight (FACTS); those are taken off as they are added.
 */
export function drainOnSignals(close: () => Promise<void> = async () => undefined): void {
  const begin = (): void => {
    if (draining) return;
    draining = true;
    void finish(close);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, begin);
  process.on('newListener', (event: string | symbol, listener: () => void) => {
    if ((event !== 'SIGTERM' && event !== 'SIGINT') || listener === begin) return;
    queueMicrotask(() => process.removeListener(event, listener));
  });
}

async function finish(close: () => Promise<void>): Promise<void> {
  const grace = setTimeout(() => stop.abort(new Error('shutting down')), GRACE_MS);
  await quiet();
  clearTimeout(grace);
  // A connection that will not close must not keep the process until it is killed.
  const limit = setTimeout(() => process.exit(0), 1_000);
  await close().catch(() => undefined);
  clearTimeout(limit);
  process.exit(0);
}

async function quiet(): Promise<void> {
  if (active === 0) return;
  await new Promise<void>((resolve) => idle.push(resolve));
}
