export type Fetch = (url: string, init: RequestInit) => Promise<Response>;
export interface Sending {
    readonly method: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: Uint8Array<ArrayBuffer> | undefined;
    readonly signal: AbortSignal;
    /** How many bytes of the body have gone out, while they do. */
    readonly onSent?: ((bytes: number) => void) | undefined;
}
/**
 * One request. Who wants to see its body go out gets a stream that counts; browsers stream no request bodies over
 * HTTP/1.1, so there it is XMLHttpRequest that tells.
 */
export declare function send(fetcher: Fetch, url: string, sending: Sending): Promise<Response>;
