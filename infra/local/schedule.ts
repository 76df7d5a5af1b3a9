import { setTimeout as delay } from 'node:timers/promises';

/**
 * POSTs to a URL again and again, as Cloud Scheduler would, until `signal` says stop. One that fails is left to the
 * next: who is asked logs why.
 */
export async function postEvery(seconds: number, url: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await delay(seconds * 1000, undefined, { signal });
      const response = await fetch(url, { method: 'POST', signal });
      await response.arrayBuffer();
    } catch {
      // Stopped, or not to be reached now.
    }
  }
}
