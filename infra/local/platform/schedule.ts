import { setTimeout as delay } from 'node:timers/promises';

/**
 * POSTs to a URL again and again, with an identity token, as Cloud Scheduler would, until `signal` says stop. One that fails is left to the
 * next: who is asked logs why.
 */
export async function postEvery(
  seconds: number,
  url: string,
  token: () => Promise<string>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await delay(seconds * 1000, undefined, { signal });
      const headers = { authorization: `Bearer ${await token()}` };
      const response = await fetch(url, { method: 'POST', headers, signal });
      await response.arrayBuffer();
    } catch {
      // Stopped, or not to be reached now.
    }
  }
}
