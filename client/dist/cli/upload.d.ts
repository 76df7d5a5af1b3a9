import type { Way } from '../upload/options.ts';
import { type Context } from './context.ts';
export interface UploadFlags {
    readonly wait?: boolean;
    readonly timeout: number;
    readonly name?: string;
    readonly type?: string;
    readonly via?: Way;
    readonly idempotencyKey?: string;
}
/** `fileshare upload FILE... [--wait]`: one file after the other, and a summary. */
export declare function uploadCommand(context: Context, files: readonly string[], flags: UploadFlags): Promise<void>;
