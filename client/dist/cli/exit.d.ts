import type { Handle } from '../handle.ts';
/** What the command line ends with; README.md explains each. */
export declare const EXIT: {
    readonly ok: 0;
    readonly usage: 2;
    readonly infected: 3;
    readonly unscannable: 4;
    readonly failed: 5;
    readonly pending: 6;
    readonly denied: 7;
    readonly interrupted: 130;
};
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
/** A mistake in how the command was called. */
export declare class UsageError extends Error {
}
/** Several files end with the code of the worst. */
export declare function worst(codes: readonly ExitCode[]): ExitCode;
/** What became of a file, once somebody waited for it. */
export declare function exitOf(handle: Handle): ExitCode;
export declare function exitOfError(error: unknown): ExitCode;
export declare function isAbort(error: unknown): boolean;
/** For people: what is wrong, and why where that is known. */
export declare function messageOf(error: unknown): string;
