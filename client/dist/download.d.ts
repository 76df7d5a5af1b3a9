import { type Http } from './http.ts';
export interface DownloadOptions {
    readonly signal?: AbortSignal | undefined;
    readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
}
export interface DownloadProgress {
    /** Bytes. */
    readonly received: number;
    readonly size: number;
}
/** A download that has begun. Its stream fails where the bytes are not those of the file; use them at its end only. */
export interface Download {
    readonly size: number;
    readonly contentType: string;
    readonly fileName: string | undefined;
    /** What the bytes are checked against, in hex. */
    readonly sha256: string;
    readonly stream: ReadableStream<Uint8Array>;
    /** Everything, in memory. @throws {FileshareIntegrityError}, {FileshareConnectionError} */
    bytes(): Promise<Uint8Array<ArrayBuffer>>;
}
/** @throws {FileshareProblem} where it is refused, {FileshareConnectionError} */
export declare function download(http: Http, id: string, options?: DownloadOptions): Promise<Download>;
