/** Aborts its signal when nothing has happened for a while, or when the caller's signal does. */
export declare class Idle {
    #private;
    readonly signal: AbortSignal;
    constructor(ms: number, outer: AbortSignal | undefined);
    /** Says that something happened. */
    reset(): void;
    /** Watches no longer; the signal still follows the caller's. */
    end(): void;
}
