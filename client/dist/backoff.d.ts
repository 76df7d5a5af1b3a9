/** Milliseconds before attempt `attempt` + 1, the first being 0: exponential, with full jitter. */
export declare function backoffMs(attempt: number): number;
/** Resolves after `ms`; rejects with the reason of `signal` as soon as it is aborted. */
export declare function sleep(ms: number, signal?: AbortSignal): Promise<void>;
