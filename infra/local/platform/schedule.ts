import { setTimeout as delay } from 'node:timers/promises';
import type { Tokens } from '../../emulators/common/iam/tokens.ts';
import type { PlatformConfig } from '../processes/config.ts';
import { emailOf } from '../processes/identity.ts';

/** Calls the services that Cloud Scheduler calls on Google Cloud, until `signal` aborts. */
export function runSchedules(
  config: PlatformConfig,
  urls: { readonly sweeper: string; readonly auditor: string; readonly exporter: string },
  tokens: Pick<Tokens, 'identity'>,
  signal: AbortSignal,
): void {
  const schedules = [
    [urls.sweeper, '/sweep', config.sweepIntervalSeconds],
    [urls.sweeper, '/collect', config.collectIntervalSeconds],
    [urls.sweeper, '/rescan', config.rescanIntervalSeconds],
    [urls.auditor, '/audit', config.auditIntervalSeconds],
    [urls.exporter, '/export', config.exportIntervalSeconds],
  ] as const;
  for (const [service, path, seconds] of schedules) {
    const token = () => tokens.identity(emailOf('schedule'), service);
    void postEvery(seconds, `${service}${path}`, token, signal);
  }
}

/**
 * POSTs to a URL again and again, with an identity token, as Cloud Scheduler would, until `signal` says stop. One that fails is left to the
 * next: who is asked logs why.
 */
async function postEvery(
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
