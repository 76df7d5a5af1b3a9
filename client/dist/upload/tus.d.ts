import type { Http } from '../http.ts';
import type { Job } from './options.ts';
import type { Part, Session } from './session.ts';
/** Whether the service takes uploads by tus 1.0: https://tus.io/protocols/resumable-upload#options */
export declare function offersTus(http: Http, signal: AbortSignal | undefined): Promise<boolean>;
/** Begins one. A repeat may begin two: that which nobody goes on with expires. @returns the path of the upload */
export declare function createTus({ http, source, name, type, signal }: Job): Promise<string>;
export declare class TusSession implements Session {
    #private;
    /** @param size bytes, where they were announced */
    constructor(http: Http, path: string, size: number | undefined);
    offset(signal: AbortSignal | undefined): Promise<number>;
    send({ start, bytes, last, onSent }: Part, signal: AbortSignal | undefined): Promise<number>;
}
