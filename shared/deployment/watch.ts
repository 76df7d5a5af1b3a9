import type { Logger } from '../runtime/log.ts';
import type { Bucket } from '../storage/bucket.ts';
import { StorageError } from '../storage/error.ts';
import { type DeploymentState, parseState, STATE_NAME } from './state.ts';

/** Multiple of the interval after which what is known is too old to go by: an instance was idle for long. */
const OLD = 10;
/** Milliseconds after a failure in which nothing is read again. */
const BACKOFF_MS = 1_000;

export interface WatchOptions {
  readonly permanent: Pick<Bucket, 'stat'>;
  /** `DEPLOYMENT` of this function. */
  readonly deployment: string;
  /** Milliseconds after which the state is read again, once somebody asks for it. */
  readonly refreshMs: number;
  readonly log: Logger;
  /** Milliseconds of a clock that never goes back. */
  readonly clock?: () => number;
}

/** The owner of the buckets, as far as it is known. */
export type Owner = 'us' | 'nobody' | 'another' | 'unknown';

/**
 * The state of the deployment, read at most once in an interval and beside what asks for it. Where it cannot be read, the last known
 * state holds.
 */
export class DeploymentWatch {
  readonly #options: WatchOptions;
  readonly #clock: () => number;
  #state: DeploymentState | undefined;
  #readAt = Number.NEGATIVE_INFINITY;
  #failedAt = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#clock = options.clock ?? (() => performance.now());
  }

  /** The last known state; undefined where it was never read. */
  get state(): DeploymentState | undefined {
    return this.#state;
  }

  get owner(): Owner {
    if (!this.#state) return 'unknown';
    const { claim } = this.#state;
    if (!claim) return 'nobody';
    return claim.deployment === this.#options.deployment ? 'us' : 'another';
  }

  /** Reads the state before anybody asks for it. A failure is met by the first request. */
  warm(): void {
    if (!this.#state) this.#read(() => undefined);
  }

  /**
   * Sees to it that the state is read again in time.
   * @returns undefined where what is known will do; else what to wait for, which never rejects
   */
  refresh(): Promise<void> | undefined {
    const now = this.#clock();
    const age = now - this.#readAt;
    if (age < this.#options.refreshMs) return undefined;
    if (now - this.#failedAt >= BACKOFF_MS) this.#read((error) => this.#report(error));
    return age >= OLD * this.#options.refreshMs ? this.#reading : undefined;
  }

  #read(failed: (error: unknown) => void): void {
    this.#reading ??= this.#options.permanent
      .stat(STATE_NAME)
      .then((object) => this.#keep(parseState(object?.metadata)), failed)
      .finally(() => {
        this.#reading = undefined;
      });
  }

  #keep(state: DeploymentState): void {
    this.#state = state;
    this.#readAt = this.#clock();
    if (this.owner !== 'another') return;
    const { deployment, log } = this.#options;
    // docs/operations.md names the alerts by these messages.
    log.error({ deployment, owner: state.claim?.deployment }, 'buckets belong to another deployment');
  }

  #report(err: unknown): void {
    this.#failedAt = this.#clock();
    const { log } = this.#options;
    if (err instanceof StorageError && err.transient) log.warn({ err }, 'deployment state not read');
    else log.error({ err }, 'deployment state cannot be read');
  }
}
