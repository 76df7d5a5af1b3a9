import { setTimeout as delay } from 'node:timers/promises';

const RETRY_MS = 100;
const ALREADY_EXISTS = 409;

/**
 * Asks a Pub/Sub emulator, which may be Google's and may still be starting, again and again until it does what it
 * is asked for or `signal` says stop.
 * @returns false where what was to be created exists
 */
export async function ask(
  method: 'PUT' | 'POST',
  url: string,
  body: object,
  signal: AbortSignal,
): Promise<boolean> {
  while (true) {
    try {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(url, { method, headers, body: JSON.stringify(body), signal });
      await response.arrayBuffer();
      if (response.ok) return true;
      if (response.status === ALREADY_EXISTS) return false;
    } catch {
      signal.throwIfAborted();
    }
    await delay(RETRY_MS, undefined, { signal });
  }
}
