import { type Context } from './context.ts';
export interface DownloadFlags {
    readonly output?: string;
    readonly force?: boolean;
}
/** `fileshare download ID [-o FILE]`: a file under its name appears only when it is whole and verified. */
export declare function downloadCommand(context: Context, id: string, { output, force }: DownloadFlags): Promise<void>;
