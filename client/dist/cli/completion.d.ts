import type { Command } from 'commander';
export declare const SHELLS: readonly ['bash', 'zsh', 'fish'];
/** A script that completes what `program` has, so that it never tells of anything else. */
export declare function completionScript(program: Command, shell: (typeof SHELLS)[number]): string;
