import type { Logger } from '../runtime/log.ts';

/**
 * Cloud Run's SIGTERM leaves us ten seconds, of which the platform's own shutdown wants some.
 * https://cloud.google.com/run/docs/container-contract#instance-shutdown
 */
const GRACE_MS = 8_000;
/** Milliseconds for connections that will not close. */
const LETTING_GO_MS = 1_000;

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
 * Drains on SIGTERM and SIGINT, and after an uncaught error: requests in flight are finished within the
 * grace, then `close` runs, then the process exits. functions-framework registers handlers that exit at
 * once and fail what is in flight (docs/platform-facts.md#signals); those are taken off as they are added.
 */
export function drainOnSignals(
  log: Pick<Logger, 'fatal'>,
  close: () => Promise<void> = async () => undefined,
): void {
  const begin = (exitCode: number): void => {
    if (draining) return;
    draining = true;
    void finish(close, exitCode);
  };
  const asked = (): void => begin(0);
  // The state it left is not known, so the process ends; other requests are not its fault.
  const failed = (error: unknown): void => {
    log.fatal({ err: error }, 'uncaught error');
    begin(1);
  };
  process.on('SIGTERM', asked).on('SIGINT', asked).on('uncaughtException', failed);
  const replaced = new Set<string | symbol>(['SIGTERM', 'SIGINT', 'uncaughtException', 'unhandledRejection']);
  process.on('newListener', (event: string | symbol, listener: () => void) => {
    if (replaced.has(event)) queueMicrotask(() => process.removeListener(event, listener));
  });
}

async function finish(close: () => Promise<void>, exitCode: number): Promise<void> {
  const grace = setTimeout(() => stop.abort(new Error('shutting down')), GRACE_MS);
  // Connections that stay open must not keep the process: Cloud Run would kill it, but only after a signal.
  setTimeout(() => process.exit(exitCode), GRACE_MS + LETTING_GO_MS);
  await quiet();
  clearTimeout(grace);
  const limit = setTimeout(() => process.exit(exitCode), LETTING_GO_MS);
  await close().catch(() => undefined);
  clearTimeout(limit);
  process.exit(exitCode);
}

async function quiet(): Promise<void> {
  if (active === 0) return;
  await new Promise<void>((resolve) => idle.push(resolve));
}
