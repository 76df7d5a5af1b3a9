import type { Handle } from '../handle.ts';
import type { Job, Way } from './options.ts';
/** Bytes up to which, and from which on, another way is taken. */
export interface Sizes {
    readonly postUpTo: number;
    readonly directFrom: number;
}
/** @throws {FileshareProblem}, {FileshareConnectionError}, {FileshareIntegrityError}, the reason of the signal */
export declare function upload(job: Job, sizes: Sizes, via: Way | undefined): Promise<Handle>;
