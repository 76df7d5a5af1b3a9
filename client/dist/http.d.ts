import { type Fetch } from './send.ts';
/** A JWT, or what gets one: it is asked before each request, so that it can renew it. */
export type Token = string | (() => string | Promise<string>);
export interface HttpOptions {
    readonly url: string;
    readonly token?: Token | undefined;
    readonly fetch: Fetch;
    /** How often a request that may be repeated is repeated. */
    readonly retries: number;
    /** Milliseconds without any progress after which a connection is given up. */
    readonly idleMs: number;
}
export interface Call {
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: Uint8Array<ArrayBuffer> | undefined;
    readonly signal?: AbortSignal | undefined;
    readonly onSent?: ((bytes: number) => void) | undefined;
    /** Milliseconds that an answer may take beside what is usual: a long poll. */
    readonly patienceMs?: number;
    /** Whether it is sent once only. Everything else may come twice without harm. */
    readonly once?: boolean;
    /** Statuses beside 2xx that are no problem. */
    readonly accept?: readonly number[];
}
/** Requests to the service: with its token, again after what passes, and with every refusal as an error. */
export declare class Http {
    #private;
    readonly options: HttpOptions;
    constructor(options: HttpOptions);
    /** The absolute URL of a path of the service. */
    url(path: string): string;
    /**
     * @param target a path of the service, or an absolute URL, which is sent no token
     * @throws {FileshareProblem}, {FileshareConnectionError}, the reason of `signal`
     */
    call(method: string, target: string, call?: Call): Promise<Response>;
    json<T>(method: string, path: string, call?: Call): Promise<T>;
}
/** Whether the same request may succeed a little later. */
export declare function isPassing(error: unknown): boolean;
/** Milliseconds to wait before the next attempt. */
export declare function pauseMs(error: unknown, attempt: number): number;
