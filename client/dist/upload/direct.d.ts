import type { Handle } from '../handle.ts';
import type { Http } from '../http.ts';
import type { Job } from './options.ts';
import type { Part, Session } from './session.ts';
export interface Direct {
    readonly uploadUrl: string;
    readonly handle: Handle;
}
/**
 * Orders a session of Cloud Storage for one file. A repeat may order two: that which nobody uses expires.
 * @returns undefined where the service does not offer it
 */
export declare function openDirect({ http, source, name, type, signal }: Job): Promise<Direct | undefined>;
/** https://cloud.google.com/storage/docs/performing-resumable-uploads */
export declare class DirectSession implements Session {
    #private;
    constructor(http: Http, url: string, size: number);
    offset(signal: AbortSignal | undefined): Promise<number>;
    send({ start, bytes, onSent }: Part, signal: AbortSignal | undefined): Promise<number>;
}
