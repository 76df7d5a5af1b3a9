import { PENDING } from '../../infra/local/gateway/limits.ts';
import { moduleDefaults } from '../stage/module-defaults.ts';
import type { ServiceTimes } from './scaling.ts';
import type { Burst } from './simulate.ts';

/** Time until ClamAV has loaded official signatures; its startup probe waits for 240 s at most. Assumed. */
const START_SECONDS = 30;

/** Files that arrive within a minute at a deployment with the module's defaults, of which one scanner is warm. */
export function defaultBurst(
  files: number,
  times: ServiceTimes,
  starts: Burst['scaling']['starts'],
  seed = 1,
): Burst {
  const { concurrency, maxInstances, scanSlots, scanQueue, push } = moduleDefaults();
  return {
    files,
    withinSeconds: 60,
    seed,
    scaling: {
      concurrency: concurrency.scanner,
      minInstances: 1,
      maxInstances: maxInstances.scanner,
      startSeconds: START_SECONDS,
      starts,
    },
    limits: { slots: scanSlots, queue: scanQueue },
    times,
    pendingSeconds: Math.max(PENDING.leastMs / 1000, PENDING.startTimes * START_SECONDS),
    push,
  };
}

/** The time that a request of a scanner takes, of which a measurement says how many it decides a second. */
export function timesAt(filesASecond: number, secondsAFile: number): ServiceTimes {
  const inSlot = moduleDefaults().scanSlots / filesASecond;
  return { inSlot, outsideSlot: Math.max(0, secondsAFile - inSlot) };
}
