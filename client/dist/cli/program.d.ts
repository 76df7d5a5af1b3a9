import { type Command } from 'commander';
import type { ExitCode } from './exit.ts';
export interface Surroundings {
    readonly env: NodeJS.ProcessEnv;
    readonly signal: AbortSignal;
    readonly exit: (code: ExitCode) => void;
}
/** The whole command line. @throws {import('commander').CommanderError}, and whatever its commands throw, from `parseAsync` */
export declare function createProgram(surroundings: Surroundings): Command;
