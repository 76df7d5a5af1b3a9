import { Fileshare } from '../fileshare.ts';
import type { Handle } from '../handle.ts';
import { type ExitCode } from './exit.ts';
/** Options that every command has. */
export interface Common {
    readonly url?: string;
    readonly tokenFile?: string;
    readonly json?: boolean;
    readonly quiet?: boolean;
}
/** What a command works with. Results go to stdout, everything else to stderr. */
export interface Context {
    readonly common: Common;
    readonly env: NodeJS.ProcessEnv;
    /** Aborts at Ctrl-C. */
    readonly signal: AbortSignal;
    readonly exit: (code: ExitCode) => void;
}
export declare const DEFAULT_URL = "http://127.0.0.1:8080";
/** @throws {UsageError} where there is nothing to connect with */
export declare function connect(context: Context): Fileshare;
/** @throws {UsageError} */
export declare function urlOf({ common, env }: Context): string;
/** A result: JSON on a line of its own for programs, `text` for people. */
export declare function print({ common }: Context, value: unknown, text: string): void;
/** A word to the person at the terminal. */
export declare function say({ common }: Context, text: string): void;
/** One line about a file. Names come from others: what could command a terminal is left out. */
export declare function line(handle: Handle): string;
export declare function harmless(text: string): string;
export declare function bytes(count: number): string;
