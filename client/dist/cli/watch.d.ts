import { type Context } from './context.ts';
export interface WatchFlags {
    readonly subscription?: string;
    readonly count?: number;
    readonly interval: number;
}
/**
 * `fileshare watch`: your own files as their states change, or with --subscription the events of everybody. Ends
 * at Ctrl-C, or after --count lines.
 */
export declare function watchCommand(context: Context, flags: WatchFlags): Promise<void>;
