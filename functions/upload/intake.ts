import { type Pause, pauseAt } from '../../shared/deployment/state.ts';
import type { DeploymentWatch } from '../../shared/deployment/watch.ts';
import { Problem } from '../../shared/http/problems.ts';

/** Seconds: a pause may end earlier than was announced, and nobody knows when one ends that has no end. */
const LONGEST_RETRY_AFTER = 300;

/**
 * Whether new uploads are taken; those under way may be completed. Where the state has never been read, they are: whatever keeps it from
 * being read for long keeps uploads from being stored, too, or is a grant that is missing, for which no file should be refused. docs/adr/0050
 */
export class Intake {
  readonly #watch: DeploymentWatch;
  readonly #now: () => Date;

  constructor(watch: DeploymentWatch, now: () => Date) {
    this.#watch = watch;
    this.#now = now;
  }

  /**
   * @returns undefined if new uploads are known to be accepted; otherwise a promise to await
   * @throws {Problem} `intake-paused`, `wrong-deployment`; rejects with the same
   */
  requireOpen(): Promise<void> | undefined {
    const reading = this.#watch.refresh();
    if (reading) return reading.then(() => this.#require());
    this.#require();
    return undefined;
  }

  #require(): void {
    const { state, owner } = this.#watch;
    if (owner === 'another') throw new Problem('wrong-deployment', { headers: { 'retry-after': '60' } });
    const now = this.#now();
    const pause = state && pauseAt(state, now);
    if (pause) throw paused(pause, now);
  }
}

function paused({ reason, until }: Pause, now: Date): Problem {
  const seconds = until ? Math.ceil((until.getTime() - now.getTime()) / 1000) : LONGEST_RETRY_AFTER;
  const headers = { 'retry-after': String(Math.min(seconds, LONGEST_RETRY_AFTER)) };
  if (!until) return new Problem('intake-paused', { detail: reason, headers });
  const end = until.toISOString();
  return new Problem('intake-paused', {
    detail: `${reason} (until ${end})`,
    headers,
    members: { until: end },
  });
}
