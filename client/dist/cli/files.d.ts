import type { State } from '../handle.ts';
import { type Context } from './context.ts';
export declare const STATES: readonly ["uploading", "pending", "clean", "infected", "unscannable", "failed", "expired", "deleted"];
/** `fileshare status ID...` */
export declare function statusCommand(context: Context, ids: readonly string[]): Promise<void>;
/** `fileshare wait ID [--timeout SECONDS]` */
export declare function waitCommand(context: Context, id: string, flags: {
    timeout: number;
}): Promise<void>;
/** `fileshare share ID [PRINCIPAL...]`: without a principal, who may view it. */
export declare function shareCommand(context: Context, id: string, principals: readonly string[]): Promise<void>;
/** `fileshare unshare ID PRINCIPAL...` */
export declare function unshareCommand(context: Context, id: string, principals: readonly string[]): Promise<void>;
export interface ListFlags {
    readonly state?: readonly State[];
    readonly limit?: number;
    readonly owner?: string;
}
/** `fileshare ls` */
export declare function listCommand(context: Context, { limit, ...wanted }: ListFlags): Promise<void>;
/** `fileshare rm ID...` */
export declare function removeCommand(context: Context, ids: readonly string[]): Promise<void>;
/** `fileshare token`: of the issuer that `npm start` runs; a deployment gets its tokens from elsewhere. */
export declare function tokenCommand(context: Context, principal: string, flags: {
    scope: string;
}): Promise<void>;
