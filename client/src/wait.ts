import { backoffMs, sleep } from './backoff.ts';
import { FileshareTimeout } from './errors.ts';
import { type DecidedHandle, type Handle, isUnderWay } from './handle.ts';
import type { Call } from './http.ts';
import type { WaitOptions } from './options.ts';

/** Seconds: longer polls are cut off by proxies, and the service allows 60. */
const POLL_SECONDS = 30;

/**
 * Polls until the service has decided on a file.
 * @param status asks for the handle once
 * @throws {FileshareTimeout}
 */
export async function waitForVerdict(
  id: string,
  status: (call: Call) => Promise<Handle>,
  { timeout = Number.POSITIVE_INFINITY, signal, onProgress }: WaitOptions = {},
): Promise<DecidedHandle> {
  const end = Date.now() + timeout * 1000;
  for (let attempt = 0; ; attempt++) {
    const seconds = Math.max(0, Math.min(POLL_SECONDS, Math.ceil((end - Date.now()) / 1000)));
    const headers = { prefer: `wait=${seconds}` };
    const asked = Date.now();
    const handle = await status({ signal, headers, patienceMs: seconds * 1000 });
    if (!isUnderWay(handle)) return handle;
    onProgress?.(handle);
    const left = end - Date.now();
    if (left <= 0) throw new FileshareTimeout(`${id} is still ${handle.state} after ${timeout} s`);
    // A server that answers at once, without news, is not asked again at once.
    if (Date.now() - asked < seconds * 500) await sleep(Math.min(left, backoffMs(attempt)), signal);
  }
}
